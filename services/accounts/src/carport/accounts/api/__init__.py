"""HTTP words of accounts: routes by who calls them, schemas, and the command that boards a file."""

from __future__ import annotations

from carport.accounts.api import customer, lender, sandbox, staff

BLUEPRINTS = (customer.blp, lender.blp, staff.blp, sandbox.blp)
