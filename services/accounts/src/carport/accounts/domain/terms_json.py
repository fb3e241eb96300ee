"""Owns the JSON of terms: the boarding document's members in, the stored column out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Final, TypedDict

from carport.accounts.domain.interest import RATE_DECIMALS
from carport.accounts.domain.lease import straight_line_parts
from carport.accounts.domain.members import Members
from carport.accounts.domain.schedule import level_payment
from carport.accounts.domain.terms import (
    BUCKETS,
    DAY_COUNTS,
    EXTRAS,
    FEE_KINDS,
    TAX_METHODS,
    TERM_MEMBERS,
    Bucket,
    DayCount,
    Extra,
    LateFee,
    LeaseFees,
    LeaseTerms,
    Mileage,
    Opening,
    RetailTerms,
    Tax,
    Terms,
)
from carport.accounts.domain.terms_rules import TermsRefused, problems_of
from carport.shared.kernel.money import AMOUNT_MAX, round_half_up

TERM_MONTHS_MAX: Final = 120
GRACE_DAYS_MAX: Final = 60
BASIS_POINTS_MAX: Final = 10_000
MONEY_FACTOR_DECIMALS: Final = 10
APR_DECIMALS: Final = 10
MILES_MAX: Final = 1_000_000
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class _Common(TypedDict):
    contract_date: date
    term_months: int
    first_due_date: date
    due_day: int
    currency: str
    day_count: DayCount
    grace_days: int
    late_fee: LateFee | None
    nsf_fee: int
    allocation: tuple[Bucket, ...]
    extra: Extra
    opening: Opening | None


def parse_terms(document: Mapping[str, object]) -> Terms:
    """Checked, complete terms from the term members of a boarding document.

    Fills in what was left out (payment, due day, defaults). Raises TermsRefused with every
    problem that was found.
    """
    members = Members(document)
    product = members.word("product", ("retail", "lease"))
    members.only(TERM_MEMBERS[product])
    terms: Terms = _lease(members) if product == "lease" else _retail(members)
    if not members.problems:
        members.problems.extend(problems_of(terms))
    if members.problems:
        raise TermsRefused(tuple(members.problems))
    return terms


def dump_terms(terms: Terms) -> dict[str, object]:
    """JSON of *terms*, complete: ``parse_terms(dump_terms(terms)) == terms``."""
    return {"product": terms.product, **_plain_members(terms)}


def _plain_members(value: object) -> dict[str, object]:
    if not is_dataclass(value):
        raise TypeError(f"no terms: {value!r}")
    pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
    return {name: _plain(part) for name, part in pairs if part is not None and name != "base"}


def _plain(value: object) -> object:
    if is_dataclass(value):
        return _plain_members(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else value


def _common(members: Members) -> _Common:
    first = members.day("first_due_date")
    return {
        "contract_date": members.day("contract_date"),
        "term_months": members.integer("term_months", 1, TERM_MONTHS_MAX),
        "first_due_date": first,
        "due_day": members.integer("due_day", 1, 31, default=first.day),
        "currency": _currency(members),
        "day_count": members.word("day_count", DAY_COUNTS, "actual/365"),
        "grace_days": members.integer("grace_days", 0, GRACE_DAYS_MAX, default=10),
        "late_fee": _late_fee(members.object("late_fee")),
        "nsf_fee": members.integer("nsf_fee", 0, AMOUNT_MAX, default=0),
        "allocation": _allocation(members),
        "extra": members.word("extra", EXTRAS, "next_due"),
        "opening": _opening(members.object("opening")),
    }


def _retail(members: Members) -> RetailTerms:
    common = _common(members)
    principal = members.integer("principal", 1, AMOUNT_MAX)
    annual_rate = members.fraction("annual_rate", places=RATE_DECIMALS)
    apr = None
    if members.has("disclosed_apr"):
        apr = members.fraction("disclosed_apr", places=APR_DECIMALS)
    fitting = max(1, level_payment(principal, annual_rate, common["term_months"]))
    return RetailTerms(
        **common,
        payment=members.integer("payment", 1, AMOUNT_MAX, default=fitting),
        principal=principal,
        annual_rate=annual_rate,
        disclosed_apr=apr,
    )


def _lease(members: Members) -> LeaseTerms:
    """``payment`` of a lease is the total; what it holds besides the tax is the base."""
    common = _common(members)
    cost = members.integer("adjusted_cap_cost", 1, AMOUNT_MAX)
    residual = members.integer("residual", 0, AMOUNT_MAX)
    factor = members.fraction("money_factor", places=MONEY_FACTOR_DECIMALS)
    tax = _tax(members.object("tax"))
    rate = tax.rate if tax.method == "on_payment" else Decimal(0)
    fitting = sum(
        straight_line_parts(
            cap_cost=cost, residual=residual, money_factor=factor, months=common["term_months"]
        )
    )
    total = fitting + round_half_up(fitting * rate)
    payment = members.integer("payment", 1, AMOUNT_MAX, default=max(1, total))
    return LeaseTerms(
        **common,
        payment=payment,
        adjusted_cap_cost=cost,
        residual=residual,
        money_factor=factor,
        base=round_half_up(payment / (1 + rate)),
        tax=tax,
        mileage=_mileage(members.object("mileage")),
        fees=_lease_fees(members.object("fees")),
        security_deposit=members.integer("security_deposit", 0, AMOUNT_MAX, default=0),
    )


def _currency(members: Members) -> str:
    value = members.members.get("currency", "USD")
    if isinstance(value, str) and _CURRENCY.fullmatch(value):
        return value
    members.refuse("currency", "invalid_type", "must be three capital letters")
    return "USD"


def _allocation(members: Members) -> tuple[Bucket, ...]:
    """The three buckets in the contract's order, each once."""
    value = members.members.get("allocation")
    if value is None:
        return BUCKETS
    if not isinstance(value, list) or sorted(map(str, value)) != sorted(BUCKETS):
        members.refuse("allocation", "invalid_type", f"orders {', '.join(BUCKETS)}, each once")
        return BUCKETS
    return tuple(bucket for name in value for bucket in BUCKETS if bucket == name)


def _late_fee(members: Members | None) -> LateFee | None:
    if members is None:
        return None
    members.only(frozenset({"kind", "amount", "basis_points", "minimum", "maximum"}))
    return LateFee(
        kind=members.word("kind", FEE_KINDS),
        amount=members.integer("amount", 0, AMOUNT_MAX, default=0),
        basis_points=members.integer("basis_points", 0, BASIS_POINTS_MAX, default=0),
        minimum=members.optional_integer("minimum", 0, AMOUNT_MAX),
        maximum=members.optional_integer("maximum", 1, AMOUNT_MAX),
    )


def _opening(members: Members | None) -> Opening | None:
    if members is None:
        return None
    names = {"as_of", "principal", "accrued_interest", "fees", "next_due_date"}
    members.only(frozenset(names))
    return Opening(
        as_of=members.day("as_of"),
        principal=members.integer("principal", 1, AMOUNT_MAX),
        accrued_interest=members.integer("accrued_interest", 0, AMOUNT_MAX, default=0),
        fees=members.integer("fees", 0, AMOUNT_MAX, default=0),
        next_due_date=members.day("next_due_date"),
    )


def _tax(members: Members | None) -> Tax:
    if members is None:
        return Tax()
    members.only(frozenset({"rate", "method"}))
    return Tax(
        rate=members.fraction("rate", places=RATE_DECIMALS),
        method=members.word("method", TAX_METHODS),
    )


def _mileage(members: Members | None) -> Mileage | None:
    if members is None:
        return None
    members.only(frozenset({"annual_allowance", "excess_rate", "start"}))
    return Mileage(
        annual_allowance=members.integer("annual_allowance", 0, MILES_MAX),
        excess_rate=members.integer("excess_rate", 0, AMOUNT_MAX),
        start=members.integer("start", 0, MILES_MAX, default=0),
    )


def _lease_fees(members: Members | None) -> LeaseFees:
    if members is None:
        return LeaseFees()
    members.only(frozenset({"disposition", "purchase_option"}))
    return LeaseFees(
        disposition=members.integer("disposition", 0, AMOUNT_MAX, default=0),
        purchase_option=members.integer("purchase_option", 0, AMOUNT_MAX, default=0),
    )
