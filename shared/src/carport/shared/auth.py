"""The guard: who sends a request. Signature, claims and the session are checked on every one."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from carport.shared import body
from carport.shared.errors import Problem, Unauthenticated, Unavailable
from carport.shared.sessions import Sessions

ISSUER = "carport"
AUDIENCE = "carport-api"
TYPE = "at+jwt"
ALGORITHM = "ES256"
KEYS_PATH = "/.well-known/jwks.json"
TOKEN_LENGTH_MAX = 8 * 1024
CACHED_MAX = 4096
REFETCH_S = 60
FETCH_TIMEOUT_S = 2
LEEWAY_S = 5
STEP_UP_LIFETIME = timedelta(minutes=5)
CLAIMS = ("iss", "aud", "sub", "sid", "scope", "exp", "iat", "auth_time")

Jwks = dict[str, Any]


@dataclass(frozen=True)
class Principal:
    """Who asks: user, session, roles, the party and contracts that are theirs."""

    sub: str
    sid: str
    scope: frozenset[str]
    party: str | None
    accounts: frozenset[str]
    acr: str | None
    auth_time: datetime
    expires_at: datetime

    def is_fresh(self, now: datetime) -> bool:
        """Whether the last full authentication counts as step-up."""
        return now - self.auth_time <= STEP_UP_LIFETIME


class Keys:
    """Auth's public keys: fetched at first use and, at most once a minute, for an unknown key id;
    the last good set is kept."""

    def __init__(self, source: str | Callable[[], Jwks]) -> None:
        self._fetch = source if callable(source) else lambda: fetch(source)
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._asked_at: datetime | None = None
        self.version = 0

    def get(self, kid: str, now: datetime) -> Any:
        """The key *kid*, None for an unknown one. Raises Unavailable before the first set."""
        found = self._find(kid)
        if found is None and self._may_ask(now):
            self._renew(now)
            found = self._find(kid)
        if self._keys is None:
            raise Unavailable("Tokens cannot be checked at the moment. Nothing was changed.")
        return found

    def are_known(self, now: datetime) -> bool:
        """Whether there is a key set, asking for the first one."""
        if self._keys is None and self._may_ask(now):
            self._renew(now)
        return self._keys is not None

    def _find(self, kid: str) -> Any:
        keys = self._keys.keys if self._keys else []
        return next((key for key in keys if key.kid == kid), None)

    def _may_ask(self, now: datetime) -> bool:
        return self._asked_at is None or now - self._asked_at >= timedelta(seconds=REFETCH_S)

    def _renew(self, now: datetime) -> None:
        with self._lock:
            if not self._may_ask(now):
                return
            try:
                self._keys = KeySet.import_key_set(self._fetch())  # type: ignore[arg-type]
                self._asked_at = now
                self.version += 1
            except (OSError, ValueError, KeyError, JoseError, Problem):
                self._asked_at = now if self._keys else None


def fetch(url: str) -> Jwks:
    """The key set at *url*, which comes from the configuration and never from a token."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("CARPORT_JWKS_URL must be an http(s) address")
    with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310 - checked above
        loaded: Jwks = json.loads(answer.read(1024 * 1024))
        return loaded


class Guard:
    """Verifies access tokens. Verified ones are remembered until they expire or keys change."""

    def __init__(self, keys: Keys, sessions: Sessions) -> None:
        self.keys = keys
        self.sessions = sessions
        self._verified: OrderedDict[tuple[int, str], Principal] = OrderedDict()
        self._lock = threading.Lock()

    def authenticate(self, authorization: str | None, now: datetime) -> Principal:
        """Who sends the header *authorization*. Raises Unauthenticated, Unavailable."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > TOKEN_LENGTH_MAX:
            raise Unauthenticated
        principal = self._remembered(token) or self._verify(token, now)
        if principal.expires_at <= now:
            raise expired()
        if not self.sessions.is_live(principal.sid, now):
            raise Unauthenticated
        return principal

    def _remembered(self, token: str) -> Principal | None:
        with self._lock:
            return self._verified.get((self.keys.version, token))

    def _verify(self, token: str, now: datetime) -> Principal:
        try:
            claims = self._claims(token, now)
            principal = principal_of(claims)
        except ExpiredTokenError:
            raise expired() from None
        except Unavailable:
            raise
        except (JoseError, Problem, ValueError, KeyError, TypeError, OverflowError):
            raise Unauthenticated from None
        with self._lock:
            self._verified[(self.keys.version, token)] = principal
            while len(self._verified) > CACHED_MAX:
                self._verified.popitem(last=False)
        return principal

    def _claims(self, token: str, now: datetime) -> dict[str, Any]:
        signature = jws.extract_compact(token.encode("ascii"))
        header = signature.headers()
        if header.get("alg") != ALGORITHM or header.get("typ") != TYPE or "crit" in header:
            raise ValueError("not one of our access tokens")
        key = self.keys.get(str(header["kid"]), now)
        if key is None:
            raise ValueError("unknown key")
        payload = jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload
        claims = body.parse(payload or b"")
        registry = JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            **{name: {"essential": True} for name in CLAIMS[2:]},  # type: ignore[arg-type]
        )
        registry.validate(claims)
        return claims


def expired() -> Unauthenticated:
    """The answer to a token that was good."""
    return Unauthenticated("token_expired", "The access token has expired; refresh it.")


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """The principal in verified *claims*. Raises ValueError, TypeError for what is not ours."""
    for name in ("sub", "sid", "scope"):
        if not isinstance(claims[name], str):
            raise TypeError(name)
    accounts = claims.get("accounts") or []
    if not isinstance(accounts, list) or not all(isinstance(account, str) for account in accounts):
        raise TypeError("accounts")
    return Principal(
        sub=claims["sub"],
        sid=claims["sid"],
        scope=frozenset(claims["scope"].split()),
        party=claims.get("party"),
        accounts=frozenset(accounts),
        acr=claims.get("acr"),
        auth_time=moment(claims["auth_time"]),
        expires_at=moment(claims["exp"]),
    )


def moment(seconds: Any) -> datetime:
    """An instant from whole *seconds* since 1970. Raises TypeError for another type."""
    if type(seconds) is not int:
        raise TypeError("instants in tokens are whole seconds")
    return datetime.fromtimestamp(seconds, UTC)
