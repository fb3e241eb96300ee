"""What is over is forgotten, and nothing else is."""

from __future__ import annotations

from carport.auth import tables
from carport.shared import worker
from carport.shared.bus import LocalBus


def rows(suite, table):
    with suite.runtime.reading() as tx:
        return tx.execute(table.select()).all()


def forget(suite):
    worker.drain([suite.runtime], LocalBus())


def test_old_sessions_links_and_counts_are_forgotten(registered):
    registered.log_in(device="laptop")
    registered.log_in("nobody")
    registered.post("/v1/auth/password-resets", {"email": "ana.rivera@example.com"})
    registered.clock.forward(days=200)
    forget(registered)
    for table in (
        tables.session,
        tables.refresh_token,
        tables.registration,
        tables.password_reset,
        tables.quota,
    ):
        assert rows(registered, table) == [], table.name
    assert [row.device for row in rows(registered, tables.login_guard)] == ["", ""]
    assert registered.log_in().status_code == 200


def test_what_is_young_is_kept(registered):
    issued = registered.log_in(device="laptop").json
    registered.post("/v1/auth/password-resets", {"email": "ana.rivera@example.com"})
    before = {t.name: rows(registered, t) for t in tables.metadata.sorted_tables}
    forget(registered)
    assert {t.name: rows(registered, t) for t in tables.metadata.sorted_tables} == before
    assert registered.refresh(issued["refresh_token"], device="laptop").status_code == 200


def test_ended_sessions_are_kept_for_ninety_days(registered):
    registered.log_in()
    registered.clock.forward(days=90)
    forget(registered)
    assert len(rows(registered, tables.session)) == 1
    registered.clock.forward(days=1, seconds=1)
    forget(registered)
    assert rows(registered, tables.session) == []
