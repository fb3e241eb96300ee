"""Two people: one asks with a reason, another decides, once, in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from carport.shared import approval
from carport.shared.errors import Conflict, Forbidden, Gone, NotFound
from carport.shared.kernel.clock import utc_now
from carport.shared.kernel.ids import new_id

NOW = utc_now()


@pytest.fixture
def asked(runtime):
    with runtime.transaction() as tx:
        return approval.ask(
            tx,
            now=NOW,
            action="waive_fee",
            subject="account-1",
            payload={"fee_id": "f1", "amount": 2500},
            maker="agent-1",
            reason="goodwill",
            expires_at=NOW + timedelta(days=1),
        )


def decide(runtime, approval_id, checker="supervisor-1", approve=True, now=NOW):
    with runtime.transaction() as tx:
        return approval.decide(
            tx, approval_id, checker=checker, approve=approve, note="ok", now=now
        )


def test_somebody_else_approves_what_was_asked(runtime, asked):
    decided = decide(runtime, asked.id)
    assert (decided.state, decided.checker, decided.payload) == (
        "approved", "supervisor-1", {"fee_id": "f1", "amount": 2500})  # fmt: skip


def test_or_refuses(runtime, asked):
    assert decide(runtime, asked.id, approve=False).state == "refused"


def test_nobody_approves_their_own_request(runtime, asked):
    with pytest.raises(Forbidden):
        decide(runtime, asked.id, checker="agent-1")
    with pytest.raises(sa.exc.IntegrityError), runtime.transaction() as tx:
        tx.execute(approval.approval.update().values(checker="agent-1"))


def test_a_decision_is_final(runtime, asked):
    decide(runtime, asked.id)
    with pytest.raises(Conflict):
        decide(runtime, asked.id, approve=False)


def test_an_expired_request_cannot_be_approved(runtime, asked):
    with pytest.raises(Gone):
        decide(runtime, asked.id, now=NOW + timedelta(days=1))


def test_an_unknown_request_is_not_found(runtime):
    with pytest.raises(NotFound):
        decide(runtime, new_id(NOW))


def test_what_waits_is_listed(runtime, asked):
    with runtime.reading() as tx:
        assert [each.id for each in approval.waiting(tx, NOW)] == [asked.id]
        assert approval.waiting(tx, NOW + timedelta(days=2)) == []
