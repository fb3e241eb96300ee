"""Rows to values and back: the only code of accounts that knows its tables."""
