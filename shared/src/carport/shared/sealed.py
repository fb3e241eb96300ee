"""Secrets in transit between services (JWE to the recipient's key) and at rest (AES-256-GCM)."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

HEADER = {"alg": "ECDH-ES", "enc": "A256GCM"}
ALGORITHMS = ["ECDH-ES", "A256GCM"]
NONCE_BYTES = 12
KEY_BYTES = 32


class Unsealable(Exception):
    """Not sealed for this key, or changed since."""

    code = "unsealable"


class Expired(Unsealable):
    """Sealed for a purpose that is over."""

    code = "expired"


def seal(public_jwk: Mapping[str, Any], data: Mapping[str, Any], expires_at: datetime) -> str:
    """*data* for the holder of the private key alone, until *expires_at*."""
    plain = json.dumps({"data": data, "exp": expires_at.timestamp()}).encode()
    return jwe.encrypt_compact(HEADER, plain, ECKey.import_key(dict(public_jwk)), ALGORITHMS)


def open_(private_jwk: Mapping[str, Any], text: str, now: datetime) -> dict[str, Any]:
    """What was sealed. Raises Expired or Unsealable."""
    try:
        opened = jwe.decrypt_compact(text, ECKey.import_key(dict(private_jwk)), ALGORITHMS)
        content = json.loads(opened.plaintext or b"")
        data, expires = dict(content["data"]), float(content["exp"])
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Unsealable("not sealed for this key") from error
    if expires <= now.timestamp():
        raise Expired("sealed for a purpose that is over")
    return data


class AtRest:
    """Encrypts values of columns, bound to their place: a value moved to another row is refused.

    *keys* is ``{"current": id, "keys": {id: base64url}}``; old keys only decrypt.
    """

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self._current = str(keys["current"])
        self._keys = {name: AESGCM(decode(key)) for name, key in keys["keys"].items()}

    def encrypt(self, text: str, table: str, column: str, row: str) -> str:
        """``<key id>.<base64url of nonce and ciphertext>``."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        place = "|".join((self._current, table, column, row)).encode()
        sealed = self._keys[self._current].encrypt(nonce, text.encode(), place)
        return f"{self._current}.{encode(nonce + sealed)}"

    def decrypt(self, text: str, table: str, column: str, row: str) -> str:
        """The value. Raises Unsealable for another place, an unknown key or a change."""
        name, _, content = text.partition(".")
        place = "|".join((name, table, column, row)).encode()
        try:
            raw = decode(content)
            plain = self._keys[name].decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place)
        except (KeyError, ValueError, InvalidTag) as error:
            raise Unsealable("changed, moved, or of an unknown key") from error
        return plain.decode()


def encode(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of base64url *text*."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_keys() -> dict[str, dict[str, Any]]:
    """A fresh set of keys: service -> what its keys file holds."""
    identity, numbers = new_key(), new_key()
    sealing, signing = make_jwk("enc"), make_jwk("sig")
    own: dict[str, dict[str, Any]] = {
        "auth": {
            "identity": identity,
            "signing": [signing.as_dict(private=True)],
            "refresh": new_key(),
            "seal_public": {"notifications": sealing.as_dict(private=False)},
        },
        "accounts": {"identity": identity, "account_number": numbers},
        "payments": {"account_number": numbers},
        "notifications": {"seal_private": sealing.as_dict(private=True)},
        "lease": {},
    }
    return {service: {**keys, **spine_keys()} for service, keys in own.items()}


def spine_keys() -> dict[str, Any]:
    """What every service has."""
    name = secrets.token_hex(4)
    return {"at_rest": {"current": name, "keys": {name: new_key()}}, "cursor": new_key()}


def new_key() -> str:
    """256 random bits as base64url."""
    return encode(secrets.token_bytes(KEY_BYTES))


def make_jwk(use: Literal["sig", "enc"]) -> ECKey:
    """A P-256 key pair with a random id."""
    return ECKey.generate_key("P-256", {"kid": secrets.token_hex(8), "use": use}, private=True)


def write_keys(folder: Path) -> list[Path]:
    """Make the keys files ``<service>.json`` in *folder*, mode 0600; existing ones are kept and
    then none is written, because the files belong together."""
    paths = {service: folder / f"{service}.json" for service in make_keys()}
    if any(path.exists() for path in paths.values()):
        return []
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for service, keys in make_keys().items():
        paths[service].touch(mode=0o600)
        paths[service].write_text(json.dumps(keys, indent=1) + "\n", encoding="utf-8")
    return list(paths.values())
