"""A loan derived from its items, against the worked numbers of the domain guide."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from carport.accounts.domain.delinquency import Instalment
from carport.accounts.domain.items import (
    Fee,
    Item,
    ItemOutsideContract,
    Payment,
    Quote,
    Refund,
    Return,
    Waiver,
    WriteOff,
)
from carport.accounts.domain.replay import allocation_of, derive, timeline
from carport.accounts.domain.schedule import original_schedule
from carport.accounts.domain.state import NextDue, aged, balance, interest_at, payoff

from .builders import day, loan, opened, paid

ON_TIME = (paid("02-24"), paid("03-24"), paid("04-24"))


def late_fees(derivation: object) -> dict[str, int]:
    """Cents by the day a late fee is effective."""
    charges = getattr(derivation, "charges")  # noqa: B009
    return {str(c.effective_on): c.fees for c in charges if c.kind == "late_fee"}


def test_a_contract_paid_as_scheduled_ends_at_zero_with_the_interest_of_the_schedule() -> None:
    terms = loan()
    rows = original_schedule(terms)
    payments = [paid(str(row.due_date), row.payment) for row in rows]
    derived = opened(terms, "2030-01-25", *payments)
    assert [(a.interest, a.principal) for a in derived.allocations] == [
        (row.interest, row.principal) for row in rows
    ]
    state = derived.state
    assert (state.status, balance(state), state.interest_credited) == ("paid_off", 0, 531_002)
    assert (state.payments_made, state.payments_remaining, state.next_due) == (60, 0, None)


@pytest.mark.parametrize(
    ("on", "interest", "principal", "left", "fees"),
    [
        ("04-14", 10_908, 47_776, 2_873_623, 0),
        ("04-24", 16_103, 42_581, 2_878_818, 0),
        ("05-04", 21_297, 37_387, 2_884_012, 0),
        ("05-05", 21_817, 36_867, 2_884_532, 2_500),
    ],
)
def test_the_day_instalment_3_is_paid_decides_its_interest_and_its_fee(
    on: str, interest: int, principal: int, left: int, fees: int
) -> None:
    derived = opened(loan(), "05-06", *ON_TIME[:2], paid(on))
    last = derived.allocations[-1]
    assert (last.interest, last.principal, last.fees) == (interest, principal, 0)
    assert derived.state.principal == left
    assert derived.state.fees_due == fees


def test_months_of_silence_then_1_000_dollars_w1() -> None:
    derived = opened(loan(), "04-30", paid("04-30", 100_000))
    only = derived.allocations[0]
    assert (only.interest, only.principal, only.fees, only.unapplied) == (58_677, 41_323, 0, 0)
    state = derived.state
    assert (state.principal, state.fees_due, state.past_due) == (2_958_677, 5_000, 76_052)
    assert late_fees(derived) == {"2025-03-07": 2_500, "2025-04-04": 2_500}


def test_the_fee_falls_in_the_close_after_the_last_day_of_grace_f1() -> None:
    terms, items = loan(), ON_TIME[:2]
    assert opened(terms, "05-05", *items).state.fees_due == 0
    assert late_fees(opened(terms, "05-06", *items)) == {"2025-05-05": 2_500}


def test_a_payment_on_the_last_day_of_grace_prevents_the_fee_and_one_a_day_later_does_not() -> None:
    terms = loan()
    assert late_fees(opened(terms, "05-06", *ON_TIME[:2], paid("05-04"))) == {}
    late = opened(terms, "05-06", *ON_TIME[:2], paid("05-05"))
    assert late_fees(late) == {"2025-05-05": 2_500}
    assert late.state.instalments[2] == Instalment(
        3, day("04-24"), 58_684, 58_684, day("05-05"), late_fee=2_500
    )


@pytest.mark.parametrize(
    ("rule", "cents"),
    [
        ({"kind": "flat", "amount": 2500}, 2_500),
        ({"kind": "percent", "basis_points": 500}, 2_934),
        ({"kind": "lesser_of", "amount": 2500, "basis_points": 500}, 2_500),
        ({"kind": "greater_of", "amount": 2500, "basis_points": 500}, 2_934),
        ({"kind": "percent", "basis_points": 500, "minimum": 3_000}, 3_000),
        ({"kind": "percent", "basis_points": 500, "maximum": 1_500}, 1_500),
    ],
)
def test_the_late_fee_follows_the_rule_of_the_contract_f2(
    rule: dict[str, object], cents: int
) -> None:
    derived = opened(loan(late_fee=rule), "05-06", *ON_TIME[:2])
    assert late_fees(derived) == {"2025-05-05": cents}


def test_a_percentage_is_of_what_is_missing_of_the_instalment() -> None:
    terms = loan(late_fee={"kind": "percent", "basis_points": 500})
    derived = opened(terms, "05-06", *ON_TIME[:2], paid("04-24", 48_684))
    assert late_fees(derived) == {"2025-05-05": 500}


def test_a_back_dated_payment_takes_the_fee_away() -> None:
    terms = loan()
    before = opened(terms, "05-20", *ON_TIME[:2])
    after = opened(terms, "05-20", *ON_TIME[:2], paid("05-04"))
    assert (before.state.fees_due, after.state.fees_due) == (2_500, 0)


def test_taking_a_returned_payment_out_brings_the_fee_back() -> None:
    terms = loan()
    assert opened(terms, "05-06", *ON_TIME).state.fees_due == 0
    assert opened(terms, "05-06", *ON_TIME[:2]).state.fees_due == 2_500


def test_a_full_payment_on_time_is_never_late_because_of_an_older_fee() -> None:
    for order in (["interest", "principal", "fees"], ["fees", "interest", "principal"]):
        terms = loan(allocation=order)
        items = [paid("03-10"), paid("03-24"), paid("04-24"), paid("05-24")]
        assert late_fees(opened(terms, "06-10", *items)) == {"2025-03-07": 2_500}


def test_a_full_payment_before_its_due_date_is_not_late_though_a_fee_took_part_of_it() -> None:
    derived = opened(loan(), "04-10", paid("03-10"), paid("03-20"))
    assert late_fees(derived) == {"2025-03-07": 2_500}
    assert derived.allocations[1].fees == 2_500


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["interest", "principal", "fees"], (58_677, 41_323, 0)),
        (["fees", "interest", "principal"], (58_677, 36_323, 5_000)),
        (["principal", "interest", "fees"], (0, 100_000, 0)),
    ],
)
def test_the_contract_decides_the_order_of_the_buckets(
    order: list[str], expected: tuple[int, int, int]
) -> None:
    only = opened(loan(allocation=order), "04-30", paid("04-30", 100_000)).allocations[0]
    assert (only.interest, only.principal, only.fees) == expected


def test_fees_first_leave_that_much_less_for_the_instalments() -> None:
    terms = loan(allocation=["fees", "interest", "principal"], extra="principal")
    state = opened(terms, "04-30", paid("04-30", 100_000)).state
    assert (state.fees_due, state.past_due) == (0, 176_052 - 95_000)


def test_principal_due_is_the_bucket_and_the_rest_follows_after_the_fees() -> None:
    terms = loan()
    derived = opened(terms, "04-30", paid("04-30", 176_052 + 5_000 + 1_000))
    only = derived.allocations[0]
    assert (only.interest, only.fees) == (58_677, 5_000)
    assert only.principal == 176_052 - 58_677 + 1_000
    assert derived.state.next_due == NextDue(57_684, day("05-24"))


def test_extra_counts_towards_the_next_instalments_unless_it_is_for_principal() -> None:
    terms = loan()
    ahead = opened(terms, "03-01", paid("02-24", 68_684)).state
    principal = opened(terms, "03-01", paid("02-24", 68_684, extra="principal")).state
    assert ahead.principal == principal.principal == 2_955_320
    assert ahead.next_due == NextDue(48_684, day("03-24"))
    assert principal.next_due == NextDue(58_684, day("03-24"))


def test_the_contract_may_put_extra_money_to_principal_by_default() -> None:
    terms = loan(extra="principal")
    assert opened(terms, "03-01", paid("02-24", 68_684)).state.next_due == NextDue(
        58_684, day("03-24")
    )
    ahead = opened(terms, "03-01", paid("02-24", 68_684, extra="next_due"))
    assert ahead.state.next_due == NextDue(48_684, day("03-24"))


def test_instalments_covered_ahead_are_satisfied_at_once_and_the_next_one_is_asked_for() -> None:
    state = opened(loan(), "03-01", paid("02-24", 3 * 58_684)).state
    assert state.next_due == NextDue(58_684, day("05-24"))
    assert (state.paid_to, state.payments_made) == (day("04-24"), 3)


def test_money_above_the_payoff_stays_unapplied_as_a_credit_balance() -> None:
    derived = opened(loan(), "02-24", paid("02-24", 3_024_004 + 1_234))
    only = derived.allocations[0]
    assert (only.interest, only.principal, only.unapplied) == (24_004, 3_000_000, 1_234)
    assert (derived.state.status, balance(derived.state)) == ("paid_off", -1_234)


def test_a_fee_after_payoff_takes_the_credit_balance() -> None:
    fee = Fee("fee-1", day("03-01"), 1_000, "title")
    derived = opened(loan(), "03-02", paid("02-24", 3_024_004 + 1_234), fee)
    assert (derived.state.fees_due, derived.state.unapplied) == (0, 234)
    later = derived.allocations[1]
    assert (later.part, later.fees, later.unapplied) == ("fee.fee-1", 1_000, -1_000)
    assert allocation_of(derived, "p-02-24")["unapplied"] == 234


def test_after_the_last_due_date_all_of_the_principal_is_due() -> None:
    terms = loan(term_months=12)
    rows = original_schedule(terms)
    late = [paid(str(row.due_date + timedelta(days=8)), row.payment) for row in rows[:-1]]
    derived = opened(terms, "2026-02-01", *late)
    last = derived.state.instalments[-1]
    assert last.amount > rows[-1].payment
    assert (
        derived.state.past_due == last.remaining == balance(derived.state) - derived.state.fees_due
    )
    paying = paid("2026-02-01", balance(derived.state))
    assert opened(terms, "2026-02-01", *late, paying).state.status == "paid_off"


def test_a_quote_that_is_paid_closes_the_contract_and_the_lender_bears_the_difference() -> None:
    quoted = payoff(loan(), opened(loan(), "05-05", *ON_TIME).state, on=day("05-15"))
    fee = Fee("fee-1", day("05-10"), 2_500, "nsf")
    paying = paid("05-15", quoted, quote=Quote("q-1", quoted))
    derived = opened(loan(), "05-15", *ON_TIME, fee, paying)
    assert (derived.state.status, balance(derived.state)) == ("paid_off", 0)
    variance = derived.charges[-1]
    assert (variance.kind, variance.key, variance.fees) == ("quote_variance", "p-05-15", 2_500)
    unquoted = opened(loan(), "05-15", *ON_TIME, fee, paid("05-15", quoted))
    assert unquoted.state.status == "active"


def test_less_than_the_quote_is_an_ordinary_payment() -> None:
    paying = paid("05-15", 2_889_566, quote=Quote("q-1", 2_889_567))
    assert opened(loan(), "05-15", *ON_TIME, paying).state.status == "active"


def test_what_an_honoured_quote_asked_too_much_stays_the_customers() -> None:
    paying = paid("05-15", 2_889_567, quote=Quote("q-1", 2_889_567))
    back_dated = paid("05-04", 10_000)
    state = opened(loan(), "05-15", *ON_TIME, back_dated, paying).state
    assert (state.status, state.unapplied) == ("paid_off", 10_009)


def test_the_payoff_of_the_sample_on_05_15_is_28_895_67_p1() -> None:
    terms, state = loan(), opened(loan(), "05-05", *ON_TIME).state
    assert interest_at(terms, state, on=day("05-05")) == 5_631
    assert interest_at(terms, state, on=day("05-15")) == 10_749
    assert payoff(terms, state, on=day("05-15")) == 2_889_567
    assert state.per_diem == Decimal("5.1188")


def test_paying_the_payoff_of_a_day_leaves_nothing() -> None:
    terms = loan()
    amount = payoff(terms, opened(terms, "05-10").state, on=day("05-10"))
    state = opened(terms, "05-10", paid("05-10", amount)).state
    assert (state.status, balance(state), state.accrued) == ("paid_off", 0, 0)


def test_a_waiver_forgives_what_is_unpaid_of_a_fee_and_no_more() -> None:
    waiver = Waiver("w-1", day("03-08"), 9_999, "late_fee:1")
    derived = opened(loan(), "03-09", waiver)
    assert (derived.state.fees_due, derived.charges[-1].fees) == (0, 2_500)


def test_a_waiver_of_a_fee_that_never_was_forgives_nothing() -> None:
    waiver = Waiver("w-1", day("03-08"), 2_500, "late_fee:1")
    derived = opened(loan(), "03-09", paid("02-24"), waiver)
    assert derived.charges == ()


def test_older_fees_are_paid_first() -> None:
    fees = [Fee("f-1", day("01-11"), 1_000, "nsf"), Fee("f-2", day("01-12"), 2_000, "title")]
    one_paid = [paid("01-12", 5_333 // 5, name="p-1"), Waiver("w-1", day("01-13"), 9_999, "f-1")]
    derived = opened(loan(late_fee=None), "01-14", *fees, *one_paid)
    assert derived.allocations[0].fees == 0
    assert derived.state.fees_due == 2_000


def test_money_for_several_fees_pays_the_older_ones_whole() -> None:
    fees = [Fee(f"f-{k}", day("01-11"), 1_000, "nsf") for k in (1, 2, 3)]
    paying = paid("02-24", 24_004 + 34_680 + 1_500)
    waivers = [Waiver(f"w-{k}", day("02-25"), 9_999, f"f-{k}") for k in (1, 2, 3)]
    derived = opened(loan(), "02-26", *fees, paying, *waivers)
    forgiven = {c.key: c.fees for c in derived.charges if c.kind == "waiver"}
    assert forgiven == {"w-2": 500, "w-3": 1_000}


def test_a_refund_takes_the_credit_and_its_payment_taken_back_leaves_it_missing() -> None:
    terms, refund = loan(), Refund("r-1", day("03-01"), 1_234)
    full = paid("02-24", 3_024_004 + 1_234)
    assert opened(terms, "03-02", full, refund).state.unapplied == 0
    assert opened(terms, "03-02", refund).state.unapplied == -1_234


def test_the_next_payment_restores_refunded_money_first() -> None:
    derived = opened(loan(), "03-05", Refund("r-1", day("03-01"), 1_234), paid("03-05"))
    only = derived.allocations[0]
    assert (only.interest + only.principal, only.unapplied) == (58_684 - 1_234, 1_234)
    assert derived.state.unapplied == 0


def test_a_write_off_takes_everything_and_later_money_is_a_recovery() -> None:
    off, late = WriteOff("w-1", day("05-10")), paid("06-10", 100_000)
    derived = opened(loan(), "06-10", *ON_TIME, off, late)
    charge = derived.charges[-1]
    assert (charge.kind, charge.principal, charge.interest) == ("write_off", 2_878_818, 8_190)
    assert (derived.state.status, balance(derived.state)) == ("charged_off", 0)
    assert derived.allocations[-1].recovery == 100_000
    assert late_fees(derived) == {}


def test_money_above_what_was_written_off_is_a_credit_and_not_a_recovery() -> None:
    off = WriteOff("w-1", day("05-10"))
    items = [paid("06-10", 2_880_000), paid("06-11", 10_000), paid("06-12", 500)]
    derived = opened(loan(), "06-12", *ON_TIME, off, *items)
    assert [a.recovery for a in derived.allocations[-3:]] == [2_880_000, 7_008, 0]
    assert derived.state.unapplied == 2_992 + 500


def test_on_the_last_due_date_but_one_only_what_is_due_goes_before_fees() -> None:
    terms = loan(term_months=12)
    rows = original_schedule(terms)
    items = [paid(str(row.due_date), row.payment) for row in rows[:-2]]
    fee = Fee("f-1", rows[-2].due_date - timedelta(days=1), 2_500, "nsf")
    both = paid(str(rows[-2].due_date), rows[-2].payment + 1_000)
    derived = opened(terms, str(rows[-2].due_date), *items, fee, both)
    assert derived.allocations[-1].fees == 1_000


def test_what_is_missing_of_the_last_instalment_includes_interest_to_the_end_of_grace() -> None:
    percent = {"kind": "percent", "basis_points": 10_000}
    terms = loan(term_months=12, late_fee=percent)
    rows = original_schedule(terms)
    items = [paid(str(row.due_date), row.payment) for row in rows[:-1]]
    short = paid(str(rows[-1].due_date), rows[-1].payment - 100_000)
    derived = opened(terms, "2026-02-10", *items, short)
    assert late_fees(derived) == {"2026-02-04": 100_000 + 178}


def test_instalments_show_what_was_paid_of_them_and_what_is_still_to_be_paid() -> None:
    shown = opened(loan(), "03-01", paid("02-24", 68_684)).state.instalments
    assert (shown[0].amount, shown[0].paid, shown[0].satisfied_on) == (58_684, 58_684, day("02-24"))
    assert (shown[1].amount, shown[1].paid, shown[1].satisfied_on) == (58_684, 10_000, None)
    assert (shown[2].amount, shown[2].paid, shown[2].remaining) == (58_684, 0, 58_684)
    assert [instalment.late_fee for instalment in shown] == [0] * 60


def test_items_outside_the_contract_are_refused() -> None:
    with pytest.raises(ItemOutsideContract):
        opened(loan(), "05-10", paid("01-09"))
    with pytest.raises(ItemOutsideContract):
        opened(loan(), "05-10", paid("05-11"))


def test_a_loan_cannot_be_returned() -> None:
    with pytest.raises(TypeError):
        opened(loan(), "05-10", Return("r-1", day("05-09")))


def test_a_contract_boarded_late_has_the_fees_its_closes_would_have_assessed() -> None:
    terms, items = loan(), [paid("03-10"), paid("04-24")]
    at_once = opened(terms, "06-20", *items)
    day_by_day = [c for d in _days("01-10", "06-19") for c in _fees_of(terms, items, d)]
    assert [c for c in at_once.charges if c.kind == "late_fee"] == day_by_day


def _days(first: str, last: str) -> list[date]:
    start, end = day(first), day(last)
    return [start + timedelta(days=k) for k in range((end - start).days + 1)]


def _fees_of(terms: object, items: list[Payment], closing: date) -> list[object]:
    """Late fees the close of *closing* adds to a contract that knows what happened by then."""
    known: list[Item] = [item for item in items if item.effective_on <= closing]
    charges = derive(terms, known, closed_through=closing).charges  # type: ignore[arg-type]
    return [c for c in charges if c.kind == "late_fee" and c.effective_on == closing]


def test_a_contract_taken_over_goes_on_from_its_opening() -> None:
    opening = {
        "as_of": "2025-05-24",
        "principal": 2_878_818,
        "accrued_interest": 15_356,
        "fees": 2_500,
        "next_due_date": "2025-05-24",
    }
    derived = opened(loan(opening=opening), "05-24", paid("05-24"))
    only = derived.allocations[0]
    assert (only.interest, only.principal, only.fees) == (15_356, 43_328, 0)
    assert derived.state.principal == 2_835_490
    assert (derived.state.payments_made, derived.state.fees_due) == (4, 2_500)
    assert derived.state.next_due == NextDue(58_684, day("06-24"))


def test_what_is_overdue_before_the_opening_is_past_due_without_a_second_fee() -> None:
    opening = {
        "as_of": "2025-05-10",
        "principal": 2_921_399,
        "accrued_interest": 24_414,
        "fees": 2_500,
        "next_due_date": "2025-04-24",
    }
    derived = opened(loan(opening=opening), "05-20")
    assert (derived.state.past_due, derived.state.days_past_due) == (58_684, 26)
    assert late_fees(derived) == {}


def test_grace_ends_for_the_oldest_instalment_that_can_still_be_in_time() -> None:
    terms = loan()
    assert opened(terms, "02-01").state.grace_ends_on == day("03-06")
    assert opened(terms, "03-06").state.grace_ends_on == day("03-06")
    assert opened(terms, "03-07").state.grace_ends_on == day("04-03")


def test_an_instalment_is_due_but_not_past_due_on_its_due_date() -> None:
    state = opened(loan(), "02-24").state
    assert (state.past_due, state.days_past_due) == (0, 0)
    assert state.next_due == NextDue(58_684, day("02-24"))
    after = opened(loan(), "02-25").state
    assert (after.past_due, after.days_past_due) == (58_684, 1)


def test_ageing_a_state_is_the_same_as_deriving_it_on_the_later_day() -> None:
    terms = loan()
    early = opened(terms, "04-25", *ON_TIME).state
    assert aged(terms, early, on=day("05-20")) == opened(terms, "05-20", *ON_TIME).state


def test_the_timeline_explains_every_cent_of_interest() -> None:
    terms = loan()
    derived = opened(terms, "05-10", *ON_TIME)
    lines = timeline(terms, derived)
    assert [(line.days, line.balance) for line in lines] == [
        (45, 3_000_000), (28, 2_965_320), (31, 2_921_399), (16, 2_878_818),
    ]  # fmt: skip
    assert all(line.basis == 365 and line.annual_rate == Decimal("0.0649") for line in lines)
    shown = [round(line.interest) for line in lines]
    assert shown == [24_004, 14_763, 16_103, derived.state.interest]
