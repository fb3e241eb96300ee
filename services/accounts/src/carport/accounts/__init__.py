"""accounts: contracts, the ledger and the business date."""
