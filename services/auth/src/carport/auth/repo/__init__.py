"""Rows of auth's tables, by topic. ``lock_…`` holds the row until the transaction ends."""
