"""Which address belongs to which service: prefixes as data, the longest one wins."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
JSON_BYTES_MAX = 64 * KIB
WEBHOOK_BYTES_MAX = 256 * KIB
IMAGE_BYTES_MAX = 10 * KIB * KIB
FILE_BYTES_MAX = 32 * KIB * KIB
SERVICES = ("auth", "accounts", "payments", "notifications", "lease")


@dataclass(frozen=True)
class Route:
    """Addresses below *prefix* go to *upstream*.

    *who* is ``"user"`` (a live access token is needed), ``"public"`` or ``"sandbox"`` (public, and
    not there in production); *money* routes say in problems whether money moved; the answers of
    *is_stream* may go on for minutes.
    """

    prefix: str
    upstream: str
    who: str = "user"
    body_limit: int = JSON_BYTES_MAX
    money: bool = False
    is_stream: bool = False


def routes(upstream: str, *prefixes: str, **more: object) -> tuple[Route, ...]:
    """One route per prefix, all alike."""
    return tuple(Route(prefix, upstream, **more) for prefix in prefixes)  # type: ignore[arg-type]


ROUTES = (
    *routes("gateway", "/docs", "/openapi.json", "/status", who="public"),
    *routes("auth", "/.well-known/jwks.json", "/v1/auth", who="public"),
    *routes("auth", "/v1/auth/me", "/v1/auth/sessions", "/v1/auth/account-links"),
    *routes("auth", "/v1/staff/users", "/v1/staff/audit"),
    *routes("auth", "/v1/sandbox/demo", who="sandbox", body_limit=256 * KIB),
    *routes("auth", "/v1/sandbox/staff", who="sandbox"),
    *routes("accounts", "/v1/lender", who="public"),
    *routes("accounts", "/v1/accounts", "/v1/customers", "/v1/staff"),
    *routes("accounts", "/v1/sandbox/clock", who="sandbox"),
    *routes("payments", "/v1/payments", "/v1/payment-methods", "/v1/autopay", money=True),
    *routes("payments", "/v1/card-setups"),
    *routes("payments", "/v1/webhooks/stripe", who="public", body_limit=WEBHOOK_BYTES_MAX),
    *routes(
        "payments", "/v1/staff/payments", "/v1/staff/refunds", "/v1/staff/suspense", money=True
    ),
    *routes("payments", "/v1/staff/returns", "/v1/staff/disputes"),
    *routes("payments", "/v1/staff/ach-files", "/v1/staff/ach-returns", body_limit=FILE_BYTES_MAX),
    *routes("payments", "/v1/staff/lockbox-files", body_limit=FILE_BYTES_MAX),
    *routes("payments", "/v1/sandbox/bank", "/v1/sandbox/lockbox", who="sandbox", money=True),
    *routes("payments", "/v1/sandbox/faults", who="sandbox"),
    *routes("notifications", "/v1/alerts", "/v1/push-subscriptions", "/v1/messages", "/v1/chats"),
    *routes("notifications", "/v1/messages/stream", is_stream=True),
    *routes("notifications", "/v1/unsubscribe", who="public"),
    *routes("notifications", "/v1/webhooks/twilio", who="public", body_limit=WEBHOOK_BYTES_MAX),
    *routes("notifications", "/v1/staff/chats", "/v1/staff/messages"),
    *routes("notifications", "/v1/sandbox/mailbox", who="sandbox"),
    *routes("lease", "/v1/leases", "/v1/dealers"),
    *routes("lease", "/v1/staff/leases", "/v1/staff/extensions"),
    *routes("lease", "/v1/staff/inspections", body_limit=IMAGE_BYTES_MAX),
)
PORTAL = Route("/", "portal", who="public", body_limit=256 * KIB)
API = ("/v1", "/.well-known", "/docs", "/openapi.json", "/status")
"""Everything else is the portal's."""


class Table:
    """Finds the route of a path."""

    def __init__(self, known: tuple[Route, ...] = ROUTES, *, has_sandbox: bool) -> None:
        kept = [route for route in known if has_sandbox or route.who != "sandbox"]
        self._routes = {route.prefix: route for route in kept}

    def find(self, path: str) -> Route | None:
        """The route with the longest prefix of whole segments, the portal's, or None."""
        segments = path.split("/")
        for length in range(len(segments), 1, -1):
            route = self._routes.get("/".join(segments[:length]))
            if route:
                return route
        return None if is_below(path, API) else PORTAL


def is_below(path: str, prefixes: tuple[str, ...]) -> bool:
    """Whether *path* is one of *prefixes* or under it."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)
