"""The state machine, walked at random."""

from __future__ import annotations

from itertools import product

import pytest
from carport.payments.domain import states
from carport.payments.domain.states import (
    FIRST,
    MONEY_MOVED,
    TRANSITIONS,
    IllegalTransition,
    State,
)
from hypothesis import given
from hypothesis import strategies as st

FINAL = {State.FAILED, State.CANCELLED, State.RETURNED, State.DISPUTED, State.REFUNDED}


@st.composite
def walks(draw):
    """A history that only takes documented steps."""
    state = draw(st.sampled_from(sorted(FIRST)))
    history = [(1, state.value)]
    while TRANSITIONS[state] and draw(st.booleans()):
        state = draw(st.sampled_from(sorted(TRANSITIONS[state])))
        history.append((len(history) + 1, state.value))
    return history


@given(walks())
def test_every_walk_along_documented_steps_is_without_fault(history):
    assert states.faults(history) == []


@given(walks(), st.data())
def test_a_history_with_a_step_missing_is_found(history, data):
    gap = data.draw(st.integers(0, len(history) - 1))
    holed = history[:gap] + history[gap + 1 :]
    assert gap == len(history) - 1 or states.faults(holed)


@given(walks(), st.sampled_from(sorted(State)))
def test_a_step_that_is_not_documented_is_refused_and_found(history, to):
    before = State(history[-1][1])
    longer = [*history, (len(history) + 1, to.value)]
    if to in TRANSITIONS[before]:
        states.check(before, to)
        assert states.faults(longer) == []
    else:
        with pytest.raises(IllegalTransition):
            states.check(before, to)
        assert len(states.faults(longer)) == 1


def test_final_states_are_final_and_all_others_lead_to_one():
    assert {s for s in State if not TRANSITIONS[s]} == FINAL
    for state in State:
        seen, edge = set(), {state}
        while edge:
            seen |= edge
            edge = {to for s in edge for to in TRANSITIONS[s]} - seen
        assert seen & FINAL


def test_a_payment_is_returned_only_after_it_was_posted():
    ways = {s for s, to in product(State, State) if to in TRANSITIONS[s] and to is State.RETURNED}
    assert ways == {State.POSTED}


def test_a_payment_is_never_posted_without_having_been_accepted():
    assert {s for s in State if State.POSTED in TRANSITIONS[s]} == {State.ACCEPTED}
    assert State.POSTED not in FIRST


def test_every_state_says_whether_money_moved():
    assert set(MONEY_MOVED) == set(State)
    assert MONEY_MOVED[State.FAILED] == MONEY_MOVED[State.CANCELLED] == "no"
    assert MONEY_MOVED[State.UNKNOWN] == "unknown"
