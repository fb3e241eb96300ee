"""Everything secret that is handed out: access tokens, refresh tokens and links in mails.

Only hashes of what is handed out are stored. Keys come from auth's keys file; the signing keys are
the only private ones that speak for the whole suite.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from carport.auth.domain.lifetimes import ACCESS_TOKEN
from carport.shared import sealed
from carport.shared.auth import ALGORITHM, AUDIENCE, ISSUER, TYPE
from carport.shared.kernel.ids import new_id

SECRET_BYTES = 32


@dataclass(frozen=True)
class Keys:
    """The keys of auth, as its commands need them; the first of *signing* signs, all are known."""

    identity: bytes
    refresh: bytes
    signing: Sequence[Mapping[str, Any]]
    notifications: Mapping[str, Any]

    @staticmethod
    def of(keys: Mapping[str, Any]) -> Keys:
        """The members of a keys file. Raises KeyError for a missing one."""
        return Keys(
            identity=sealed.decode(keys["identity"]),
            refresh=sealed.decode(keys["refresh"]),
            signing=keys["signing"],
            notifications=keys["seal_public"]["notifications"],
        )

    def keyed_hash(self, text: str) -> str:
        """A name for *text* in counters that does not tell what it is."""
        return hmac.new(self.identity, text.encode(), hashlib.sha256).hexdigest()

    def sealed_for_notifications(self, data: dict[str, Any], *, expires_at: datetime) -> str:
        """*data*, readable by the notifications service only."""
        return sealed.seal(dict(self.notifications), data, expires_at)


@dataclass(frozen=True)
class Claims:
    """Who an access token speaks for."""

    user_id: str
    session_id: str
    scopes: Sequence[str]
    party_id: str | None
    account_ids: Sequence[str]
    acr: str
    auth_time: datetime


def access_token(keys: Keys, claims: Claims, *, now: datetime) -> str:
    """A signed JWT (RFC 9068) for ten minutes."""
    key = _signing_key(json.dumps(keys.signing[0]))
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}
    body = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": claims.user_id,
        "sid": claims.session_id,
        "scope": " ".join(claims.scopes),
        "party": claims.party_id,
        "accounts": list(claims.account_ids),
        "acr": claims.acr,
        "auth_time": int(claims.auth_time.timestamp()),
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS_TOKEN).timestamp()),
        "jti": new_id(now),
    }
    return jwt.encode(header, body, key, algorithms=[ALGORITHM])


def jwks(keys: Mapping[str, Any]) -> dict[str, Any]:
    """The public halves of the signing keys in a keys file, as a JWK set."""
    public = [_signing_key(json.dumps(jwk)).as_dict(private=False) for jwk in keys["signing"]]
    return {"keys": [{**jwk, "alg": ALGORITHM, "use": "sig"} for jwk in public]}


def new_secret() -> str:
    """256 random bits as URL-safe text: a first refresh token, a link's token."""
    return secrets.token_urlsafe(SECRET_BYTES)


def fingerprint(secret: str) -> str:
    """What is stored of a secret of full entropy."""
    return hashlib.sha256(secret.encode()).hexdigest()


def successor(keys: Keys, *, session_id: str, parent: str) -> str:
    """The refresh token that follows the one with fingerprint *parent*: always the same one.

    A reader of the database cannot make it: the family's key comes from a key that is not there.
    """
    family_key = hmac.new(keys.refresh, session_id.encode(), hashlib.sha256).digest()
    following = hmac.new(family_key, parent.encode(), hashlib.sha256).digest()
    return sealed.encode(following)


@cache
def _signing_key(jwk: str) -> ECKey:
    return ECKey.import_key(json.loads(jwk))
