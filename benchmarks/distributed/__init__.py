"""Ratios of the distributed mode against what it could cost at best, both sides in one run."""
