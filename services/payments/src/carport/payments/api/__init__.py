"""HTTP words of payments: schemas, routes and status codes."""

from __future__ import annotations

from carport.payments.api import methods, payments, sandbox

BLUEPRINTS = (methods.blp, payments.blp, sandbox.blp)
