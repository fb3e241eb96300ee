"""The answer about one lease: when it ends, what can be done, what buying costs. Does all hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from carport.lease import events, repo
from carport.lease.domain.buyout import buyout
from carport.lease.domain.lease import Standing, Terms
from carport.lease.domain.mileage import term_allowance
from carport.lease.domain.milestones import milestones
from carport.lease.domain.options import options
from carport.lease.tables import notices
from carport.shared import business_day, said
from carport.shared.checks import sentences
from carport.shared.errors import NotFound
from carport.shared.outbox import outbox
from carport.shared.said import Fact


def lease_view(tx: Connection, account_id: str) -> dict[str, Any]:
    """Raises NotFound for an account that is no lease, unknown, or not announced yet."""
    as_of = business_day.get(tx).date
    terms = repo.terms(tx, account_id)
    standing = repo.standing(tx, account_id, as_of)
    if terms is None or standing is None:
        raise NotFound
    return {
        "account_id": account_id,
        "maturity_date": standing.maturity_date,
        "days_to_maturity": standing.days_to_maturity,
        "milestones": [asdict(item) for item in milestones(standing.maturity_date, as_of)],
        "payments_left": standing.payments_remaining,
        "payment": terms.payment,
        "last_payment": repo.last_payment(tx, account_id),
        "mileage": _mileage(terms),
        "fees": {
            "disposition": terms.disposition_fee,
            "purchase_option": terms.purchase_option_fee,
        },
        "options": _options(standing),
        "buyout": _buyout(terms, standing),
        "as_of": as_of,
    }


def _mileage(terms: Terms) -> dict[str, Any]:
    return {
        "annual_allowance": terms.annual_allowance,
        "term_allowance": term_allowance(terms.annual_allowance, terms.term_months),
        "excess_rate": terms.excess_rate,
        "start": terms.start_odometer,
    }


def _options(standing: Standing) -> list[dict[str, Any]]:
    return [
        {
            "type": option.type,
            "title": option.title,
            "open": option.is_open,
            "opens_on": option.opens_on,
            "reasons": [asdict(reason) for reason in option.reasons],
        }
        for option in options(standing)
    ]


def _buyout(terms: Terms, standing: Standing) -> dict[str, Any] | None:
    figure = buyout(terms, standing)
    if figure is None:
        return None
    return {
        "amount": figure.amount,
        "as_of": standing.as_of,
        "basis": figure.basis,
        "parts": {
            "price": figure.price,
            "purchase_option_fee": figure.purchase_option_fee,
            "unpaid": figure.unpaid,
            "tax": figure.tax,
        },
    }


def facts(tx: Connection) -> Iterator[Fact]:
    """What is said once each: a notice of a maturity date, on the day it was given."""
    given = sa.cast(notices.c.maturity_date, sa.Text) + ":" + sa.cast(notices.c.given_on, sa.Text)
    day = sa.cast(outbox.c.businessdate, sa.Text)
    yield Fact(
        events.MATURITY_APPROACHING,
        name=notices.c.account_id + ":" + given,
        said=said.of_data(tx, "account_id", "maturity_date") + ":" + day,
        where=sa.true(),
        kept=notices.c.given_on >= sa.select(sa.func.min(outbox.c.businessdate)).scalar_subquery(),
    )


CHECKS = (said.unsaid(facts), said.untrue(facts))
verify = sentences(CHECKS)
