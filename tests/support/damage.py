"""What somebody with the databases' passwords could do, once for every check of `carport verify`.

Each damage is done to one database of `support.sample`, past the services and past triggers. The
statements run on SQLite and on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa
from carport.allinone.verify.routes import pairs, types_of
from carport.auth.tables import user
from carport.shared.checks import Check
from carport.shared.outbox import outbox

LONG_AGO = "2020-01-01T00:00:00.000000Z"
Do = Callable[[sa.Connection], Any]
Damage = tuple[str, Do]
"""The service whose database it is done to, and what is done."""


def sql(*statements: str) -> Do:
    """Statements that must each change something."""

    def do(tx: sa.Connection) -> None:
        for statement in statements:
            assert tx.exec_driver_sql(statement).rowcount, statement

    return do


def schema(*statements: str) -> Do:
    """Statements that change the schema."""

    def do(tx: sa.Connection) -> None:
        for statement in statements:
            tx.exec_driver_sql(statement)

    return do


def both(*parts: Do) -> Do:
    def do(tx: sa.Connection) -> None:
        for part in parts:
            part(tx)

    return do


def disable_users(tx: sa.Connection) -> None:
    tx.execute(user.update().values(is_disabled=True))


def drop_trigger(table: str, tx: sa.Connection) -> None:
    place = f" ON {table}" if tx.dialect.name == "postgresql" else ""
    tx.exec_driver_sql(f"DROP TRIGGER {table}_refuse_update{place}")


def rename_events(types: list[str], tx: sa.Connection) -> None:
    """Events that were handled were never said."""
    mine = outbox.update().where(outbox.c.type.in_(types))
    assert tx.execute(mine.values(event_id=outbox.c.event_id + "x")).rowcount


def one(table: str, where: str = "1 = 1", key: str = "id") -> str:
    """The condition that a row is the first one of *table* with *where*."""
    return f"{key} = (SELECT {key} FROM {table} WHERE {where} ORDER BY {key} LIMIT 1)"


RECEIPT = one("journal", "kind = 'payment'").replace("id = ", "journal_id = ", 1)
POSTED = one("payment", "state = 'posted' AND method_type = 'bank_account'")
ALLOCATED = (
    "id = (SELECT substr(key, 12, 36) FROM derived JOIN item ON item.id = substr(key, 12, 36) "
    "WHERE key LIKE 'allocation:%%' AND reversed_at IS NULL LIMIT 1)"
)
TWICE = """
INSERT INTO derived (journal_id, contract_id, key, revision, is_reversed)
SELECT (SELECT id FROM journal WHERE kind = 'boarding' ORDER BY id LIMIT 1), contract_id, key,
revision + 100, is_reversed FROM derived WHERE journal_id NOT IN
(SELECT reverses_id FROM journal WHERE reverses_id IS NOT NULL) LIMIT 1
"""
TWO_LINKS = [
    f"""INSERT INTO password_reset (token_hash, user_id, created_at, expires_at)
    SELECT '{mark}' || id, id, created_at, created_at FROM "user" """
    for mark in "ab"
]
SECOND_TOKEN = """
INSERT INTO refresh_token (token_hash, session_id, issued_at)
SELECT 'x', session_id, issued_at FROM refresh_token WHERE spent_at IS NULL LIMIT 1
"""
STANDING = "kind = 'payment' AND reversed_at IS NULL"

ACCOUNTS = {
    "unbalanced": sql(f"UPDATE entry SET amount = amount + 1 WHERE line = 1 AND {RECEIPT}"),
    "unbalanced_currencies": sql(f"UPDATE entry SET amount = 1 WHERE line = 1 AND {RECEIPT}"),
    "malformed": sql(f"UPDATE entry SET account = 'nowhere' WHERE line = 1 AND {RECEIPT}"),
    "stored_balances": sql("UPDATE balance SET credits = credits + 1 WHERE account = 'principal'"),
    "find_changeable": partial(drop_trigger, "journal"),
    "unlike_reversals": sql("UPDATE entry SET amount = amount + 1 WHERE "
                            + one("journal", "kind = 'reversal'").replace("id", "journal_id", 1)),
    "overdrawn": sql("UPDATE balance SET credits = debits + 1 WHERE account = 'principal'"),
    "posted_twice": both(schema("DROP INDEX ux_derived_live"), sql(TWICE)),
    "broken_chains": sql("UPDATE journal SET source_event_id = 'x' WHERE kind = 'boarding'"),
    "unlike_anchors": sql("UPDATE anchor SET sha256 = 'x' WHERE " + one("anchor", key="date")),
    "unanchored": sql("DELETE FROM anchor WHERE " + one("anchor", key="date")),
    "closed_days": sql("UPDATE journal SET booked_on = '2030-01-01' WHERE kind = 'accrual'"),
    "unlike_receipts": sql(f"UPDATE item SET amount = amount + 1 WHERE {one('item', STANDING)}"),
    "unasked": sql("DELETE FROM inbox WHERE type = 'payments.payment_accepted.v1'"),
    "overspent": sql(f"UPDATE item SET amount = 1 WHERE {ALLOCATED}"),
    "replays": sql(f"DELETE FROM item WHERE {ALLOCATED}"),
    "incomes": sql("UPDATE entry SET amount = amount + 1 WHERE "
                   + one("journal", "kind = 'accrual'").replace("id", "journal_id", 1)),
    "find_unsaid": sql("DELETE FROM outbox WHERE type = 'accounts.payment_posted.v1'"),
    "find_untrue": sql(f"DELETE FROM item WHERE {one('item', STANDING)}"),
    "unlike_versions": sql(f"UPDATE contract SET version = version + 1 WHERE {one('contract')}"),
    "unlike_late_fees": sql("DELETE FROM outbox WHERE type = 'accounts.late_fee_assessed.v1'"),
}  # fmt: skip
PAYMENTS = {
    "find_changeable": partial(drop_trigger, "payment_step"),
    "illegal": sql("UPDATE payment_step SET state = 'scheduled' WHERE seq = 2"),
    "misdated": sql(f"UPDATE payment SET accepted_on = NULL WHERE {POSTED}"),
    "stuck": sql(f"UPDATE payment_step SET at = '{LONG_AGO}' WHERE payment_id IN "
                 "(SELECT id FROM payment WHERE state = 'failed')",
                 "UPDATE payment SET state = 'unknown' WHERE state = 'failed'"),
    "unlike_returns": sql("DELETE FROM bank_return"),
    "lost": sql(f"DELETE FROM payment WHERE {POSTED}"),
    "unordered": sql("DELETE FROM idempotency_key WHERE operation = 'POST /v1/payments'"),
    "shared_payments": sql("UPDATE idempotency_key SET body = (SELECT max(body) FROM "
                           "idempotency_key WHERE operation = 'POST /v1/payments') "
                           "WHERE operation = 'POST /v1/payments'"),
    "repeated_cheques": sql("UPDATE payment SET item_key = NULL WHERE method_type = 'cheque'"),
    "unlike_receipts": sql("UPDATE receipt SET amount = 1 WHERE amount = 9000"),
    "of_nobody": sql("UPDATE receipt SET payment_id = 'x' WHERE amount = 9000"),
    "misallocated": sql("UPDATE receipt SET amount = amount + 1 WHERE amount = 9000"),
    "unlike_days": sql("UPDATE day_done SET totals = '{}'"),
    "unlike_charges": sql("UPDATE sandbox_charge SET amount = 1 WHERE state = 'captured'"),
    "unlike_entries": sql("DELETE FROM sandbox_bank_entry WHERE amount = 9000"),
    "open_cases": sql("UPDATE processor_call SET state = 'case'"),
    "uncaptured": sql("UPDATE processor_call SET answer = 'declined'"),
    "find_unsaid": sql("DELETE FROM outbox WHERE type = 'payments.payment_failed.v1'"),
    "find_untrue": sql("DELETE FROM payment_step WHERE state = 'failed'"),
}  # fmt: skip
AUTH = {
    "repeated_tokens": both(schema("DROP INDEX uq_refresh_token_unspent"), sql(SECOND_TOKEN)),
    "surviving_sessions": disable_users,
    "repeated_resets": sql(*TWO_LINKS),
    "find_unsaid": sql("DELETE FROM outbox WHERE type = 'auth.account_linked.v1'"),
    "find_untrue": sql(f"DELETE FROM account_link WHERE {one('account_link', key='account_id')}"),
}
LEASE = {
    "find_unsaid": sql("DELETE FROM outbox WHERE type = 'lease.maturity_approaching.v1'"),
    "find_untrue": sql("DELETE FROM notices"),
}
EVERYWHERE = {
    "unsent": sql("INSERT INTO outbox (event_id, type, subject, body, created_at) "
                  f"VALUES ('x', 'lease.day_done.v1', 'x', '{{}}', '{LONG_AGO}')"),
    "parked": sql("INSERT INTO inbox (event_id, type, source, subject, state, received_at) "
                  f"VALUES ('x', 'x', 'nobody', 'x', 'parked', '{LONG_AGO}')"),
    "unfinished": sql("INSERT INTO inbox (event_id, type, source, subject, state, received_at) "
                      f"VALUES ('x', 'x', 'nobody', 'x', 'waiting', '{LONG_AGO}')"),
    "unanswered": sql("INSERT INTO idempotency_key (client, key, operation, content_hash, "
                      f"created_at) VALUES ('x', 'x', 'GET /', 'x', '{LONG_AGO}')"),
    "unlike_schema": schema("DROP INDEX ix_outbox_businessdate"),
}  # fmt: skip
OWN = {"accounts": ACCOUNTS, "payments": PAYMENTS, "auth": AUTH, "lease": LEASE}
VERSIONED = {"payments": "account", "notifications": "accounts", "lease": "snapshots"}
BETWEEN: Mapping[tuple[str, str], Damage] = {
    ("payments ↔ accounts", "unlike_receipts"): (
        "payments", sql(f"UPDATE payment SET amount = amount + 1 WHERE {POSTED}")),
    ("payments ↔ accounts", "unlike_anchors"): (
        "payments", sql("DELETE FROM ledger_anchor WHERE " + one("ledger_anchor", key="date"))),
    ("payments ↔ accounts", "unlike_days"): (
        "accounts", sql("UPDATE day_close SET payments_done = '{}' WHERE step = 'done'")),
    ("payments ↔ notifications", "untold"): (
        "notifications", sql("DELETE FROM messages WHERE kind = 'payment_posted'")),
    ("accounts ↔ lease", "unlike_leased"): ("lease", sql("DELETE FROM payments")),
    **{(f"{p} → {c}", "lost"): (c, sql(f"DELETE FROM inbox WHERE source = '{p}'"))
       for p, c in pairs()},
    **{(f"{p} → {c}", "invented"): (p, partial(rename_events, types_of(p, c)))
       for p, c in pairs()},
    **{(f"accounts → {c}", "unlike_versions"): (c, sql(f"UPDATE {table} SET version = 0"))
       for c, table in VERSIONED.items()},
}  # fmt: skip


def name_of(check: Check) -> str:
    """The name of the function that checks."""
    return getattr(check.run, "func", check.run).__name__


def damage(unit: str, check: Check) -> Damage:
    """What makes exactly that check find something; KeyError for a check nobody has seen fail."""
    name = name_of(check)
    if (unit, name) in BETWEEN:
        return BETWEEN[unit, name]
    return unit, OWN.get(unit, {}).get(name) or EVERYWHERE[name]
