"""A gateway that answers what the public API answers, from memory: for the portal's tests alone.

Shapes are those of the API; the lender, the people and their accounts are the same on every run.
"""

from __future__ import annotations

import itertools
from typing import Any

import fake_access
import fake_answers as answers
import fake_data as data
import fake_routes
from fake_access import PASSWORD
from fake_routes import Refused
from flask import Flask

__all__ = ["PASSWORD", "FakeGateway"]

ACCESS_S = 600


class FakeGateway:
    """The state behind the fake: change it in a test, read what was called in ``calls``."""

    def __init__(self) -> None:
        self.accounts = {a["id"]: a for a in data.accounts()}
        self.visible = list(self.accounts)
        self.transactions = {key: data.transactions() for key in self.accounts}
        self.schedule = data.schedule()
        self.lease = answers.lease()
        self.lender = answers.lender()
        self.methods = answers.methods()
        self.messages = answers.messages()
        self.preferences = answers.preferences()
        self.sessions = answers.sessions()
        self.payments: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, tuple[Any, int]] = {}
        self.refusals: dict[tuple[str, str], Refused] = {}
        self.calls: list[tuple[str, str, Any, dict[str, str]]] = []
        self.access = "access-0"
        self.refresh = "refresh-0"
        self.refreshes = 0
        self.access_s = ACCESS_S
        self.stepped_up = True
        self.numbers = itertools.count(1)
        self.app = _app(self)

    def refuse(self, method: str, path: str, status: int, code: str, **more: Any) -> None:
        """From now on that call is a problem."""
        self.refusals[method, path] = Refused(status, code, **more)

    def called(self, method: str, path: str) -> list[Any]:
        """The bodies sent to that address."""
        return [body for verb, where, body, _ in self.calls if (verb, where) == (method, path)]

    def keys(self, path: str) -> list[str]:
        """The idempotency keys sent to that address."""
        return [
            h["Idempotency-Key"]
            for verb, where, _, h in self.calls
            if where == path and "Idempotency-Key" in h
        ]

    def post_all(self) -> None:
        """What the accounts service does a moment later: accepted payments are posted."""
        for payment in self.payments.values():
            if payment["state"] == "accepted":
                payment |= {
                    "state": "posted",
                    "allocation": data.allocation(payment["amount"]),
                    "balance_after": 2836121,
                    "cancellable": False,
                }
                payment["history"].append({"state": "posted", "at": data.LATER})

    def new_tokens(self) -> dict[str, Any]:
        number = next(self.numbers)
        self.access, self.refresh = f"access-{number}", f"refresh-{number}"
        return {
            "access_token": self.access,
            "token_type": "Bearer",
            "expires_in": self.access_s,
            "refresh_token": self.refresh,
            "refresh_expires_in": 86400,
            "user": {"id": data.identifier(90), "scopes": ["customer"]},
        }


def _app(fake: FakeGateway) -> Flask:
    app = Flask(__name__)
    app.extensions["fake"] = fake
    app.before_request(fake_routes.note)
    app.register_error_handler(Refused, fake_routes.problem)
    app.register_blueprint(fake_access.api)
    app.register_blueprint(fake_routes.api)
    return app
