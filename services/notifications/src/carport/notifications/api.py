"""HTTP: the customer's messages and alert preferences, and the sandbox's mailbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields

from carport.notifications import commands, queries, repo
from carport.notifications.domain.preferences import (
    ChannelUnavailable,
    Choice,
    RequiredNotice,
    UnknownDaysAhead,
    UnknownNotice,
)
from carport.shared.errors import Forbidden
from carport.shared.pagination import PageArgs
from carport.shared.web import (
    Blueprint,
    ChoiceField,
    FlagField,
    IdField,
    IntField,
    ListField,
    QueryIntField,
    Schema,
    TextField,
    access,
    current,
    etag,
    principal,
    require_match,
)

ERRORS: Mapping[type[Exception], int] = {
    RequiredNotice: 422,
    ChannelUnavailable: 422,
    UnknownNotice: 422,
    UnknownDaysAhead: 422,
}
TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"


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


class Channels(Schema):
    email = FlagField()
    text = FlagField(metadata={"description": "Not offered yet: only false is accepted."})
    inbox = FlagField(metadata={"description": "Always true."})


class EventChoice(Schema):
    event = TextField(max=50, required=True)
    channels = fields.Nested(Channels, required=True)


class QuietHours(Schema):
    from_ = TextField(data_key="from", required=True, pattern=TIME, code="invalid_time")
    to = TextField(required=True, pattern=TIME, code="invalid_time")


class PreferencesIn(Schema):
    events = ListField(fields.Nested(EventChoice), required=True, max=50)
    days_ahead = ListField(IntField(), required=True, max=10)
    quiet_hours = fields.Nested(QuietHours, required=True)


class EventPreference(EventChoice):
    title = fields.String()
    required = FlagField(metadata={"description": "Sent by e-mail in any case."})


class Preferences(Schema):
    events = fields.List(fields.Nested(EventPreference))
    days_ahead = fields.List(IntField())
    quiet_hours = fields.Nested(QuietHours)


class MailboxArgs(Schema):
    to = TextField(max=320, load_default=None)
    limit = QueryIntField(min=1, max=queries.MAILBOX_MAX, load_default=queries.MAILBOX_DEFAULT)


class Mail(Schema):
    id = IdField()
    channel = ChoiceField("email", "text", "push", "letter")
    to = fields.String()
    subject = fields.String()
    text = fields.String()
    html = fields.String(allow_none=True)
    links = fields.List(fields.String())
    event_type = fields.String()
    sent_at = fields.DateTime()


class Mailbox(Schema):
    data = fields.List(fields.Nested(Mail))


def blueprints() -> Sequence[Blueprint]:
    """Every route of the service."""
    return [messages_blueprint(), preferences_blueprint(), sandbox_blueprint()]


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


def preferences_blueprint() -> Blueprint:
    """Which notices the customer gets, and how."""
    blp = Blueprint("alerts", __name__, description="Alert preferences")

    @blp.route("/v1/alerts/preferences")
    @access("customer")
    @blp.returns(200, Preferences)
    def show_preferences() -> dict[str, Any]:
        """Every kind of notice with its channels; the ETag is needed to change them."""
        with current().reading() as tx:
            view = queries.preferences_view(repo.preferences_of(tx, own_party()))
        etag(view)
        return view

    @blp.route("/v1/alerts/preferences", methods=["PUT"])
    @access("customer")
    @blp.arguments(PreferencesIn)
    @blp.returns(200, Preferences)
    def change_preferences(body: dict[str, Any]) -> dict[str, Any]:
        """Replace the preferences; kinds left out get their default. Needs If-Match."""
        party_id = own_party()
        with current().transaction() as tx:
            locked = repo.lock_preferences(tx, party_id)
            require_match(queries.preferences_view(locked))
            chosen = commands.change_preferences(
                tx,
                locked,
                party_id=party_id,
                choices=[Choice(item["event"], item["channels"]) for item in body["events"]],
                days_ahead=body["days_ahead"],
                quiet_hours=(body["quiet_hours"]["from_"], body["quiet_hours"]["to"]),
            )
        view = queries.preferences_view(chosen)
        etag(view)
        return view

    return blp


def sandbox_blueprint() -> Blueprint:
    """What the sandbox sent."""
    blp = Blueprint("mailbox", __name__, description="Sandbox: what was sent")

    @blp.route("/v1/sandbox/mailbox")
    @access("sandbox")
    @blp.arguments(MailboxArgs, location="query")
    @blp.returns(200, Mailbox)
    def show_mailbox(args: dict[str, Any]) -> dict[str, Any]:
        """Mails sent, newest first; with ``to``, those to that address."""
        with current().reading() as tx:
            return {"data": queries.mailbox_page(tx, **args)}

    return blp
