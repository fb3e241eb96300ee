"""Whether journals, entries and balances are what double entry allows, whatever they mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from carport.accounts.domain.chart import ACCOUNTS
from carport.accounts.tables import balance, contract, derived, entry, item, journal
from carport.shared.checks import Check, stream

SIGNED = sa.case((entry.c.side == "debit", entry.c.amount), else_=-entry.c.amount)
OWN = [code for code, account in ACCOUNTS.items() if not account.shared]
NEVER_NEGATIVE = {code: ACCOUNTS[code].normal for code in OWN if code != "interest_receivable"}
"""Interest paid before its income is booked stands on the other side until month end."""
TAMPERED = (
    "The ledger only posts what balances and never changes it: somebody wrote to the tables. Stop "
    "accounts-worker, restore the database and post what came later by `carport events replay "
    "--to accounts --missing`."
)


def unbalanced(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Journals whose debits and credits differ."""
    net = sa.func.sum(SIGNED)
    query = sa.select(entry.c.journal_id, net.label("net")).group_by(entry.c.journal_id)
    for row in stream(tx, query.having(net != 0)):
        yield f"journal {row.journal_id} nets to {row.net}"


def unbalanced_currencies(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Currencies in which the whole ledger does not net to zero."""
    net = sa.func.sum(SIGNED)
    query = sa.select(journal.c.currency, net.label("net")).join(
        entry, entry.c.journal_id == journal.c.id
    )
    for row in stream(tx, query.group_by(journal.c.currency).having(net != 0)):
        yield f"all of {row.currency} nets to {row.net}"


def malformed(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Journals of fewer than two entries, entries of nothing or of no account, mixed currencies."""
    lines = sa.func.count(entry.c.line)
    query = sa.select(journal.c.id, lines.label("lines")).outerjoin(
        entry, entry.c.journal_id == journal.c.id
    )
    for row in stream(tx, query.group_by(journal.c.id).having(lines < 2)):
        yield f"journal {row.id} has {row.lines} entries"
    is_wrong = sa.or_(
        entry.c.amount <= 0, entry.c.account.not_in(list(ACCOUNTS)), journal.c.id.is_(None)
    )
    query = sa.select(entry).outerjoin(journal, journal.c.id == entry.c.journal_id)
    for row in stream(tx, query.where(is_wrong)):
        yield f"entry {row.line} of journal {row.journal_id} is {row.amount} on {row.account}"
    query = sa.select(journal.c.id, journal.c.currency).join(
        contract, contract.c.id == journal.c.contract_id
    )
    for row in stream(tx, query.where(journal.c.currency != contract.c.currency)):
        yield f"journal {row.id} is in {row.currency}, which its contract is not"


def stored_balances(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Balances of which a column is not the sum of its entries, and sums without a balance."""
    sums = (
        sa.select(journal.c.contract_id, entry.c.account, _side("debit"), _side("credit"))
        .join(entry, entry.c.journal_id == journal.c.id)
        .where(entry.c.account.in_(OWN), journal.c.contract_id.is_not(None))
        .group_by(journal.c.contract_id, entry.c.account)
        .subquery()
    )
    same = sa.and_(balance.c.contract_id == sums.c.contract_id, balance.c.account == sums.c.account)
    query = sa.select(sums, balance.c.debits, balance.c.credits).outerjoin(balance, same)
    is_wrong = sa.or_(
        balance.c.account.is_(None),
        balance.c.debits != sums.c.debit,
        balance.c.credits != sums.c.credit,
    )
    for row in stream(tx, query.where(is_wrong)):
        yield (
            f"{row.account} of {row.contract_id} is stored as {row.debits} debit, {row.credits} "
            f"credit; its entries give {row.debit} and {row.credit}"
        )
    query = sa.select(balance.c.contract_id, balance.c.account).outerjoin(sums, same)
    for row in stream(tx, query.where(sums.c.account.is_(None))):
        yield f"{row.account} of {row.contract_id} has a balance and no entries"


def _side(name: str) -> Any:
    return sa.func.sum(sa.case((entry.c.side == name, entry.c.amount), else_=0)).label(name)


def unlike_reversals(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Reversals that do not mirror their original, or that have no right to reverse it."""
    original = journal.alias("original")
    joined = sa.select(journal.c.id, original.c.id.label("of"), original.c.reverses_id).outerjoin(
        original, original.c.id == journal.c.reverses_id
    )
    is_wrong = sa.or_(
        original.c.id.is_(None),
        original.c.reverses_id.is_not(None),
        original.c.chain != journal.c.chain,
        original.c.effective_on != journal.c.effective_on,
    )
    for row in stream(tx, joined.where(journal.c.reverses_id.is_not(None), is_wrong)):
        yield f"journal {row.id} reverses {row.of or 'nothing'}, which it cannot"
    times = sa.func.count()
    query = sa.select(journal.c.reverses_id, times).where(journal.c.reverses_id.is_not(None))
    for row in stream(tx, query.group_by(journal.c.reverses_id).having(times > 1)):
        yield f"journal {row.reverses_id} is reversed {row[1]} times"
    yield from _unmirrored(tx)


def _unmirrored(tx: sa.Connection) -> Iterator[str]:
    """Reversals and originals one of which has an entry that the other has not."""
    theirs = entry.alias("theirs")
    for one, other in (
        (journal.c.id, journal.c.reverses_id),
        (journal.c.reverses_id, journal.c.id),
    ):
        mirror = sa.and_(
            theirs.c.journal_id == other,
            theirs.c.line == entry.c.line,
            theirs.c.account == entry.c.account,
            theirs.c.amount == entry.c.amount,
            theirs.c.side != entry.c.side,
        )
        query = (
            sa.select(journal.c.id, journal.c.reverses_id)
            .join(entry, entry.c.journal_id == one)
            .outerjoin(theirs, mirror)
            .where(journal.c.reverses_id.is_not(None), theirs.c.line.is_(None))
            .distinct()
        )
        for row in stream(tx, query):
            yield f"journal {row.id} does not mirror {row.reverses_id}"


def overdrawn(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Balances on the wrong side. Unapplied money may be missing once some was refunded."""
    net = balance.c.debits - balance.c.credits
    debit = [code for code, normal in NEVER_NEGATIVE.items() if normal == "debit"]
    credit = [code for code, normal in NEVER_NEGATIVE.items() if normal == "credit"]
    refunded = sa.exists().where(item.c.contract_id == balance.c.contract_id,
                                 item.c.kind == "refund")  # fmt: skip
    is_wrong = sa.or_(
        sa.and_(balance.c.account.in_(debit), net < 0),
        sa.and_(balance.c.account.in_(credit), net > 0,
                sa.or_(balance.c.account != "unapplied", ~refunded)),
    )  # fmt: skip
    for row in stream(tx, sa.select(balance).where(is_wrong)):
        yield f"{row.account} of {row.contract_id} is {row.debits} debit, {row.credits} credit"


def posted_twice(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """References, source events of receipts and keys of what is derived that stand twice."""
    times = sa.func.count()
    same = sa.select(journal.c.reference, times).group_by(journal.c.reference)
    for row in stream(tx, same.having(times > 1)):
        yield f"{row.reference} is posted {row[1]} times"
    same = sa.select(journal.c.source_event_id, times).where(
        journal.c.kind == "payment", journal.c.source_event_id.is_not(None)
    )
    for row in stream(tx, same.group_by(journal.c.source_event_id).having(times > 1)):
        yield f"event {row.source_event_id} made {row[1]} receipts"
    same = sa.select(derived.c.key, times).where(derived.c.is_reversed.is_(sa.false()))
    for row in stream(tx, same.group_by(derived.c.key).having(times > 1)):
        yield f"{row.key} stands {row[1]} times"


CHECKS = (
    Check("I-01", "Every journal balances.", TAMPERED, unbalanced),
    Check("I-02", "The whole ledger nets to zero in every currency.", TAMPERED,
          unbalanced_currencies),
    Check("I-03", "A journal has two entries or more, each of a positive amount on an account of "
          "the chart, all in the contract's currency.", TAMPERED, malformed),
    Check("I-04", "Both columns of every stored balance are the sums of its entries.", TAMPERED,
          stored_balances),
    Check("I-06", "A reversal mirrors its original line by line, once, and is none of a reversal.",
          TAMPERED, unlike_reversals),
    Check("I-09", "No balance of a contract is on its wrong side.", "A refusal was passed by. Look "
          "at the contract's transactions; money of a customer that is missing needs a correction "
          "by staff.", overdrawn),
    Check("I-14", "Nothing is posted twice: not a reference, not an event, not what a replay "
          "derives.", "A unique key was dropped. Stop accounts-worker, restore the key by "
          "`migrate`, and reverse the later journal.", posted_twice),
)  # fmt: skip
