"""Forged, altered and misused tokens: every one is refused, and none makes us fetch anything."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import urllib.request

import pytest
from carport.shared.kernel.ids import new_id
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

ME = "/v1/auth/me"
HUGE = 2**63


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def part(value):
    return b64(json.dumps(value).encode())


def read(segment):
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


@pytest.fixture
def good(registered, monkeypatch):
    """(suite, token, header, claims) of a live session; nothing may be fetched."""
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("fetched"))
    token = registered.log_in().json["access_token"]
    header, claims = (read(segment) for segment in token.split(".")[:2])
    assert registered.get(ME, token=token).status_code == 200
    return registered, token, header, claims


def sign(suite, header, claims, *, key=None):
    own = ECKey.import_key(suite.runtime.settings.keys["signing"][0])
    return jwt.encode(header, claims, key or own, algorithms=[header["alg"]])


def assert_refused(suite, token, *codes):
    answer = suite.get(ME, token=token)
    assert answer.status_code == 401
    assert answer.json["code"] in (codes or ("unauthenticated",))
    assert answer.headers["WWW-Authenticate"]


def test_the_token_is_what_the_specification_says(good):
    suite, _, header, claims = good
    assert header == {
        "alg": "ES256",
        "typ": "at+jwt",
        "kid": suite.runtime.settings.keys["signing"][0]["kid"],
    }
    expected = {"iss", "aud", "sub", "sid", "scope", "party", "accounts", "acr", "auth_time"}
    assert set(claims) == expected | {"iat", "exp", "jti"}
    assert claims["exp"] - claims["iat"] == 600
    assert (claims["iss"], claims["aud"]) == ("carport", "carport-api")
    assert (claims["scope"], claims["acr"]) == ("customer", "pwd")
    assert claims["accounts"] == [suite.account_id]


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "NONE", ""])
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_unsigned_tokens_are_refused(good, alg, signature):
    suite, _, header, claims = good
    assert_refused(suite, f"{part({**header, 'alg': alg})}.{part(claims)}.{signature}")


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_the_public_key_is_no_shared_secret(good, alg):
    suite, _, header, claims = good
    public = suite.get("/.well-known/jwks.json").json["keys"][0]
    pem = ECKey.import_key(public).as_pem(private=False)
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[alg]
    for secret in (json.dumps(public).encode(), pem, b""):
        body = f"{part({**header, 'alg': alg})}.{part(claims)}"
        mac = hmac.new(secret, body.encode(), getattr(hashlib, digest)).digest()
        assert_refused(suite, f"{body}.{b64(mac)}")


@pytest.mark.parametrize("claimed", ["ES256", "own"])
@pytest.mark.parametrize(
    ("alg", "make"),
    [
        ("ES256", lambda: ECKey.generate_key("P-256")),
        ("ES384", lambda: ECKey.generate_key("P-384")),
        ("EdDSA", lambda: OKPKey.generate_key("Ed25519")),
        ("RS256", lambda: RSAKey.generate_key(2048)),
        ("HS256", lambda: OctKey.generate_key(256)),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_other_keys_and_algorithms_are_refused(good, alg, make, claimed):
    suite, _, header, claims = good
    forged = sign(suite, {**header, "alg": alg}, claims, key=make())
    if claimed == "ES256":
        _, body, signature = forged.split(".")
        forged = f"{part(header)}.{body}.{signature}"
    assert_refused(suite, forged)


@pytest.mark.parametrize(
    "kid", [None, 1, "", "other", "../../dev/null", "/etc/passwd", "' OR 1=1 --", "https://x/k"]
)
def test_unknown_key_ids_are_refused(good, kid):
    suite, _, header, claims = good
    assert_refused(suite, sign_raw(suite, {**header, "kid": kid}, claims))


@pytest.mark.parametrize(
    "extra",
    [
        {"jku": "https://evil.example.com/jwks.json"},
        {"x5u": "https://evil.example.com/cert.pem"},
    ],
)
def test_addresses_in_the_header_are_never_followed(good, extra):
    suite, _, header, claims = good
    own = ECKey.generate_key("P-256", private=True)
    jwk = {"jwk": own.as_dict(private=False)}
    body = f"{part({**header, **extra, **jwk})}.{part(claims)}"
    forged = jwt.encode(header, claims, own, algorithms=["ES256"]).split(".")[2]
    assert_refused(suite, f"{body}.{forged}")


def test_unknown_critical_members_are_refused(good):
    suite, _, header, claims = good
    assert_refused(suite, sign_raw(suite, {**header, "crit": ["b64"], "b64": False}, claims))


@pytest.mark.parametrize("typ", [None, "JWT", "at+JWT ", "rt+jwt", "reset"])
def test_other_types_of_token_are_refused(good, typ):
    suite, _, header, claims = good
    changed = {**header, "typ": typ}
    if typ is None:
        del changed["typ"]
    assert_refused(suite, sign_raw(suite, changed, claims))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "evil"},
        {"iss": None},
        {"aud": "other-api"},
        {"aud": ["other"]},
        {"aud": None},
        {"sub": None},
        {"sub": 7},
        {"sid": None},
        {"sid": "0197a3c2-6f10-7abc-8def-0123456789ab"},
        {"sid": ["x"]},
        {"scope": None},
        {"scope": ["customer"]},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": 1.5},
        {"exp": 9999999999.5},
        {"exp": HUGE},
        {"exp": True},
        {"exp": -1},
        {"exp": 0},
        {"iat": None},
        {"iat": "now"},
        {"iat": 9999999999},
        {"nbf": 9999999999},
        {"nbf": "tomorrow"},
        {"auth_time": None},
        {"auth_time": "now"},
        {"auth_time": HUGE},
        {"accounts": "all"},
        {"accounts": [1]},
        {"accounts": {"a": 1}},
    ],
    ids=str,
)
def test_wrong_claims_are_refused_even_when_we_signed_them(good, change):
    suite, _, header, claims = good
    changed = {name: value for name, value in {**claims, **change}.items() if value is not None}
    assert_refused(suite, sign_raw(suite, header, changed), "unauthenticated", "token_expired")


@pytest.mark.parametrize("position", [0, 1, 2])
def test_changed_tokens_are_refused(good, position):
    suite, token, _, _ = good
    parts = token.split(".")
    for index in (0, len(parts[position]) // 2):
        letter = "A" if parts[position][index] != "A" else "B"
        changed = list(parts)
        changed[position] = parts[position][:index] + letter + parts[position][index + 1 :]
        assert_refused(suite, ".".join(changed))
    assert_refused(suite, ".".join([*parts[:position], "", *parts[position + 1 :]]))
    assert_refused(suite, ".".join([*parts[:position], *parts[position + 1 :]]))
    assert_refused(suite, ".".join([*parts[:position], "A" * 64_000, *parts[position + 1 :]]))


def test_duplicate_claims_are_refused(good):
    suite, _, header, claims = good
    text = json.dumps(claims)[:-1] + ', "sub": "0197a3c2-6f10-7abc-8def-0123456789ab"}'
    assert_refused(suite, sign_text(suite, header, text))


@pytest.mark.parametrize("text", ["[]", '"x"', "{", "", "null", "NaN", "[" * 5000])
def test_payloads_that_are_no_object_are_refused(good, text):
    suite, _, header, _ = good
    assert_refused(suite, sign_text(suite, header, text))


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic eDp5", "bearer x y", "Bearer \x7f", "Bearer é.é.é"]
)
def test_other_authorization_headers_are_refused(good, value):
    suite, _, _, _ = good
    answer = suite.http().get(ME, headers={"Authorization": value})
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


def test_refresh_and_reset_tokens_are_no_access_tokens(good):
    suite, _, _, _ = good
    suite.post("/v1/auth/password-resets", {"email": "ana.rivera@example.com"})
    reset = suite.mail("auth.password_reset_requested.v1")["token"]
    for token in (suite.log_in().json["refresh_token"], reset, new_id(suite.clock())):
        assert_refused(suite, token)


def test_a_token_in_the_address_is_refused(good):
    suite, token, _, _ = good
    answer = suite.get(f"{ME}?access_token={token}")
    assert answer.status_code == 401
    assert token not in answer.text


def test_the_key_set_holds_public_halves_only(suite):
    answer = suite.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    for key in answer.json["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def sign_raw(suite, header, claims):
    return sign_text(suite, header, json.dumps(claims))


def sign_text(suite, header, text):
    """Signed by our own key, whatever header and payload say."""
    own = ECKey.import_key(suite.runtime.settings.keys["signing"][0])
    body = f"{part(header)}.{b64(text.encode())}"
    signature = jws.JWSRegistry.algorithms["ES256"].sign(body.encode(), own)
    return f"{body}.{b64(signature)}"
