"""`carport verify` finds what was lost, added or changed behind the services' backs."""

from __future__ import annotations

import httpx2
import pytest
import sqlalchemy as sa
from carport.accounts.tables import anchor, item, journal
from carport.allinone import verify
from carport.payments.tables import payments
from carport.shared import inbox, outbox
from support.client import Api, contract, eventually


@pytest.fixture
def paid(suite):
    """A suite in which one payment has been posted, and that payment's id."""
    transport = httpx2.WSGITransport(app=suite.app, raise_app_exceptions=False)
    api = Api("http://localhost", transport=transport)
    staff = api.staff()
    document = contract(contract_date=api.today())
    account_id = staff.board(document)["id"]
    customer = api.register(document, "verify@example.com")
    payment = customer.pay(account_id, customer.add_bank_account(), 58684)
    customer.until(payment["id"], "posted")
    eventually(lambda: not verify.findings(suite.runtimes))
    return suite, payment["id"]


def change(suite, service, statement):
    """Change rows as somebody with the database file could: triggers dropped, no foreign keys."""
    engine = sa.create_engine(suite.runtimes[service].engine.url)
    with engine.begin() as tx:
        triggers = tx.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.all():
            tx.exec_driver_sql(f"DROP TRIGGER {name}")
        changed = tx.execute(statement).rowcount
    engine.dispose()
    return changed


def found(suite):
    return "\n".join(verify.findings(suite.runtimes))


def test_an_untouched_suite_has_nothing_to_find(paid):
    assert found(paid[0]) == ""


def test_a_changed_amount_in_the_ledger_is_found(paid):
    suite, payment_id = paid
    receipt = journal.c.reference == f"payment:{payment_id}"
    assert change(suite, "accounts", journal.update().where(receipt).values(amount=1)) == 1
    assert "payments' list" in found(suite)


def test_a_payment_that_accounts_never_asked_for_is_found(paid):
    suite, payment_id = paid
    assert change(suite, "payments", payments.delete().where(payments.c.id == payment_id)) == 1
    assert payment_id in found(suite)


def test_a_fact_removed_from_under_the_ledger_is_found(paid):
    suite, payment_id = paid
    assert change(suite, "accounts", item.delete().where(item.c.id == payment_id)) == 1
    assert "accounts:" in found(suite)


def test_a_ledger_rebuilt_with_its_own_anchors_is_found(suite):
    transport = httpx2.WSGITransport(app=suite.app, raise_app_exceptions=False)
    Api("http://localhost", transport=transport).move_to("2025-01-03")
    eventually(lambda: not verify.findings(suite.runtimes))
    assert change(suite, "accounts", anchor.update().values(sha256="0" * 64)) == 2
    assert "not those that payments keeps: 2025-01-01, 2025-01-02" in found(suite)


def test_an_event_that_a_consumer_never_got_is_found(paid):
    suite, _ = paid
    lost = inbox.inbox.c.type == "payments.payment_accepted.v1"
    assert change(suite, "accounts", inbox.inbox.delete().where(lost)) == 1
    assert "1 events never reached accounts" in found(suite)


def test_a_parked_event_is_named_with_its_reason(paid):
    suite, _ = paid
    some = inbox.inbox.c.type == "accounts.payment_posted.v1"
    parked = inbox.inbox.update().where(some).values(state="parked", error="no such thing")
    assert change(suite, "lease", parked) == 1
    assert "no such thing" in found(suite)


def test_an_event_that_is_not_sent_for_minutes_is_found(paid):
    suite, _ = paid
    runtime = suite.runtimes["lease"]
    old = {"event_id": "x", "type": "lease.day_done.v1", "subject": "x", "body": "{}",
           "created_at": runtime.clock().replace(year=2025)}  # fmt: skip
    for worker in suite.workers:
        worker.stop()
    change(suite, "lease", sa.insert(outbox.outbox).values(old))
    assert "waiting to be sent" in found(suite)
