"""Answers of accounts: read, never written."""
