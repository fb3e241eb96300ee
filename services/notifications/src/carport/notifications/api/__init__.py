"""HTTP words of notifications: messages, preferences, the stream, and the sandbox's mailbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carport.notifications.api.messages import messages_blueprint
from carport.notifications.api.preferences import preferences_blueprint
from carport.notifications.api.sandbox import sandbox_blueprint
from carport.notifications.api.stream import stream_blueprint
from carport.notifications.domain.preferences import (
    ChannelUnavailable,
    RequiredNotice,
    UnknownDaysAhead,
    UnknownNotice,
)
from carport.shared.web import Blueprint

ERRORS: Mapping[type[Exception], int] = {
    RequiredNotice: 422,
    ChannelUnavailable: 422,
    UnknownNotice: 422,
    UnknownDaysAhead: 422,
}


def blueprints() -> Sequence[Blueprint]:
    """Every route of the service."""
    return [
        messages_blueprint(),
        stream_blueprint(),
        preferences_blueprint(),
        sandbox_blueprint(),
    ]
