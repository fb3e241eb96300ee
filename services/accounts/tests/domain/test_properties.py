"""What must hold of every contract, whatever happened to it (domain guide 2.3)."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

from carport.accounts.domain.bookings import Live, changes, postings
from carport.accounts.domain.derivation import Derivation
from carport.accounts.domain.items import Fee, Item, Payment, Quote, Refund, Waiver, WriteOff
from carport.accounts.domain.replay import derive, timeline
from carport.accounts.domain.schedule import original_schedule
from carport.accounts.domain.state import balance, payoff
from carport.accounts.domain.terms import BUCKETS, DAY_COUNTS, RetailTerms, Terms
from hypothesis import given, settings
from hypothesis import strategies as st

from .builders import lease, loan

START = date(2025, 1, 10)
DAYS = 500
CLOSED = START + timedelta(days=DAYS)
PARTS = (
    "interest",
    "principal",
    "fees",
    "rental",
    "lease_balance",
    "recovery",
    "fee_income",
    "tax",
)

many = settings(max_examples=150, deadline=None)
offsets = st.integers(0, DAYS)
amounts = st.one_of(st.integers(1, 200_000), st.just(58_684), st.integers(1, 4_000_000))


def on(offset: int) -> date:
    return START + timedelta(days=offset)


loans = st.builds(
    lambda **changes: loan(**changes),
    annual_rate=st.sampled_from(["0", "0.0649", "0.199999"]),
    term_months=st.sampled_from([6, 12, 60]),
    day_count=st.sampled_from(DAY_COUNTS),
    allocation=st.permutations(BUCKETS),
    extra=st.sampled_from(["next_due", "principal"]),
    late_fee=st.sampled_from([None, {"kind": "flat", "amount": 2500}, {
        "kind": "greater_of", "amount": 2500, "basis_points": 500, "maximum": 5000}]),
)  # fmt: skip
leases = st.builds(
    lambda months: lease(
        contract_date="2025-01-10", first_due_date="2025-01-10", term_months=months
    ),
    st.sampled_from([6, 12, 36]),
)
payments = st.builds(
    Payment,
    id=st.uuids().map(str),
    effective_on=offsets.map(on),
    amount=amounts,
    extra=st.sampled_from([None, "next_due", "principal"]),
)
fees = st.builds(
    Fee,
    id=st.uuids().map(str),
    effective_on=offsets.map(on),
    amount=st.integers(1, 30_000),
    code=st.just("nsf"),
)
refunds = st.builds(
    Refund, id=st.uuids().map(str), effective_on=offsets.map(on), amount=st.integers(1, 9_999)
)
waivers = st.builds(
    Waiver,
    id=st.uuids().map(str),
    effective_on=offsets.map(on),
    amount=st.integers(1, 5_000),
    fee=st.sampled_from(["late_fee:1", "late_fee:2", "late_fee:9"]),
)
histories = st.lists(st.one_of(payments, payments, fees, refunds, waivers), max_size=14)


def derived(terms: Terms, items: list[Item]) -> Derivation:
    return derive(terms, items, closed_through=CLOSED)


@many
@given(st.one_of(loans, leases), histories)
def test_every_cent_of_a_payment_is_somewhere_and_no_part_is_negative(
    terms: Terms, items: list[Item]
) -> None:
    result = derived(terms, items)
    for payment in (item for item in items if isinstance(item, Payment)):
        mine = [a for a in result.allocations if a.payment_id == payment.id]
        assert sum(a.applied + a.unapplied for a in mine) == payment.amount
        assert sum(a.unapplied for a in mine) >= 0
        assert all(getattr(a, part) >= 0 for a in mine for part in PARTS)


@many
@given(st.one_of(loans, leases), histories)
def test_balances_are_never_negative_and_are_what_was_not_paid(
    terms: Terms, items: list[Item]
) -> None:
    result = derived(terms, items)
    state = result.state
    assert min(state.principal, state.accrued, state.fees_due, state.rentals_due) >= 0
    moved: Counter[str] = Counter()
    for allocation in result.allocations:
        moved.update({part: getattr(allocation, part) for part in PARTS})
    charged = sum(c.fees for c in result.charges if c.kind in ("fee", "late_fee"))
    waived = sum(c.fees for c in result.charges if c.kind == "waiver")
    assert state.fees_due == charged - waived - moved["fees"]
    if isinstance(terms, RetailTerms):
        assert state.principal == terms.principal - moved["principal"]
        assert state.interest_credited == moved["interest"]
    received = sum(i.amount for i in items if isinstance(i, Payment))
    refunded = sum(i.amount for i in items if isinstance(i, Refund))
    assert state.unapplied == received - refunded - moved.total()


@many
@given(st.one_of(loans, leases), histories, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_arrive_changes_nothing(
    terms: Terms, items: list[Item], chance: random.Random
) -> None:
    shuffled = list(items)
    chance.shuffle(shuffled)
    assert derived(terms, shuffled) == derived(terms, items)


@many
@given(st.one_of(loans, leases), histories, payments)
def test_taking_a_payment_out_is_as_if_it_had_never_been_and_the_ledger_follows(
    terms: Terms, items: list[Item], bounced: Payment
) -> None:
    without, with_it = derived(terms, items), derived(terms, [*items, bounced])
    live: dict[str, Live] = {}
    revisions: Counter[str] = Counter()
    for wanted in (without, with_it, without):
        changed = changes(
            live.values(),
            postings(wanted, contract_id="c"),
            revisions=revisions,
            contract_id="c",
            booked_on=CLOSED,
        )
        for reversal in changed.reversals:
            del live[str(reversal.reverses)]
        for made in changed.bookings:
            assert made.reference not in live
            live[made.reference] = Live(made.reference, made.effective_on, made.entries)
            revisions[live[made.reference].key] += 1
        booked = {(one.key, one.effective_on, one.entries) for one in live.values()}
        assert booked == {
            (p.key, p.effective_on, p.entries) for p in postings(wanted, contract_id="c")
        }


@many
@given(loans, offsets, st.integers(2, 4_000_000), st.data())
def test_it_does_not_matter_how_the_money_of_a_day_is_split(
    terms: RetailTerms, offset: int, amount: int, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, amount - 1))
    other = Payment("z", on(DAYS), 100_000)
    whole = derived(terms, [Payment("a", on(offset), amount), other])
    split = derived(
        terms, [Payment("a", on(offset), cut), Payment("b", on(offset), amount - cut), other]
    )
    assert split.state == whole.state
    assert sum(a.interest for a in split.allocations) == sum(a.interest for a in whole.allocations)
    assert timeline(terms, split) == timeline(terms, whole)


@many
@given(st.one_of(loans, leases), st.integers(0, 20), st.integers(-20, 10))
def test_late_fees_never_pyramid(terms: Terms, late_by: int, after: int) -> None:
    """Only the first instalment is late: no later one, paid in full and in time, is charged."""
    if isinstance(terms, RetailTerms):
        terms = replace(terms, extra="next_due")
    rows = original_schedule(terms)[:5]
    items = [
        Payment(f"{row.number:03}", max(START, row.due_date + timedelta(days=after)), row.payment)
        for row in rows[1:]
    ]
    items.append(Payment("first", rows[0].due_date + timedelta(days=late_by), rows[0].payment))
    closed = rows[-1].due_date + timedelta(days=20)
    charges = derive(terms, items, closed_through=closed).charges
    late = [charge.key for charge in charges if charge.kind == "late_fee"]
    assert late in ([], ["1"])
    assert not late or late_by > terms.grace_days


@many
@given(loans, histories, offsets)
def test_paying_the_payoff_leaves_nothing_owed(
    terms: RetailTerms, items: list[Item], offset: int
) -> None:
    known = [item for item in items if item.effective_on < on(offset)]
    before = derive(terms, known, closed_through=on(offset) - timedelta(days=1)).state
    amount = payoff(terms, before, on=on(offset))
    if amount > 0:
        known.append(Payment("payoff", on(offset), amount))
    after = derive(terms, known, closed_through=on(offset) - timedelta(days=1)).state
    assert balance(after) == min(amount, 0)
    assert (after.principal, after.interest, after.fees_due) == (0, 0, 0)
    assert after.status == "paid_off"


@many
@given(st.one_of(loans, leases), histories, offsets, st.integers(1, 5_000_000))
def test_an_honoured_quote_closes_the_contract_whatever_else_happened(
    terms: Terms, items: list[Item], offset: int, amount: int
) -> None:
    quote = Quote("q", amount)
    known = [item for item in items if item.effective_on < on(offset)]
    closing = Payment("zz", on(offset), amount, quote=quote)
    state = derive(terms, [*known, closing], closed_through=on(offset) - timedelta(days=1)).state
    assert state.status == "paid_off"
    assert (state.principal, state.interest, state.fees_due) == (0, 0, 0)
    assert (state.rentals_due, state.lease_balance, state.next_due) == (0, 0, None)


@many
@given(st.one_of(loans, leases), histories, offsets)
def test_after_a_write_off_nothing_is_owed_but_fees_since(
    terms: Terms, items: list[Item], offset: int
) -> None:
    off = WriteOff("off", on(offset))
    kept = [i for i in items if not isinstance(i, Fee) or i.effective_on <= on(offset)]
    state = derived(terms, [*kept, off]).state
    assert state.status == "charged_off"
    assert (state.principal, state.interest, state.rentals_due, state.lease_balance) == (0,) * 4
    assert state.fees_due == 0


@many
@given(loans, st.lists(payments, max_size=8))
def test_paying_what_the_instalments_still_ask_for_ends_the_contract(
    terms: RetailTerms, made: list[Payment]
) -> None:
    plain = replace(terms, late_fee=None, allocation=BUCKETS)
    state = derive(plain, made, closed_through=CLOSED).state
    rest = [
        Payment(f"zz{i.number:03}", max(state.as_of, i.due_date), i.remaining)
        for i in state.instalments
        if i.remaining
    ]
    end = max((payment.effective_on for payment in rest), default=state.as_of)
    done = derive(plain, [*made, *rest], closed_through=end).state
    assert (done.status, done.principal, done.interest) == ("paid_off", 0, 0)
    assert done.unapplied == state.unapplied
