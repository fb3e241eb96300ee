"""HTTP: the routes of auth, and the status each refusal has."""

from __future__ import annotations

from carport.auth.api import me, recovery, registration, sandbox, sessions, tokens
from carport.auth.domain import refusals
from carport.auth.domain.names import InvalidEmail, InvalidUsername
from carport.auth.domain.password_policy import WeakPassword

BLUEPRINTS = (registration.blp, tokens.blp, sessions.blp, recovery.blp, me.blp, sandbox.blp)

ERRORS: dict[type[Exception], int] = {
    refusals.InvalidToken: 400,
    refusals.StaffNeedMfa: 403,
    refusals.UsernameTaken: 409,
    refusals.NotStaff: 409,
    refusals.NoMatch: 422,
    refusals.TermsOutdated: 422,
    InvalidEmail: 422,
    InvalidUsername: 422,
    WeakPassword: 422,
}
