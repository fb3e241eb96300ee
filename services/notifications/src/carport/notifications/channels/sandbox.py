"""The sandbox's channel: composes the mail as any channel must, and sends it nowhere."""

from __future__ import annotations

import re
from email.errors import HeaderParseError, MessageError

from carport.notifications.channels import Mail, Outcome
from carport.notifications.channels.mail import compose

LINK = re.compile(r"https?://[^\s<>\"]+")


def send(mail: Mail) -> Outcome:
    """Refuses what no mail server would take; else the mail counts as sent."""
    try:
        compose(mail).as_bytes()
    except (ValueError, IndexError, MessageError, HeaderParseError) as error:
        return Outcome(False, f"the mail cannot be composed: {type(error).__name__}")
    return Outcome(True)


def links(text: str) -> list[str]:
    """The addresses in a text mail, in order."""
    return LINK.findall(text)
