"""Only a live session's own, unexpired, ES256-signed access token opens a door."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from carport.shared import db, sealed, sessions, testing, web
from carport.shared.auth import Guard, Keys
from carport.shared.errors import Unauthenticated, Unavailable
from carport.shared.kernel.clock import utc_now
from carport.shared.kernel.ids import new_id
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

PATH = "/v1/settings"


def b64(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def header_of(token):
    text = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(text + "=="))


def parts(token):
    return token.split(".")


def forged(runtime):
    """Name -> a token that must not count."""
    good = testing.token(runtime)
    header, payload, signature = parts(good)
    kid = header_of(good)["kid"]
    own = ECKey.import_key(runtime.settings.keys["test_signing"])
    other = sealed.make_jwk("sig")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    now = int(utc_now().timestamp())

    def resigned(changed, **more):
        head = {"alg": "ES256", "typ": "at+jwt", "kid": kid, **more}
        return jws.serialize_compact(head, json.dumps(changed), own, algorithms=["ES256"])

    def claimed(**changes):
        return testing.token(runtime, claims=changes)

    hmac_key = OctKey.import_key(json.dumps(own.as_dict(private=False)))
    rsa = RSAKey.generate_key(2048)
    base = {"typ": "at+jwt", "kid": kid}
    tokens = {
        "empty": "",
        "garbage": "abc",
        "two parts": f"{header}.{payload}",
        "no signature": f"{header}.{payload}.",
        "short signature": f"{header}.{payload}.{signature[:20]}",
        "flipped": f"{header}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "other payload": f"{header}.{b64({**claims, 'scope': 'operator'})}.{signature}",
        "other key, same kid": jwt.encode({**base, "alg": "ES256"}, claims, other),
        "hs256 with the public key": jws.serialize_compact(
            {**base, "alg": "HS256"}, json.dumps(claims), hmac_key, algorithms=["HS256"]
        ),
        "rs256": jwt.encode({**base, "alg": "RS256"}, claims, rsa, algorithms=["RS256"]),
        "unknown kid": resigned(claims, kid="other"),
        "path as kid": resigned(claims, kid="../../dev/null"),
        "sql as kid": resigned(claims, kid="' OR 1=1 --"),
        "url as kid": resigned(claims, kid="https://evil.example.com/jwks"),
        "typ jwt": resigned(claims, typ="JWT"),
        "typ refresh": resigned(claims, typ="rt+jwt"),
        "huge": good + "A" * 64_000,
        "not ascii": "é" + good,
        "duplicate claim": resigned_text(own, kid, payload_twice(claims)),
        "array payload": resigned_text(own, kid, "[]"),
        "nan exp": resigned_text(own, kid, json.dumps(claims).replace(str(claims["exp"]), "NaN")),
        "wrong issuer": claimed(iss="evil"),
        "wrong audience": claimed(aud="other"),
        "not yet": claimed(nbf=now + 3600),
        "from the future": claimed(iat=now + 3600),
        "exp as text": claimed(exp=str(now + 600)),
        "exp as float": claimed(exp=now + 600.5),
        "exp too large": claimed(exp=2**63),
        "exp true": claimed(exp=True),
        "auth_time as text": claimed(auth_time="now"),
        "accounts as numbers": claimed(accounts=[1]),
        "scope as list": claimed(scope=["customer"]),
    }
    for alg in ("none", "None", "nOnE", "NONE"):
        tokens[f"alg {alg}"] = f"{b64({**base, 'alg': alg})}.{payload}."
        tokens[f"alg {alg} signed"] = f"{b64({**base, 'alg': alg})}.{payload}.{signature}"
    for claim in ("iss", "aud", "sub", "sid", "scope", "exp", "iat", "auth_time"):
        tokens[f"without {claim}"] = claimed(**{claim: None})
    for name, value in (
        ("jku", "https://evil.example.com/jwks"),
        ("x5u", "https://evil.example.com/cert"),
        ("jwk", other.as_dict(private=False)),
    ):
        tokens[f"{name} of another key"] = jws_with(other, claims, {**base, name: value})
    tokens["crit"] = f"{b64({**base, 'alg': 'ES256', 'crit': ['x'], 'x': 1})}.{payload}.{signature}"
    return tokens


def jws_with(key, claims, header):
    return jws.serialize_compact({**header, "alg": "ES256"}, json.dumps(claims), key)


def resigned_text(key, kid, text):
    return jws.serialize_compact({"alg": "ES256", "typ": "at+jwt", "kid": kid}, text, key)


def payload_twice(claims):
    return json.dumps(claims)[:-1] + ', "scope": "operator"}'


def test_every_forged_token_is_refused_alike(client, runtime):
    tokens = forged(runtime)
    assert len(tokens) >= 45
    answers = {}
    for name, token in tokens.items():
        response = client.get(
            PATH, headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")}
        )
        assert response.status_code == 401, name
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        body = response.json
        answers[name] = (body["code"], body["detail"])
    assert set(answers.values()) == {("unauthenticated", "Log in and send a valid access token.")}


@pytest.mark.parametrize("value", [None, "", "Bearer", "Bearer ", "Basic dTpw", "Token x"])
def test_without_a_bearer_token_nobody_gets_in(client, value):
    headers = {} if value is None else {"Authorization": value}
    assert client.get(PATH, headers=headers).json["code"] == "unauthenticated"


def test_a_good_token_gets_in_however_often(client, runtime):
    headers = testing.bearer(runtime)
    assert [client.get(PATH, headers=headers).status_code for _ in range(3)] == [200] * 3


def test_an_expired_token_says_so_even_when_it_was_seen_before(make_runtime):
    runtime = make_runtime()
    now = [utc_now()]
    runtime.clock = lambda: now[0]
    client = web.create_app(runtime).test_client()
    headers = testing.bearer(runtime)
    assert client.get(PATH, headers=headers).status_code == 200
    now[0] += timedelta(minutes=10)
    assert client.get(PATH, headers=headers).json["code"] == "token_expired"


def test_no_use_of_a_token_after_its_session_has_ended(client, runtime):
    headers = testing.bearer(runtime, claims={"sid": "s1"})
    runtime.settings.sessions.open("s1", utc_now() + timedelta(hours=1))
    assert client.get(PATH, headers=headers).status_code == 200
    runtime.settings.sessions.end("s1")
    assert client.get(PATH, headers=headers).json["code"] == "unauthenticated"
    runtime.settings.sessions.open("s1", utc_now() + timedelta(hours=1))
    assert client.get(PATH, headers=headers).status_code == 401, "ended wins"


def test_a_session_nobody_opened_is_no_session(client, runtime):
    headers = testing.bearer(runtime, claims={"sid": "never"})
    assert client.get(PATH, headers=headers).status_code == 401


def test_a_store_that_is_away_is_503_and_lets_nobody_in(make_runtime):
    class Away(sessions.MemorySessions):
        def is_live(self, sid, now):
            raise Unavailable(sessions.AWAY)

    runtime = make_runtime(sessions=Away())
    response = web.create_app(runtime).test_client().get(PATH, headers=testing.bearer(runtime))
    assert (response.status_code, response.json["code"]) == (503, "temporarily_unavailable")


class Source:
    """A key source that counts and can fail."""

    def __init__(self):
        self.keys, self.asked, self.is_away = [], 0, False

    def __call__(self):
        self.asked += 1
        if self.is_away:
            raise OSError("away")
        return {"keys": [key.as_dict(private=False) for key in self.keys]}


def test_unknown_keys_are_asked_for_at_most_once_a_minute_and_the_last_good_set_is_kept():
    source, now = Source(), utc_now()
    first, second = sealed.make_jwk("sig"), sealed.make_jwk("sig")
    source.keys = [first]
    keys = Keys(source)
    assert keys.get(first.kid, now).kid == first.kid
    source.keys = [first, second]
    assert keys.get(second.kid, now) is None
    assert keys.get("garbage", now) is None
    assert source.asked == 1
    later = now + timedelta(seconds=61)
    assert keys.get(second.kid, later).kid == second.kid
    assert source.asked == 2
    source.is_away = True
    assert keys.get("garbage", later + timedelta(seconds=61)) is None
    assert keys.get(second.kid, later + timedelta(seconds=62)).kid == second.kid


def test_without_any_keys_nobody_is_told_that_their_token_is_wrong():
    source = Source()
    source.is_away = True
    guard = Guard(Keys(source), sessions.MemorySessions())
    with pytest.raises(Unavailable):
        guard.authenticate(
            f"Bearer {b64({'alg': 'ES256', 'typ': 'at+jwt', 'kid': 'x'})}.e30.AA", utc_now()
        )


def test_a_token_of_a_withdrawn_key_stops_counting_once_the_keys_were_read_again(runtime):
    source, now = Source(), utc_now()
    own = ECKey.import_key(runtime.settings.keys["test_signing"])
    source.keys = [own]
    keys = Keys(source)
    guard = Guard(keys, runtime.settings.sessions)
    header = f"Bearer {testing.token(runtime)}"
    assert guard.authenticate(header, now)
    source.keys = [sealed.make_jwk("sig")]
    keys.get("unknown", now + timedelta(seconds=61))
    with pytest.raises(Unauthenticated):
        guard.authenticate(header, now + timedelta(seconds=62))


def test_the_embedded_store_is_auths_own_table(tmp_path):
    engine = db.make_engine(f"sqlite:///{tmp_path}/auth.db")
    now = utc_now()
    with engine.begin() as tx:
        tx.exec_driver_sql("CREATE TABLE session (id TEXT, ended_at TEXT, expires_at TEXT)")
        for sid, ended, lifetime in (("live", None, 60), ("ended", now, 60), ("old", None, -1)):
            row = {"id": sid, "ended_at": ended, "expires_at": now + timedelta(seconds=lifetime)}
            tx.execute(sessions.session.insert().values(row))
    store = sessions.SqlSessions(engine)
    assert [store.is_live(sid, now) for sid in ("live", "ended", "old", "none")] == [
        True,
        False,
        False,
        False,
    ]
    engine.dispose()
    broken = sessions.SqlSessions(db.make_engine(f"sqlite:///{tmp_path}/none/auth.db"))
    with pytest.raises(Unavailable):
        broken.is_live(new_id(now), now)
