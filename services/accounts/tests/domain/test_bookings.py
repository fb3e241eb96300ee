"""Journals that balance by construction, and booking only what comes out different."""

from __future__ import annotations

from collections import Counter

import pytest
from carport.accounts.domain.bookings import (
    Changes,
    Live,
    accrual,
    boarding,
    changes,
    interest_earned,
    postings,
    receipt,
    refund,
)
from carport.accounts.domain.chart import ACCOUNTS
from carport.accounts.domain.derivation import Derivation
from carport.accounts.domain.items import Fee, Payment, Quote, Refund, Return, Waiver, WriteOff
from carport.accounts.domain.journal import (
    EmptyJournal,
    Entry,
    Journal,
    UnbalancedJournal,
    UnknownAccount,
    sides,
)

from .builders import day, lease, loan, opened, paid

ON_TIME = (paid("02-24"), paid("03-24"), paid("04-24"))


def entries(journal: Journal) -> list[tuple[str, str, int]]:
    return [(entry.account, entry.side, entry.amount) for entry in journal.entries]


def journal(*parts: Entry) -> Journal:
    return Journal(
        reference="payment:p-1", effective_on=day("05-01"), booked_on=day("05-02"), entries=parts
    )


def stored(changed: Changes, live: list[Live]) -> list[Live]:
    """What is live after *changed* was booked."""
    gone = {reversal.reverses for reversal in changed.reversals}
    kept = [one for one in live if one.reference not in gone]
    return kept + [Live(j.reference, j.effective_on, j.entries) for j in changed.bookings]


def booked(derived: Derivation, live: list[Live], revisions: dict[str, int]) -> Changes:
    return changes(
        live,
        postings(derived, contract_id="c-1"),
        revisions=revisions,
        contract_id="c-1",
        booked_on=day("06-01"),
    )


def test_a_journal_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(UnbalancedJournal):
        journal(Entry("cash_clearing", "debit", 100), Entry("unapplied", "credit", 99))


def test_a_journal_without_entries_cannot_be_made() -> None:
    with pytest.raises(EmptyJournal):
        journal()


def test_an_entry_is_positive_and_on_an_account_of_the_chart() -> None:
    with pytest.raises(EmptyJournal):
        Entry("unapplied", "debit", 0)
    with pytest.raises(UnknownAccount):
        Entry("petty_cash", "debit", 1)


def test_a_reversal_mirrors_its_journal_on_the_same_effective_day() -> None:
    original = journal(Entry("cash_clearing", "debit", 100), Entry("unapplied", "credit", 100))
    mirror = original.reversed(booked_on=day("05-09"))
    assert entries(mirror) == [("cash_clearing", "credit", 100), ("unapplied", "debit", 100)]
    assert (mirror.reference, mirror.reverses) == ("reversal:payment:p-1", "payment:p-1")
    assert (mirror.effective_on, mirror.booked_on) == (day("05-01"), day("05-09"))
    assert (original.kind, mirror.kind) == ("payment", "reversal")


def test_every_account_has_a_normal_side_and_customers_accounts_are_not_shared() -> None:
    own = {code for code, account in ACCOUNTS.items() if not account.shared}
    assert own == {
        "principal", "interest_receivable", "fees_receivable", "rental_receivable",
        "lease_balance", "unapplied", "security_deposit",
    }  # fmt: skip


def test_boarding_brings_the_amount_financed_onto_the_books() -> None:
    made = boarding(loan(), contract_id="c-1", booked_on=day("05-01"))
    assert entries(made) == [("principal", "debit", 3_000_000), ("funding", "credit", 3_000_000)]
    assert (made.reference, made.effective_on) == ("boarding:c-1", day("01-10"))


def test_boarding_a_contract_taken_over_brings_its_opening() -> None:
    opening = {
        "as_of": "2025-06-01",
        "principal": 2_835_490,
        "accrued_interest": 4_033,
        "fees": 2_500,
        "next_due_date": "2025-06-24",
    }
    made = boarding(loan(opening=opening), contract_id="c-1", booked_on=day("06-01"))
    assert entries(made) == [
        ("principal", "debit", 2_835_490),
        ("interest_receivable", "debit", 4_033),
        ("fees_receivable", "debit", 2_500),
        ("funding", "credit", 2_842_023),
    ]
    assert made.effective_on == day("06-01")


def test_boarding_a_lease_holds_its_security_deposit() -> None:
    made = boarding(lease(security_deposit=50_000), contract_id="c-1", booked_on=day("05-01"))
    assert entries(made) == [
        ("lease_balance", "debit", 3_250_000),
        ("security_deposit", "credit", 50_000),
        ("funding", "credit", 3_200_000),
    ]


def test_a_receipt_moves_money_from_clearing_to_unapplied_and_a_refund_back() -> None:
    made = receipt(paid("02-24"), contract_id="c-1", booked_on=day("02-25"))
    assert entries(made) == [("cash_clearing", "debit", 58_684), ("unapplied", "credit", 58_684)]
    assert made.reference == "payment:p-02-24"
    granted = receipt(paid("02-24"), contract_id="c-1", booked_on=day("02-25"), source="goodwill")
    assert granted.entries[0].account == "goodwill"
    back = refund(Refund("r-1", day("03-01"), 99), contract_id="c-1", booked_on=day("03-01"))
    assert (back.reference, entries(back)[0]) == ("refund:r-1", ("unapplied", "debit", 99))


def test_an_allocation_credits_what_the_payment_paid() -> None:
    derived = opened(loan(), "04-30", paid("04-30", 182_000))
    made = booked(derived, [], {}).bookings
    assert [j.reference for j in made] == [
        "late_fee:c-1:1:1", "late_fee:c-1:2:1", "allocation:p-04-30:1",
    ]  # fmt: skip
    assert entries(made[0]) == [
        ("fees_receivable", "debit", 2_500), ("fee_income", "credit", 2_500),
    ]  # fmt: skip
    assert entries(made[2]) == [
        ("unapplied", "debit", 182_000),
        ("interest_receivable", "credit", 58_677),
        ("principal", "credit", 118_323),
        ("fees_receivable", "credit", 5_000),
    ]
    assert {j.booked_on for j in made} == {day("06-01")}


def test_replaying_the_same_facts_books_nothing() -> None:
    derived = opened(loan(), "05-10", *ON_TIME)
    live = stored(booked(derived, [], {}), [])
    assert booked(derived, live, {}) == Changes((), ())


def test_a_back_dated_payment_rebooks_only_what_comes_after_it() -> None:
    terms = loan()
    live = stored(booked(opened(terms, "05-20", *ON_TIME[:2], paid("05-06")), [], {}), [])
    revisions = {one.key: 1 for one in live}
    derived = opened(terms, "05-20", *ON_TIME[:2], paid("04-20", 10_000), paid("05-06"))
    changed = booked(derived, live, revisions)
    assert [j.reverses for j in changed.reversals] == ["allocation:p-05-06:1"]
    assert [j.reference for j in changed.bookings] == [
        "allocation:p-04-20:1", "allocation:p-05-06:2",
    ]  # fmt: skip


def test_a_late_fee_a_back_dated_payment_removed_can_come_back_under_a_new_revision() -> None:
    terms = loan()
    with_fee = opened(terms, "05-20", *ON_TIME[:2])
    without = opened(terms, "05-20", *ON_TIME)
    first = booked(with_fee, [], {})
    live = stored(first, [])
    second = booked(without, live, {one.key: 1 for one in live})
    assert [j.reverses for j in second.reversals] == ["late_fee:c-1:3:1"]
    third = booked(with_fee, stored(second, live), {"late_fee:c-1:3": 1})
    assert [j.reference for j in third.bookings] == ["late_fee:c-1:3:2"]


def test_a_rental_is_booked_to_balance_income_and_tax() -> None:
    derived = opened(lease(), "2023-04-01", paid("2023-03-01", 60_772))
    made = {j.reference: entries(j) for j in booked(derived, [], {}).bookings}
    assert made["rental:c-1:1:1"] == [
        ("rental_receivable", "debit", 50_772),
        ("lease_balance", "credit", 35_632),
        ("rent_income", "credit", 11_271),
        ("tax_payable", "credit", 3_869),
    ]
    assert made["allocation:p-2023-03-01.rental.2:1"] == [
        ("unapplied", "debit", 10_000), ("rental_receivable", "credit", 10_000),
    ]  # fmt: skip


def test_a_payment_that_only_waits_has_no_allocation_journal() -> None:
    derived = opened(lease(), "2023-03-25", paid("2023-03-01", 50_772), paid("2023-03-25", 50_772))
    keys = [posting.key for posting in postings(derived, contract_id="c-1")]
    assert "allocation:p-2023-03-25" not in keys


def test_income_is_what_was_earned_less_what_was_booked() -> None:
    terms = loan()
    january = opened(terms, "02-01").state
    earned = interest_earned(terms, january, on=day("02-01"))
    assert earned == 11_735
    first = accrual(contract_id="c-1", on=day("01-31"), earned=earned, booked=0)
    assert first is not None
    assert entries(first) == [
        ("interest_receivable", "debit", 11_735), ("interest_income", "credit", 11_735),
    ]  # fmt: skip
    assert (first.reference, first.booked_on) == ("accrual:c-1:2025-01-31:1", day("01-31"))
    march = opened(terms, "03-01", paid("02-24")).state
    assert interest_earned(terms, march, on=day("03-01")) == 24_004 + 2_636


def test_income_booked_too_high_is_taken_back_by_the_next_accrual() -> None:
    made = accrual(contract_id="c-1", on=day("05-31"), earned=1_000, booked=1_200)
    assert made is not None
    assert entries(made) == [
        ("interest_receivable", "credit", 200), ("interest_income", "debit", 200),
    ]  # fmt: skip
    assert accrual(contract_id="c-1", on=day("05-31"), earned=1_000, booked=1_000) is None


def test_interest_brought_in_by_an_opening_is_no_income() -> None:
    opening = {
        "as_of": "2025-06-01",
        "principal": 2_835_490,
        "accrued_interest": 4_033,
        "next_due_date": "2025-06-24",
    }
    terms = loan(opening=opening)
    state = opened(terms, "06-02").state
    assert interest_earned(terms, state, on=day("06-02")) == 504


def test_sides_leave_zeros_out_and_turn_negative_amounts_around() -> None:
    made = sides(debit={"principal": 0, "fees_receivable": -5}, credit={"unapplied": -5})
    assert made == (Entry("fees_receivable", "credit", 5), Entry("unapplied", "debit", 5))


def everything() -> tuple[Derivation, list[Payment], list[Refund]]:
    payments = [*ON_TIME, paid("05-20", 10_000), paid("06-20", 9_999_999)]
    refunds = [Refund("r-1", day("06-25"), 1_000)]
    others = [
        Fee("f-1", day("05-21"), 2_500, "nsf"),
        Waiver("w-1", day("05-22"), 1_000, "f-1"),
        Fee("f-2", day("06-21"), 700, "title"),
    ]
    return opened(loan(), "06-30", *payments, *refunds, *others), payments, refunds


def test_the_balances_of_all_journals_are_the_state() -> None:
    derived, payments, refunds = everything()
    journals = [boarding(loan(), contract_id="c-1", booked_on=day("01-10"))]
    journals += [receipt(p, contract_id="c-1", booked_on=p.effective_on) for p in payments]
    journals += [refund(r, contract_id="c-1", booked_on=r.effective_on) for r in refunds]
    journals += booked(derived, [], {}).bookings
    earned = interest_earned(loan(), derived.state, on=day("06-30"))
    last = accrual(contract_id="c-1", on=day("06-30"), earned=earned, booked=0)
    assert last is not None
    totals: Counter[str] = Counter()
    for made in (*journals, last):
        for entry in made.entries:
            totals[entry.account] += entry.amount if entry.side == "debit" else -entry.amount
    state = derived.state
    assert totals["principal"] == state.principal
    assert totals["interest_receivable"] == state.interest
    assert totals["fees_receivable"] == state.fees_due
    assert -totals["unapplied"] == state.unapplied
    assert sum(totals.values()) == 0


@pytest.mark.parametrize(
    ("derived", "key", "account", "amount"),
    [
        (
            opened(loan(), "06-01", *ON_TIME, WriteOff("w-1", day("05-10"))),
            "write_off:w-1",
            "charge_off_loss",
            2_887_008,
        ),
        (
            opened(loan(), "02-24", paid("02-24", 3_000_000, quote=Quote("q", 3_000_000))),
            "quote_variance:p-02-24",
            "quote_variance",
            24_004,
        ),
        (
            opened(lease(), "2023-03-05", Return("r-1", day("2023-03-05"))),
            "return:r-1",
            "returned_vehicles",
            3_214_368,
        ),
    ],
    ids=["write-off", "variance", "return"],
)
def test_losses_and_returns_are_booked_to_their_accounts(
    derived: Derivation, key: str, account: str, amount: int
) -> None:
    made = {posting.key: posting.entries for posting in postings(derived, contract_id="c-1")}
    assert made[key][0] == Entry(account, "debit", amount)
