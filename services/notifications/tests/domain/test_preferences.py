"""What may be switched off, and what a payment's parts are called."""

from __future__ import annotations

import pytest
from carport.notifications.domain.catalogue import CHOOSABLE, KINDS
from carport.notifications.domain.preferences import (
    ChannelUnavailable,
    Choice,
    Preferences,
    RequiredNotice,
    UnknownDaysAhead,
    UnknownNotice,
    email_off,
    reminder_days,
)
from carport.notifications.domain.wording import allocation_lines, method_name


@pytest.mark.parametrize("kind", [k.name for k in CHOOSABLE if k.required])
def test_a_required_notice_cannot_be_switched_off(kind):
    with pytest.raises(RequiredNotice) as caught:
        email_off([Choice("payment_posted", {"email": False}), Choice(kind, {"email": False})])
    assert caught.value.pointer == "/events/1/channels/email"


@pytest.mark.parametrize("kind", [k.name for k in CHOOSABLE if not k.required])
def test_any_other_notice_can(kind):
    chosen = Preferences(email_off=email_off([Choice(kind, {"email": False})]))
    assert not chosen.wants_email(kind)
    assert email_off([Choice(kind, {"email": True})]) == frozenset()


def test_a_required_notice_goes_out_whatever_is_stored():
    every = Preferences(email_off=frozenset(KINDS))
    for kind in KINDS.values():
        assert every.wants_email(kind.name, flags=["cease_contact"]) is kind.required


@pytest.mark.parametrize("kind", ["nonsense", "password_reset", ""])
def test_a_notice_that_cannot_be_chosen_is_unknown(kind):
    with pytest.raises(UnknownNotice):
        email_off([Choice(kind, {"email": False})])


@pytest.mark.parametrize("channels", [{"text": True}, {"inbox": False}])
def test_channels_that_are_not_offered_are_refused(channels):
    with pytest.raises(ChannelUnavailable):
        email_off([Choice("payment_posted", channels)])


def test_reminder_days_are_kept_once_each_most_first():
    assert reminder_days([0, 10, 0]) == [10, 0]
    assert reminder_days([]) == []
    with pytest.raises(UnknownDaysAhead):
        reminder_days([10, 7])


def test_the_lines_of_an_allocation_leave_out_what_is_nothing():
    allocation = {"interest": 16003, "principal": 40181, "fees": 0, "tax": 0, "unapplied": 5}
    assert allocation_lines("retail", allocation) == [
        ("Interest", "$160.03"),
        ("Principal", "$401.81"),
        ("Kept as credit for what comes due next", "$0.05"),
    ]


def test_a_part_added_later_still_has_a_line():
    assert allocation_lines("lease", {"excess_wear": 100}) == [("Excess wear", "$1.00")]


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (("card", "Visa", "4242"), "Visa card ending in 4242"),
        (("bank_account", "Checking", "6789"), "bank account ending in 6789"),
        (("cheque", "Cheque", "1021"), "check by mail, number ending in 1021"),
    ],
)
def test_methods_are_named_by_their_last_digits(method, name):
    assert method_name(dict(zip(("type", "brand", "last4"), method, strict=True))) == name
