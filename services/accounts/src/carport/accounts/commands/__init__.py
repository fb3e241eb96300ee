"""Use cases of accounts: load, decide, store, say so. Only their callers commit."""
