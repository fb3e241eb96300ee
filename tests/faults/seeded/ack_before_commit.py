"""Messages are acknowledged when they come, not when their effect is safe."""

from __future__ import annotations

from carport.shared.amqp.consumer import Session

handle = Session._handle


def acknowledged_first(session, messages):
    session._channel.basic_ack(messages[-1].delivery_tag, multiple=True)
    basic_ack, session._channel.basic_ack = session._channel.basic_ack, lambda *_, **__: None
    try:
        handle(session, messages)
    finally:
        session._channel.basic_ack = basic_ack


Session._handle = acknowledged_first
