"""Whether the ledger is what it claims to be, from the rows of accounts alone."""

from __future__ import annotations

from carport.accounts.queries.verify import books, chains, facts, said
from carport.shared.checks import sentences

CHECKS = (*books.CHECKS, *chains.CHECKS, *facts.CHECKS, *said.CHECKS)
verify = sentences(CHECKS)
