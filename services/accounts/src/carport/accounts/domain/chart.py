"""Owns the chart of accounts: codes, normal sides, and which are shared by all contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Side = Literal["debit", "credit"]


@dataclass(frozen=True, slots=True)
class Account:
    """``shared`` accounts have no balance row of their own contract: nobody locks them."""

    code: str
    normal: Side
    shared: bool
    title: str


_CHART: Final = (
    Account("principal", "debit", False, "Loan principal"),
    Account("interest_receivable", "debit", False, "Interest receivable"),
    Account("fees_receivable", "debit", False, "Fees receivable"),
    Account("rental_receivable", "debit", False, "Rentals receivable"),
    Account("lease_balance", "debit", False, "Adjusted lease balance"),
    Account("unapplied", "credit", False, "Unapplied money of customers"),
    Account("security_deposit", "credit", False, "Security deposits held"),
    Account("cash_clearing", "debit", True, "Cash clearing"),
    Account("funding", "credit", True, "Contract funding"),
    Account("tax_payable", "credit", True, "Tax payable"),
    Account("returned_vehicles", "debit", True, "Returned vehicles"),
    Account("interest_income", "credit", True, "Interest income"),
    Account("rent_income", "credit", True, "Rent income"),
    Account("fee_income", "credit", True, "Fee income"),
    Account("recovery_income", "credit", True, "Recoveries of amounts charged off"),
    Account("fee_waivers", "debit", True, "Fees waived"),
    Account("goodwill", "debit", True, "Goodwill credits"),
    Account("quote_variance", "debit", True, "Difference borne on honoured quotes"),
    Account("charge_off_loss", "debit", True, "Charged-off balances"),
)
ACCOUNTS: Final[Mapping[str, Account]] = {account.code: account for account in _CHART}
