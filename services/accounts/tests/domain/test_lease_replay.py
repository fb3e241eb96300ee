"""A lease derived from its items: rentals billed, paid, paid ahead, returned, bought."""

from __future__ import annotations

import pytest
from carport.accounts.domain.delinquency import Instalment
from carport.accounts.domain.derivation import Charge, Derivation
from carport.accounts.domain.items import Extension, Fee, Item, Payment, Quote, Return, WriteOff
from carport.accounts.domain.replay import allocation_of
from carport.accounts.domain.schedule import current_schedule
from carport.accounts.domain.state import NextDue, balance, payoff
from carport.accounts.domain.terms import due_date

from .builders import day, lease, opened, paid

RENTAL = 50_772


def rent(on: str, amount: int = RENTAL, **more: object) -> Payment:
    return paid(on, amount, **more)


def billed(derived: Derivation) -> list[str]:
    return [charge.key for charge in derived.charges if charge.kind == "rental"]


def on_time(months: int) -> list[Item]:
    return [rent(str(due_date(lease(), number))) for number in range(1, months + 1)]


def test_a_rental_is_billed_at_the_opening_of_its_due_date() -> None:
    assert billed(opened(lease(), "2023-03-31")) == ["1"]
    assert billed(opened(lease(), "2023-04-01")) == ["1", "2"]


def test_the_first_rental_is_due_with_the_contract() -> None:
    derived = opened(lease(), "2023-03-01")
    assert derived.charges == (
        Charge(
            kind="rental",
            key="1",
            effective_on=day("2023-03-01"),
            rental=RENTAL,
            rent=11_271,
            lease_balance=35_632,
            tax=3_869,
        ),
    )
    assert (derived.state.rentals_due, derived.state.lease_balance) == (RENTAL, 3_214_368)


def test_after_24_rentals_the_adjusted_balance_is_23_593_08() -> None:
    state = opened(lease(), "2025-02-15", *on_time(24)).state
    assert (state.lease_balance, state.rentals_due, state.rentals_billed) == (2_359_308, 0, 24)
    assert (state.payments_made, state.payments_remaining) == (24, 12)
    assert state.next_due == NextDue(RENTAL, day("2025-03-01"))


def test_a_lease_paid_to_maturity_stands_at_its_residual() -> None:
    state = opened(lease(), "2026-03-01", *on_time(36)).state
    assert (state.lease_balance, balance(state), state.next_due) == (1_885_000, 0, None)
    assert state.status == "active"


def test_a_payment_goes_to_the_oldest_rental_then_to_fees_then_waits() -> None:
    fee = Fee("fee-1", day("2023-03-05"), 2_500, "nsf")
    derived = opened(lease(), "2023-03-10", fee, rent("2023-03-10", RENTAL + 2_500 + 777))
    only = derived.allocations[0]
    assert (only.rental, only.fees, only.unapplied) == (RENTAL, 2_500, 777)


def test_what_waits_is_taken_by_the_next_rental_on_its_own_day() -> None:
    derived = opened(lease(), "2023-04-01", rent("2023-03-01", RENTAL + 10_000))
    own, later = derived.allocations
    assert (own.part, own.rental, own.unapplied) == ("", RENTAL, 10_000)
    assert (later.part, later.rental, later.unapplied) == ("rental.2", 10_000, -10_000)
    assert later.effective_on == day("2023-04-01")
    sums = allocation_of(derived, "p-2023-03-01")
    assert (sums["rental"], sums["unapplied"]) == (RENTAL + 10_000, 0)
    assert derived.state.rentals_due == RENTAL - 10_000


def test_a_payment_before_its_due_date_satisfies_the_rental_when_it_is_billed() -> None:
    items = [rent("2023-03-01"), rent("2023-03-25")]
    before = opened(lease(), "2023-03-26", *items).state
    assert (before.unapplied, before.next_due) == (RENTAL, NextDue(RENTAL, day("2023-05-01")))
    after = opened(lease(), "2023-04-01", *items).state
    assert (after.unapplied, after.rentals_due) == (0, 0)
    assert after.instalments[1] == Instalment(
        2, day("2023-04-01"), RENTAL, RENTAL, day("2023-04-01")
    )


def test_an_unpaid_rental_gets_one_late_fee_after_grace() -> None:
    assert opened(lease(), "2023-03-12").state.fees_due == 0
    assert opened(lease(), "2023-03-13").state.fees_due == 2_500
    assert opened(lease(), "2023-03-31").state.fees_due == 2_500


def test_a_percentage_is_of_what_is_missing_of_the_rental_and_of_one_rental_at_most() -> None:
    terms = lease(late_fee={"kind": "percent", "basis_points": 1000})
    short = opened(terms, "2023-03-20", rent("2023-03-01", 40_772)).state
    assert short.fees_due == 1_000
    assert opened(terms, "2023-04-20").state.fees_due == 2 * 5_077


def test_a_rental_paid_early_is_not_late_though_an_older_fee_took_part_of_it() -> None:
    derived = opened(lease(), "2023-04-30", rent("2023-03-20"), rent("2023-03-25"))
    late = [c.key for c in derived.charges if c.kind == "late_fee"]
    assert late == ["1"]


def test_the_most_a_lease_takes_is_all_rentals_to_maturity_and_fees_less_what_waits() -> None:
    terms = lease()
    state = opened(terms, "2023-04-05", rent("2023-03-01", RENTAL + 10_000)).state
    limit = 35 * RENTAL - 10_000
    assert payoff(terms, state, on=day("2023-04-05")) == limit
    assert payoff(terms, opened(terms, "2023-03-20").state, on=day("2023-03-20")) == (
        36 * RENTAL + 2_500
    )


def test_a_returned_vehicle_ends_the_rentals_and_what_is_past_due_stays_m2() -> None:
    back = Return("r-1", day("2023-05-01"))
    derived = opened(lease(), "2023-07-20", *on_time(1), back)
    assert billed(derived) == ["1", "2"]
    assert (derived.state.status, derived.state.rentals_due) == ("returned", RENTAL)
    assert derived.state.days_past_due == 110
    paid_up = opened(lease(), "2023-07-20", *on_time(2), back).state
    assert (paid_up.days_past_due, paid_up.past_due, paid_up.next_due) == (0, 0, None)


def test_a_return_takes_the_vehicle_out_of_the_lease_balance() -> None:
    derived = opened(lease(), "2025-02-20", *on_time(24), Return("r-1", day("2025-02-20")))
    assert derived.charges[-1] == Charge(
        kind="return", key="r-1", effective_on=day("2025-02-20"), lease_balance=2_359_308
    )
    assert derived.state.lease_balance == 0


def test_an_extension_bills_the_same_rental_all_of_it_rent() -> None:
    longer = Extension("e-1", day("2026-02-10"), 2)
    derived = opened(lease(), "2026-06-01", *on_time(36), longer)
    assert billed(derived)[-2:] == ["37", "38"]
    last = next(charge for charge in derived.charges if charge.key == "38")
    assert (last.kind, last.rent, last.lease_balance) == ("rental", 46_903, 0)
    assert derived.state.maturity == day("2026-05-01")
    assert derived.state.lease_balance == 1_885_000


def test_the_schedule_ahead_holds_what_is_left_to_pay() -> None:
    terms = lease()
    derived = opened(terms, "2026-01-05", *on_time(34), Extension("e-1", day("2026-01-04"), 1))
    rows = current_schedule(terms, derived.state)
    assert [(row.number, row.payment) for row in rows] == [
        (35, RENTAL), (36, RENTAL), (37, RENTAL),
    ]  # fmt: skip
    assert (rows[-1].interest, rows[-1].principal, rows[-1].balance) == (46_903, 0, 1_885_000)


def test_a_buyout_at_its_quote_pays_everything_and_the_vehicle() -> None:
    """L7: residual 18,850.00, fee 300.00, tax 1,579.88."""
    quote = Quote("q-1", 2_072_988, fees=30_000, tax=157_988)
    derived = opened(lease(), "2026-03-01", *on_time(36), rent("2026-03-01", 2_072_988,
        name="p-buy", quote=quote))  # fmt: skip
    bought = derived.allocations[-1]
    assert (bought.lease_balance, bought.fee_income, bought.tax) == (1_885_000, 30_000, 157_988)
    state = derived.state
    assert (state.status, state.lease_balance, state.unapplied) == ("paid_off", 0, 0)
    assert [c.kind for c in derived.charges if c.kind == "quote_variance"] == []


def test_a_buyout_uses_money_that_waits_and_the_lender_bears_a_difference() -> None:
    items = [*on_time(24), rent("2025-02-10", 10_000, name="p-wait")]
    quote = Quote("q-1", 2_340_000)
    buying = rent("2025-02-15", 2_340_000, name="p-buy", quote=quote)
    derived = opened(lease(), "2025-03-05", *items, buying)
    assert derived.state.status == "paid_off"
    assert billed(derived)[-1] == "24"
    variance = derived.charges[-1]
    assert (variance.kind, variance.lease_balance) == ("quote_variance", 9_308)
    assert allocation_of(derived, "p-wait")["lease_balance"] == 10_000


def test_a_buyout_pays_rentals_and_fees_first() -> None:
    owed = RENTAL + 2_500
    quote = Quote("q-1", owed + 3_214_368)
    buying = rent("2023-03-20", quote.amount, name="p-buy", quote=quote)
    derived = opened(lease(), "2023-03-21", buying)
    bought = derived.allocations[-1]
    assert [c.kind for c in derived.charges] == ["rental", "late_fee"]
    assert (derived.state.given, derived.state.payments_made) == (RENTAL, 1)
    assert derived.state.unapplied == 0
    assert (bought.rental, bought.fees, bought.lease_balance) == (RENTAL, 2_500, 3_214_368)


def test_what_a_buyout_brings_too_much_stays_the_customers() -> None:
    quote = Quote("q-1", 2_072_988, fees=30_000, tax=157_988)
    fee = Fee("fee-1", day("2026-02-20"), 2_500, "nsf")
    buying = rent("2026-03-01", 2_072_988 + 2_500 + 777, name="p-buy", quote=quote)
    derived = opened(lease(), "2026-03-01", *on_time(36), fee, buying)
    bought = derived.allocations[-1]
    assert (bought.fees, bought.fee_income, bought.tax) == (2_500, 30_000, 157_988)
    assert (bought.lease_balance, bought.unapplied) == (1_885_000, 777)
    assert derived.state.unapplied == 777


def test_recoveries_of_a_lease_end_at_what_was_written_off() -> None:
    off = WriteOff("w-1", day("2023-03-20"))
    derived = opened(lease(), "2023-06-20", off, rent("2023-06-20", 3_267_640 + 5))
    last = derived.allocations[-1]
    assert (last.recovery, last.unapplied) == (3_267_640, 5)


def test_a_lease_written_off_owes_nothing_and_later_money_is_a_recovery() -> None:
    derived = opened(lease(), "2023-06-20", WriteOff("w-1", day("2023-03-20")),
                     rent("2023-06-20", 5_000))  # fmt: skip
    gone = derived.charges[-1]
    assert (gone.rental, gone.fees, gone.lease_balance) == (RENTAL, 2_500, 3_214_368)
    assert (derived.state.status, balance(derived.state)) == ("charged_off", 0)
    assert derived.allocations[-1].recovery == 5_000


@pytest.mark.parametrize(
    ("open_day", "numbers"), [("2024-03-01", ["13"]), ("2024-04-01", ["13", "14"])]
)
def test_a_lease_taken_over_bills_from_its_next_due_date(open_day: str, numbers: list[str]) -> None:
    opening = {
        "as_of": "2024-02-20",
        "principal": 2_814_038,
        "next_due_date": "2024-03-01",
    }
    derived = opened(lease(opening=opening), open_day)
    assert billed(derived) == numbers
    assert derived.state.payments_made == 12
