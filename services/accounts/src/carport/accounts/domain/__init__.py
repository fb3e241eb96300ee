"""The rules of contracts, pure: terms, schedules, interest, allocation, the ledger's journals."""
