from __future__ import annotations

from datetime import date, timedelta

import pytest
from carport.accounts.domain.journal import Entry, Journal
from carport.accounts.queries.verify.chains import journals
from carport.accounts.repo import contracts, ledger
from carport.accounts.repo.books import Books, LedgerRefused, Line
from carport.shared import testing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError


@pytest.fixture
def booked(make):
    """A loan with payments, a return and two closed days."""
    suite = make("2025-05-06")
    suite.account_id = suite.board()
    paid = suite.pay(suite.account_id, 58684, effective_on="2025-02-24")
    suite.pay(suite.account_id, 100000)
    suite.move("2025-05-07")
    suite.give_back(paid)
    suite.move("2025-05-08")
    assert suite.verify() == []
    return suite


@pytest.mark.parametrize("table", ["journal", "entry", "anchor"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_the_ledger_refuses_changes_and_deletions(booked, table, change):
    column = {"journal": "kind", "entry": "side", "anchor": "sha256"}[table]
    with (
        pytest.raises(DBAPIError, match=r"append-only|permission denied"),
        booked.runtime.transaction() as tx,
    ):
        tx.exec_driver_sql(change.format(table, column, column))


def test_a_balance_only_grows(booked):
    with (
        pytest.raises(DBAPIError, match="only grow"),
        booked.runtime.transaction() as tx,
    ):
        tx.exec_driver_sql("UPDATE balance SET debits = debits - 1 WHERE debits > 0")


def test_a_closed_day_takes_no_journal_even_past_the_code(booked):
    insert = (
        "INSERT INTO journal (id, chain, seq, contract_id, kind, reference, effective_on,"
        " booked_on, posted_at, currency, prev_hash, hash) SELECT 'x', chain, 999, contract_id,"
        " kind, 'x', effective_on, '2025-05-07', posted_at, currency, hash, 'x' FROM journal"
        " LIMIT 1"
    )
    with pytest.raises(DBAPIError, match="closed"), booked.runtime.transaction() as tx:
        tx.exec_driver_sql(insert)


def test_posting_on_a_closed_day_is_refused(booked):
    day = date(2025, 5, 7)
    pair = (Entry("unapplied", "debit", 5), Entry("cash_clearing", "credit", 5))
    late = Journal(reference="test:1", effective_on=day, booked_on=day, entries=pair,
                   contract_id=booked.account_id)  # fmt: skip
    with booked.runtime.transaction() as tx:
        contract = contracts.lock(tx, booked.account_id)
        with pytest.raises(LedgerRefused, match="closed day"):
            Books(tx, [contract.id]).post(contract, [Line(late)], now=booked.now)


COLUMNS = {
    "id": "'0197a3c2-6f20-7abc-8def-0123456789ab'", "kind": "'fee'", "reference": "'other'",
    "effective_on": "'2025-01-11'", "booked_on": "'2025-05-07'", "amount": "7",
    "balance_after": "7", "currency": "'CAD'", "posted_at": "'2025-01-01T00:00:00.000000Z'",
    "source_event_id": "'x'", "prev_hash": "'y'", "hash": "'z'", "seq": "77",
}  # fmt: skip


def tamper(suite, *statements):
    """What somebody with the database's password could do: triggers off, change, triggers on."""
    with testing.databases.tampering(suite.runtime) as tx:
        for statement in statements:
            tx.exec_driver_sql(statement)


FIRST = "(SELECT id FROM journal ORDER BY seq LIMIT 1 OFFSET 2)"


@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_a_change_to_any_column_of_a_journal_is_found(booked, column):
    with booked.runtime.reading() as tx:
        (victim,) = tx.exec_driver_sql(
            "SELECT id FROM journal WHERE kind = 'payment' ORDER BY seq LIMIT 1"
        ).one()
    moves = []
    if column == "id":
        for table, name in (("entry", "journal_id"), ("derived", "journal_id"),
                            ("journal", "reverses_id")):  # fmt: skip
            moves.append(f"UPDATE {table} SET {name} = {COLUMNS['id']} WHERE {name} = '{victim}'")
    tamper(booked, *moves, f"UPDATE journal SET {column} = {COLUMNS[column]} WHERE id = '{victim}'")
    found = booked.verify()
    assert found
    if column not in ("seq", "id"):
        assert any(victim in fault for fault in found)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE entry SET amount = amount + 1 WHERE journal_id = {0} AND line = 1",
     "UPDATE entry SET amount = amount + 1 WHERE journal_id = {0}",
     "UPDATE entry SET account = 'goodwill' WHERE journal_id = {0} AND line = 1",
     "DELETE FROM entry WHERE journal_id = {0}",
     "UPDATE balance SET credits = credits + 1 WHERE account = 'principal'",
     "UPDATE anchor SET sha256 = 'x'",
     "DELETE FROM chain",
     "UPDATE item SET reversed_at = NULL"],
)  # fmt: skip
def test_a_change_to_anything_else_of_the_ledger_is_found(booked, statement):
    tamper(booked, statement.format(FIRST))
    assert booked.verify()


@pytest.mark.parametrize(
    "change", ["amount = 1", "effective_on = '2025-05-01'", "reversed_at = '2025-05-08T12:00:00Z'"]
)
def test_a_changed_payment_whose_money_waits_unapplied_is_found(make, change):
    suite = make("2025-05-06")
    account = suite.board()
    suite.pay(account, suite.account(account)["payoff"])
    spare = suite.pay(account, 700)
    tamper(suite, f"UPDATE item SET {change} WHERE id = '{spare.data['payment_id']}'")
    assert any(fault.startswith("I-10") for fault in suite.verify())


def test_a_truncated_tail_is_found(booked):
    last = "(SELECT id FROM journal ORDER BY seq DESC LIMIT 1)"
    tamper(
        booked,
        f"DELETE FROM entry WHERE journal_id = {last}",
        f"DELETE FROM derived WHERE journal_id = {last}",
        f"DELETE FROM journal WHERE id = {last}",
    )
    assert any("I-07" in fault for fault in booked.verify())


def test_a_rebuilt_chain_is_found_by_its_anchors(booked):
    """Somebody changes a journal and recomputes every hash after it, and the end of the chain."""
    tamper(booked, "UPDATE journal SET source_event_id = 'x' WHERE seq = 2")
    statements, head = [], ledger.GENESIS
    with booked.runtime.reading() as tx:
        for row in journals(tx):
            row["prev_hash"] = head
            head = ledger.digest(row, row["entries"])
            statements.append(
                f"UPDATE journal SET prev_hash = '{row['prev_hash']}', hash = '{head}'"
                f" WHERE id = '{row['id']}'"
            )
    tamper(booked, *statements, f"UPDATE chain SET head = '{head}'")
    found = booked.verify()
    assert found
    assert all("anchor" in fault for fault in found)


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1, 200000), st.integers(0, 70)),
        st.tuples(st.just("back"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("cancel"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("walk"), st.integers(1, 5), st.just(0)),
        st.tuples(st.just("payoff"), st.integers(-1, 1), st.just(0)),
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=settings.default.max_examples * 2 // 5,
    deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(actions=ACTIONS, is_lease=st.booleans())
def test_after_any_history_the_books_balance_and_a_replay_changes_nothing(
    make, lease, retail, actions, is_lease
):
    suite = make("2025-03-20")
    account = suite.board(lease if is_lease else retail)
    paid = []
    for action, number, days in actions:
        if action == "pay":
            on = suite.today - timedelta(days=days)
            paid.append(suite.pay(account, number, effective_on=on.isoformat()))
        elif action == "payoff":
            payoff = suite.account(account)["payoff"]
            paid.append(suite.pay(account, max(1, payoff + number)))
        elif action == "walk":
            suite.move((suite.today + timedelta(days=number)).isoformat())
        elif paid:
            event = paid.pop(number % len(paid))
            (suite.give_back if action == "back" else suite.cancel)(event)
        assert suite.verify() == []
        assert suite.staff("GET", "/v1/staff/trial-balance").json["balanced"]
        if action in ("pay", "payoff"):
            newest = suite.transactions(account)[0]
            assert newest["balance_after"] == suite.account(account)["balance"]
