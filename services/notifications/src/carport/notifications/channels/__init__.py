"""Channels: how a message leaves. A channel is a function from a mail to an Outcome.

The sandbox's channel keeps what it would have sent in a mailbox everybody in the sandbox can read.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mail:
    """One e-mail; *id* is the delivery's and makes its Message-ID, by which doubles are known."""

    id: str
    to: str
    sender_name: str
    sender: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Outcome:
    """What a channel answered: sent, or refused for good. *error* is for the delivery log and
    names no person. A channel that gets no answer raises, and is asked again later."""

    sent: bool
    error: str | None = None
