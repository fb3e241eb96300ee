"""The pages, one module per topic."""

from __future__ import annotations

from carport.portal.views import (
    access,
    accounts,
    alerts,
    brand,
    home,
    lease,
    link,
    messages,
    methods,
    pay,
    payments,
    sandbox,
    security,
)

VIEWS = (
    home.blueprint,
    brand.blueprint,
    access.blueprint,
    accounts.blueprint,
    link.blueprint,
    pay.blueprint,
    payments.blueprint,
    methods.blueprint,
    messages.blueprint,
    alerts.blueprint,
    lease.blueprint,
    security.blueprint,
)
SANDBOX_VIEWS = (sandbox.blueprint,)
