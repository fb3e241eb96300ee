"""What requests may hold and answers do hold."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validates_schema

from carport.auth.commands.staff import SCOPES
from carport.shared.schemas import wrong
from carport.shared.web import ChoiceField, FlagField, IdField, IntField, ListField, Schema
from carport.shared.web import TextField as Text

SECRET_TEXT_MAX = 8 * 1024
MEMBERS_OF_GRANT = {"password": ("user_id", "password"), "refresh": ("refresh_token",)}


def password_field(**more: Any) -> Text:
    """A new password; the policy, not the schema, says which are too short or too long."""
    return Text(min=0, max=SECRET_TEXT_MAX, required=True, **more)


def email_field() -> Text:
    """An address; what is none is refused with ``invalid_email`` rather than by its length."""
    return Text(max=SECRET_TEXT_MAX, multiline=True, required=True)


class ProofIn(Schema):
    """What a person on a contract knows."""

    account_number = Text(max=40, required=True)
    last_name = Text(max=100, required=True)
    zip = Text(pattern=r"[0-9]{5}(-[0-9]{4})?", required=True)
    ssn_last4 = Text(pattern=r"[0-9]{4}", required=True)


class RegistrationIn(ProofIn):
    """A registration."""

    email = email_field()
    username = Text(max=SECRET_TEXT_MAX)
    password = password_field()
    terms_version = Text(max=40, required=True)


class VerificationIn(Schema):
    """The token of the mailed link, and another user name when the one asked for is taken."""

    token = Text(max=SECRET_TEXT_MAX, required=True)
    username = Text(max=SECRET_TEXT_MAX)


class TokensIn(Schema):
    """``password``: user_id and password. ``refresh``: refresh_token."""

    grant = ChoiceField(*MEMBERS_OF_GRANT, required=True)
    user_id = Text(max=SECRET_TEXT_MAX)
    password = Text(max=SECRET_TEXT_MAX)
    refresh_token = Text(max=SECRET_TEXT_MAX)
    client_id = Text(pattern=r"[A-Za-z0-9._-]{1,64}", load_default="api")

    @validates_schema(skip_on_field_errors=True)
    def hold_what_the_grant_needs(self, data: dict[str, Any], **_: Any) -> None:
        """Raises for a missing member of the grant and for one of another grant."""
        needed = MEMBERS_OF_GRANT[data["grant"]]
        for name in needed:
            if name not in data:
                raise wrong_member(name, "required", f"{name} is required for this grant.")
        for name in {"user_id", "password", "refresh_token"}.intersection(data) - {*needed}:
            raise wrong_member(name, "unknown_field", f"{name} does not belong to this grant.")


def wrong_member(name: str, code: str, detail: str) -> Exception:
    """A validation error of one member."""
    error = wrong(code, detail)
    error.field_name = name
    return error


class PasswordIn(Schema):
    """The present password, to prove again who asks."""

    password = Text(max=SECRET_TEXT_MAX, required=True)


class NewPasswordIn(Schema):
    """Another password; the present one unless it was given in the last five minutes."""

    current_password = Text(max=SECRET_TEXT_MAX)
    password = password_field()


class EmailIn(Schema):
    """An address somebody remembers."""

    email = Text(max=SECRET_TEXT_MAX, required=True)


class ResetIn(Schema):
    """The token of the mailed link, and the new password."""

    token = Text(max=SECRET_TEXT_MAX, required=True)
    password = password_field()


class UsernameIn(Schema):
    """Another user name."""

    username = Text(max=SECRET_TEXT_MAX, required=True)


class StaffIn(Schema):
    """A staff user of the sandbox."""

    user_id = Text(max=254, required=True)
    password = Text(max=SECRET_TEXT_MAX, required=True)
    scopes = ListField(ChoiceField(*SCOPES), min=1, max=len(SCOPES), required=True)


class DemoCustomer(Schema):
    """A customer of the demo, with the password to log in with."""

    user_id = Text(max=254, required=True)
    email = Text(max=254, required=True)
    password = Text(max=SECRET_TEXT_MAX, required=True)
    accounts = ListField(IdField(), required=True)
    note = Text(max=500, required=True)


class DemoDirectory(Schema):
    """Everybody who can log in to the demo."""

    customers = ListField(fields.Nested(DemoCustomer), required=True)
    staff = ListField(fields.Nested(StaffIn), required=True)


class Accepted(Schema):
    """The one answer to requests whose outcome is mailed."""

    status = ChoiceField("accepted", required=True)
    detail = Text(required=True)


class TokenUser(Schema):
    """Whose tokens these are."""

    id = IdField(required=True)
    scopes = fields.List(fields.String(), required=True)


class Tokens(Schema):
    """An access token for ten minutes and the refresh token that follows."""

    access_token = Text(max=SECRET_TEXT_MAX, required=True)
    token_type = ChoiceField("Bearer", required=True)
    expires_in = IntField(required=True)
    refresh_token = Text(max=SECRET_TEXT_MAX, required=True)
    refresh_expires_in = IntField(required=True)
    user = fields.Nested(TokenUser, required=True)


class Session(Schema):
    """One of the caller's sessions."""

    id = IdField(required=True)
    created_at = fields.DateTime(required=True)
    last_used_at = fields.DateTime(required=True)
    client_id = Text(required=True)
    current = FlagField(required=True)


class Sessions(Schema):
    """The caller's sessions, the last used first; there are at most fifty."""

    data = fields.List(fields.Nested(Session), required=True)
    next_cursor = fields.String(allow_none=True, required=True)


class Me(Schema):
    """The caller's profile."""

    id = IdField(required=True)
    email = Text(max=254, required=True, allow_none=True)
    username = Text(max=64, required=True, allow_none=True)
    email_verified = FlagField(required=True)
    party = IdField(required=True, allow_none=True)
    accounts = fields.List(IdField(), required=True)
    scopes = fields.List(fields.String(), required=True)
    created_at = fields.DateTime(required=True)
    step_up_until = fields.DateTime(required=True, allow_none=True)


class Link(Schema):
    """A contract that has been linked."""

    account_id = IdField(required=True)
    account_number = Text(required=True)
    role = Text(required=True)


class TermsText(Schema):
    """One text and its version."""

    version = Text(required=True)
    title = Text(required=True)
    text = Text(required=True, max=20_000)


class Terms(Schema):
    """What is agreed to by registering; ``version`` is what a registration names."""

    version = Text(required=True)
    terms_of_use = fields.Nested(TermsText, required=True)
    esign_disclosure = fields.Nested(TermsText, required=True)


class StaffUser(Schema):
    """A staff user."""

    id = IdField(required=True)
    user_id = Text(max=254, required=True)
    scopes = fields.List(fields.String(), required=True)


class Jwk(Schema):
    """A public key (RFC 7517)."""

    kty = Text(required=True)
    crv = Text(required=True)
    x = Text(required=True)
    y = Text(required=True)
    kid = Text(required=True)
    use = Text(required=True)
    alg = Text(required=True)


class JwkSet(Schema):
    """The keys access tokens are signed with."""

    keys = fields.List(fields.Nested(Jwk), required=True)
