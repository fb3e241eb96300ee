"""Which ways to end a lease are open, day by day, and the reasons a customer reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from carport.lease.domain.lease import Standing
from carport.lease.domain.options import RULES, TITLES, options

MATURITY = date(2026, 3, 1)
STANDING = Standing(
    as_of=MATURITY,
    maturity_date=MATURITY,
    is_open=True,
    unpaid=0,
    adjusted_balance=2000000,
    oldest_unpaid_due=None,
    payments_remaining=0,
)
FAR = MATURITY - timedelta(days=400)


def at(days_before: int, **more) -> Standing:
    return replace(STANDING, as_of=MATURITY - timedelta(days=days_before), **more)


def codes(standing: Standing) -> dict[str, list[str]]:
    return {o.type: [reason.code for reason in o.reasons] for o in options(standing)}


@pytest.mark.parametrize(
    ("days_before", "extend", "turn_in"),
    [
        (400, ["not_open_yet"], ["not_open_yet"]),
        (121, ["not_open_yet"], ["not_open_yet"]),
        (120, [], ["not_open_yet"]),
        (91, [], ["not_open_yet"]),
        (90, [], []),
        (0, [], []),
        (-1, ["lease_ended"], []),
    ],
)
def test_time_opens_the_options(days_before, extend, turn_in):
    assert codes(at(days_before)) == {"extend": extend, "buyout": [], "turn_in": turn_in}


@pytest.mark.parametrize(("days_past_due", "extend"), [(0, []), (60, []), (61, ["past_due"])])
def test_an_extension_is_not_offered_more_than_60_days_past_due(days_past_due, extend):
    due = STANDING.as_of - timedelta(days=days_past_due)
    found = codes(replace(STANDING, oldest_unpaid_due=due))
    assert found == {"extend": extend, "buyout": [], "turn_in": []}


def test_days_past_due_grow_by_themselves_from_day_to_day():
    standing = replace(STANDING, oldest_unpaid_due=date(2026, 2, 1))
    assert standing.days_past_due == 28
    assert replace(standing, as_of=date(2026, 4, 3)).days_past_due == 61


def test_an_instalment_not_due_yet_is_not_past_due():
    assert replace(STANDING, oldest_unpaid_due=date(2026, 4, 1)).days_past_due == 0


@pytest.mark.parametrize("days_before", [400, 60, -10])
def test_a_paid_off_lease_has_one_reason_for_everything(days_before):
    closed = at(days_before, is_open=False, paid_off_on=date(2026, 1, 5), flags=frozenset({"x"}))
    assert codes(closed) == {option: ["paid_off"] for option in TITLES}
    assert "on January 5, 2026" in options(closed)[0].reasons[0].text
    assert all(option.opens_on is None for option in options(closed))


@pytest.mark.parametrize(
    ("flag", "closed"),
    [("total_loss", {"extend", "buyout", "turn_in"}), ("bankruptcy", {"extend", "buyout"})],
)
def test_flags_close_options(flag, closed):
    found = codes(replace(STANDING, flags=frozenset({flag})))
    assert {option for option, reasons in found.items() if reasons == [flag]} == closed


def test_every_reason_is_told_at_once():
    due = FAR - timedelta(days=61)
    standing = replace(STANDING, as_of=FAR, oldest_unpaid_due=due, flags=frozenset({"bankruptcy"}))
    assert codes(standing)["extend"] == ["not_open_yet", "past_due", "bankruptcy"]


def test_an_option_that_is_not_open_yet_says_when_it_opens():
    extend, buyout, turn_in = options(at(400))
    assert extend.opens_on == date(2025, 11, 1)
    assert buyout.opens_on is None
    assert turn_in.opens_on == date(2025, 12, 1)
    assert extend.reasons[0].text == (
        "This opens on November 1, 2025, 120 days before the lease ends."
    )


def test_every_rule_has_a_code_of_its_own_and_a_sentence():
    assert len({rule.code for rule in RULES}) == len(RULES)
    for rule in RULES:
        for option in rule.options:
            text = rule.text(at(400), option)
            assert text[0].isupper()
            assert text.endswith(".")
