"""HTTP: the customer's inbox."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from carport.notifications import commands, queries
from carport.shared.errors import Forbidden
from carport.shared.pagination import PageArgs
from carport.shared.web import (
    Blueprint,
    FlagField,
    IdField,
    IntField,
    Schema,
    access,
    current,
    principal,
)


class Why(Schema):
    event_type = fields.String()
    event_id = IdField()
    text = fields.String(metadata={"description": "Why this was sent, as a sentence."})


class Message(Schema):
    id = IdField()
    subject = fields.String()
    body = fields.String()
    account_id = IdField(allow_none=True)
    read = FlagField()
    created_at = fields.DateTime()
    why = fields.Nested(Why)


class Messages(Schema):
    data = fields.List(fields.Nested(Message))
    next_cursor = fields.String(allow_none=True)


class Unread(Schema):
    unread = IntField(min=0)


def own_party() -> str:
    """The person who asks. Raises Forbidden for a login that belongs to no customer."""
    party_id = principal().party
    if party_id is None:
        raise Forbidden("This login belongs to no customer, so it has no messages or preferences.")
    return party_id


def messages_blueprint() -> Blueprint:
    """The customer's inbox."""
    blp = Blueprint("messages", __name__, description="Messages to the customer")

    @blp.route("/v1/messages")
    @access("customer")
    @blp.arguments(PageArgs, location="query")
    @blp.returns(200, Messages)
    def list_messages(args: dict[str, Any]) -> dict[str, Any]:
        """My messages, newest first."""
        with current().reading() as tx:
            return queries.messages_page(tx, own_party(), **args)

    @blp.route("/v1/messages/unread-count")
    @access("customer")
    @blp.returns(200, Unread)
    def count_unread() -> dict[str, Any]:
        """How many of my messages I have not read."""
        with current().reading() as tx:
            return {"unread": queries.unread_count(tx, own_party())}

    @blp.route("/v1/messages/<message_id>")
    @access("customer")
    @blp.returns(200, Message)
    def show_message(message_id: str) -> dict[str, Any]:
        """One message, and why I got it."""
        with current().reading() as tx:
            return queries.message(tx, own_party(), message_id)

    @blp.route("/v1/messages/<message_id>/read", methods=["POST"])
    @access("customer")
    @blp.returns(204)
    def read_message(message_id: str) -> None:
        """Mark a message as read; once more changes nothing."""
        with current().transaction() as tx:
            commands.read_message(tx, own_party(), message_id)

    return blp
