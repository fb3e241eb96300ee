"""HTTP: the sandbox's mailbox."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from carport.notifications import queries
from carport.shared.web import (
    Blueprint,
    ChoiceField,
    IdField,
    QueryIntField,
    Schema,
    TextField,
    access,
    current,
)


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
