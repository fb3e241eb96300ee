"""The small library all units use."""
