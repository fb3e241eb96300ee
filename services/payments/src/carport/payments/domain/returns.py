"""ACH return codes: what each says and whether the bank account may be used again.

Nacha return reason codes, as in domain rule 2.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReturnReason:
    """*text* is for the customer; with *blocks* the account is not debited again."""

    text: str
    blocks: bool = False


REASONS: Mapping[str, ReturnReason] = {
    "R01": ReturnReason("There was not enough money in the bank account."),
    "R02": ReturnReason("The bank account is closed.", blocks=True),
    "R03": ReturnReason("The bank found no such account.", blocks=True),
    "R04": ReturnReason("The account number is not valid.", blocks=True),
    "R05": ReturnReason("The bank says this kind of debit was not authorised.", blocks=True),
    "R06": ReturnReason("Our bank asked for the money to be sent back."),
    "R07": ReturnReason("The authorisation was revoked at the bank.", blocks=True),
    "R08": ReturnReason("The payment was stopped at the bank."),
    "R09": ReturnReason("The money in the bank account is not available yet."),
    "R10": ReturnReason("The account holder says the debit was not authorised.", blocks=True),
    "R11": ReturnReason("The account holder says amount or date differ from what was agreed."),
    "R12": ReturnReason("The account was moved to another bank.", blocks=True),
    "R13": ReturnReason("The bank takes no electronic debits.", blocks=True),
    "R14": ReturnReason("The bank reports that the representative payee has died.", blocks=True),
    "R15": ReturnReason("The bank reports that the account holder has died.", blocks=True),
    "R16": ReturnReason("The bank account is frozen.", blocks=True),
    "R17": ReturnReason("The bank could not process the entry."),
    "R20": ReturnReason("This kind of bank account cannot be debited.", blocks=True),
    "R24": ReturnReason("The bank took the entry for a duplicate."),
    "R29": ReturnReason("The company that holds the account did not authorise it.", blocks=True),
}


class UnknownReturnCode(Exception):
    """A code that no bank sends for a debit."""

    code = "invalid_return_code"
    pointer = "/code"


def reason(code: str) -> ReturnReason:
    """Raises UnknownReturnCode."""
    try:
        return REASONS[code]
    except KeyError:
        known = ", ".join(REASONS)
        raise UnknownReturnCode(f"Use one of {known}. Nothing was returned.") from None
