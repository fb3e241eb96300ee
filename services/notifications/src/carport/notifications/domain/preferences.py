"""What a customer may choose: which notices by e-mail, how many days ahead, quiet hours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from carport.notifications.domain.catalogue import CHOOSABLE, KINDS

DAYS_AHEAD = (10, 3, 0)
"""Days before a due date at which accounts announces it, and the default reminders."""
CEASE_CONTACT = "cease_contact"
"""The flag of an account whose customer asked for required notices only (domain 2.15)."""


class RequiredNotice(Exception):
    """A notice that must be sent was switched off."""

    code = "required_notice"

    def __init__(self, kind: str, pointer: str) -> None:
        title = KINDS[kind].title
        super().__init__(f"“{title}” is a required notice and cannot be switched off.")
        self.pointer = pointer


class ChannelUnavailable(Exception):
    """A channel was chosen that this lender does not offer yet, or that cannot be left."""

    code = "channel_unavailable"

    def __init__(self, channel: str, pointer: str) -> None:
        reasons = {
            "text": "Text messages are not offered yet. Choose e-mail instead.",
            "inbox": "Messages stay in the inbox of your online access; it cannot be switched off.",
        }
        super().__init__(reasons[channel])
        self.pointer = pointer


class UnknownNotice(Exception):
    """A notice was named that does not exist."""

    code = "unknown_event"

    def __init__(self, pointer: str) -> None:
        known = ", ".join(kind.name for kind in CHOOSABLE)
        super().__init__(f"There is no such notice. Known are: {known}.")
        self.pointer = pointer


class UnknownDaysAhead(Exception):
    """A reminder was asked for a number of days ahead at which none is made."""

    code = "out_of_range"

    def __init__(self, pointer: str) -> None:
        days = ", ".join(str(day) for day in DAYS_AHEAD)
        super().__init__(f"Reminders are made {days} days before a due date; choose from these.")
        self.pointer = pointer


@dataclass(frozen=True)
class Preferences:
    """*email_off* names the kinds not wanted by e-mail; quiet hours are local times ``HH:MM``."""

    email_off: frozenset[str] = frozenset()
    days_ahead: Sequence[int] = DAYS_AHEAD
    quiet_from: str = "21:00"
    quiet_to: str = "08:00"
    version: int = 0

    def wants_email(self, kind: str, *, flags: Collection[str] = ()) -> bool:
        """Whether *kind* goes out by e-mail for an account with *flags*."""
        if KINDS[kind].required:
            return True
        return kind not in self.email_off and CEASE_CONTACT not in flags


@dataclass(frozen=True)
class Choice:
    """What a customer asked for one kind of notice."""

    kind: str
    channels: Mapping[str, bool] = field(default_factory=dict)


def email_off(choices: Sequence[Choice]) -> frozenset[str]:
    """The kinds *choices* switch off by e-mail.

    Raises UnknownNotice, RequiredNotice, ChannelUnavailable, each with a pointer into the request.
    """
    off = set()
    for place, choice in enumerate(choices):
        pointer = f"/events/{place}"
        _check(choice, pointer)
        if not choice.channels.get("email", True):
            off.add(choice.kind)
    return frozenset(off)


def reminder_days(days_ahead: Sequence[int]) -> list[int]:
    """*days_ahead* once each, most days first. Raises UnknownDaysAhead."""
    for place, days in enumerate(days_ahead):
        if days not in DAYS_AHEAD:
            raise UnknownDaysAhead(f"/days_ahead/{place}")
    return sorted(set(days_ahead), reverse=True)


def _check(choice: Choice, pointer: str) -> None:
    kind = KINDS.get(choice.kind)
    if kind is None or not kind.in_app:
        raise UnknownNotice(f"{pointer}/event")
    if kind.required and not choice.channels.get("email", True):
        raise RequiredNotice(kind.name, f"{pointer}/channels/email")
    if choice.channels.get("text", False):
        raise ChannelUnavailable("text", f"{pointer}/channels/text")
    if not choice.channels.get("inbox", True):
        raise ChannelUnavailable("inbox", f"{pointer}/channels/inbox")
