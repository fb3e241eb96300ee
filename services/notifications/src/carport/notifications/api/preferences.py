"""HTTP: which notices the customer gets, and how."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from carport.notifications import commands, queries, repo
from carport.notifications.api.messages import own_party
from carport.notifications.domain.preferences import Choice
from carport.shared.web import (
    Blueprint,
    FlagField,
    IntField,
    ListField,
    Schema,
    TextField,
    access,
    current,
    etag,
    require_match,
)

TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"


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
