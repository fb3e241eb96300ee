"""How much may be paid to an account: what its last snapshot says, accrued to the payment's day."""

from __future__ import annotations

from calendar import isleap
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from carport.shared.kernel.money import display, round_half_up

YEAR = {"actual/365": 365, "actual/360": 360, "30/360": 360, "actual/actual": 365 * 366}


class CurrencyMismatch(Exception):
    """Another currency than the account's."""

    code = "currency_mismatch"
    pointer = "/currency"


class ExceedsPayoff(Exception):
    """More than closes the account."""

    code = "exceeds_payoff"
    pointer = "/amount"


class AccountNotPayable(Exception):
    """An account that takes no payments any more."""

    code = "account_not_payable"


class ExtraRefused(Exception):
    """A lease has no principal to pay ahead."""

    code = "invalid_extra"
    pointer = "/extra"


@dataclass(frozen=True, slots=True)
class Account:
    """What payments knows of an account. Cents; *accrued* are exact cents at *accrued_as_of*."""

    id: str
    product: str
    status: str
    currency: str
    as_of: date
    payoff: int
    principal: int
    accrued: Fraction
    accrued_as_of: date
    annual_rate: Decimal | None
    day_count: str
    fees_due: int
    unapplied: int


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked to be paid."""

    amount: int
    currency: str
    effective_on: date
    extra: str | None = None


def payoff_on(account: Account, day: date) -> int:
    """Cents that close *account* on *day*; the most a lease takes does not grow with days."""
    if account.annual_rate is None or day <= account.as_of:
        return account.payoff
    interest = account.accrued + _interest(account, day)
    return round_half_up(interest) + account.principal + account.fees_due - account.unapplied


def check(account: Account, order: Order, *, in_flight: int = 0) -> None:
    """Raises CurrencyMismatch, ExtraRefused, ExceedsPayoff or AccountNotPayable.

    *in_flight* are cents on their way that the snapshot may not know yet.
    """
    if order.currency != account.currency:
        raise CurrencyMismatch(
            f"This account is kept in {account.currency}. Send the amount in that currency;"
            " no money moved."
        )
    if order.extra == "principal" and account.product == "lease":
        raise ExtraRefused(
            "A lease has no principal to pay ahead. Leave `extra` out; no money moved."
        )
    check_open(account)
    most = payoff_on(account, order.effective_on) - in_flight
    if order.amount > most:
        raise ExceedsPayoff(_too_much(account, order.effective_on, most, in_flight))


def check_open(account: Account) -> None:
    """Raises AccountNotPayable unless the account is active."""
    if account.status != "active":
        state = account.status.replace("_", " ")
        raise AccountNotPayable(
            f"This account is {state} and takes no payments. No money moved; call us if you"
            " believe something is still owed."
        )


def _interest(account: Account, day: date) -> Fraction:
    """Exact cents from the snapshot to *day*: balance x rate x share of the year."""
    weight = _day_number(day, account.day_count) - _day_number(
        account.accrued_as_of, account.day_count
    )
    rate = Fraction(account.annual_rate or 0)
    return account.principal * rate * weight / YEAR[account.day_count]


def _day_number(day: date, day_count: str) -> int:
    """A running number whose differences weigh a period, in the unit of ``YEAR``."""
    if day_count == "30/360":
        return day.year * 360 + day.month * 30 + min(day.day, 30)
    if day_count == "actual/actual":
        passed = day.toordinal() - date(day.year, 1, 1).toordinal()
        return day.year * 365 * 366 + passed * (365 if isleap(day.year) else 366)
    return day.toordinal()


def _too_much(account: Account, day: date, most: int, in_flight: int) -> str:
    known = f" ({display(in_flight, account.currency)} is already on its way)" if in_flight else ""
    return (
        f"On {day} this account can take at most {display(max(most, 0), account.currency)}{known}."
        " No payment was made and no money moved; lower the amount."
    )
