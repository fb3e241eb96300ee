"""The gateway passes on what a client may say, and answers everything else itself, helpfully."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta

import pytest
from carport.gateway import proxies
from carport.gateway.app import create_gateway
from carport.gateway.proxies import Proxies
from carport.gateway.upstreams import Away
from carport.shared.kernel.clock import utc_now
from werkzeug.test import Client


def problem(response, status, code):
    assert response.content_type == "application/problem+json"
    body = json.loads(response.data)
    assert (response.status_code, body["code"], body["status"]) == (status, code, status), body
    assert body["type"] == f"urn:carport:problem:{code}"
    assert body["instance"] == f"/requests/{response.headers['X-Request-Id']}"
    assert body["detail"]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age=31536000" in response.headers["Strict-Transport-Security"]
    return body


def test_a_request_reaches_its_service_as_it_was_sent(client, apps, bearer):
    response = client.post(
        "/v1/payments?x=%C3%A9&y=1",
        json={"amount": 5},
        headers={**bearer(), "Idempotency-Key": "k", "Accept": "application/json"},
    )
    got = response.json
    assert (got["service"], got["method"], got["path"]) == ("payments", "POST", "/v1/payments")
    assert (got["query"], got["type"]) == ("x=%C3%A9&y=1", "application/json")
    assert json.loads(got["body"]) == {"amount": 5}
    assert got["length"] == str(len(got["body"]))
    assert got["headers"]["Idempotency-Key"] == "k"
    assert got["headers"]["Authorization"].startswith("Bearer ")


def test_everything_else_is_the_portals(client, portal):
    assert client.get("/login").json["service"] == "portal"
    portal.headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Cache-Control", "max-age=9")]
    response = client.get("/")
    assert response.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert response.headers["Cache-Control"] == "max-age=9"


def test_a_portal_that_is_not_there_yet_is_503(settings, apps):
    client = Client(create_gateway(settings, apps))
    assert problem(client.get("/"), 503, "temporarily_unavailable")


@pytest.mark.parametrize(
    "name",
    ["X-User-Id", "X-User-Scope", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
     "X-Forwarded-Anything", "Forwarded", "X-Real-IP", "X-Original-URL", "X-Rewrite-URL",
     "X-HTTP-Method-Override", "Baggage", "Proxy", "X-Carport-Client", "X-Client-Cert"],
)  # fmt: skip
def test_what_only_we_may_say_is_dropped(client, apps, bearer, name):
    client.get("/v1/messages", headers={**bearer(), name: "evil.example.com"})
    seen = apps["notifications"].seen[-1]
    assert "evil" not in json.dumps(seen["headers"])
    assert seen["method"] == "GET"


@pytest.mark.parametrize(
    "name", ["Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "Proxy-Authorization"]
)
def test_headers_of_the_connection_end_here(client, apps, bearer, name):
    client.get("/v1/messages", headers={**bearer(), name: "x-mine", "X-Mine": "1"})
    seen = apps["notifications"].seen[-1]["headers"]
    assert name.title() not in seen
    assert ("X-Mine" in seen) == (name != "Connection"), "and those that Connection names"


def test_an_answers_headers_of_the_connection_end_here_too(client, apps, bearer):
    apps["notifications"].headers = [("Connection", "close"), ("Keep-Alive", "x"), ("X-Own", "1")]
    response = client.get("/v1/messages", headers=bearer())
    assert "Keep-Alive" not in response.headers
    assert "Connection" not in response.headers
    assert response.headers["X-Own"] == "1"


def test_the_service_learns_the_request_id_and_the_true_address(client, apps, bearer):
    headers = {**bearer(), "X-Request-Id": "abcd-1234", "X-Forwarded-For": "10.9.8.7"}
    response = client.get(
        "/v1/messages", headers=headers, environ_overrides={"REMOTE_ADDR": "192.0.2.7"}
    )
    seen = apps["notifications"].seen[-1]
    assert seen["headers"]["X-Request-Id"] == response.headers["X-Request-Id"] == "abcd-1234"
    assert (seen["address"], seen["headers"]["X-Forwarded-For"]) == ("192.0.2.7", "192.0.2.7")


@pytest.mark.parametrize("given", ["short", "x" * 65, "a b c d e f g", "<script>x</script>"])
def test_a_request_id_that_is_none_is_replaced(client, apps, bearer, given):
    response = client.get("/v1/messages", headers={**bearer(), "X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["X-Request-Id"])


def test_a_trusted_proxys_word_about_its_client_counts(make_gateway, apps, bearer):
    gateway = make_gateway(trusted=Proxies(["10.0.0.0/8"]))
    client = Client(gateway)
    for peer, said, expected in (
        ("10.1.1.1", "192.0.2.9", "192.0.2.9"),
        ("10.1.1.1", "203.0.113.1, 192.0.2.9", "192.0.2.9"),
        ("10.1.1.1", "nonsense", "10.1.1.1"),
        ("198.51.100.1", "192.0.2.9", "198.51.100.1"),
    ):
        client.get(
            "/v1/messages",
            headers={**bearer(gateway), "X-Forwarded-For": said},
            environ_overrides={"REMOTE_ADDR": peer},
        )
        assert apps["notifications"].seen[-1]["address"] == expected


def test_a_trusted_proxy_may_be_a_name_whose_addresses_change(
    make_gateway, apps, bearer, monkeypatch
):
    now = {"portal": ["172.20.0.7"], "gone": []}
    monkeypatch.setattr(proxies, "addresses", lambda name: set(now[name]))
    monkeypatch.setattr(proxies, "KNOWN_S", -1.0)
    gateway = make_gateway(trusted=Proxies(["portal", "gone", "10.0.0.0/8"]))

    def counted_as(peer):
        headers = {**bearer(gateway), "X-Forwarded-For": "192.0.2.9"}
        Client(gateway).get(
            "/v1/messages", headers=headers, environ_overrides={"REMOTE_ADDR": peer}
        )
        return apps["notifications"].seen[-1]["address"]

    assert [counted_as(f"172.20.0.{n}") for n in (7, 8)] == ["192.0.2.9", "172.20.0.8"]
    now["portal"] = ["172.20.0.8"]
    assert [counted_as(f"172.20.0.{n}") for n in (7, 8)] == ["172.20.0.7", "192.0.2.9"]


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "10.0.0.1/8", "256.1.1.1", "a b", ""])
def test_what_is_neither_a_network_nor_a_name_is_trusted_by_nobody(wrong):
    with pytest.raises(ValueError):
        Proxies([wrong])


def test_without_a_live_token_nothing_reaches_a_service(client, apps, bearer, gateway):
    good = bearer(claims={"sid": "s1"})["Authorization"]
    tampered = good[:-6] + ("AAAAAA" if not good.endswith("AAAAAA") else "BBBBBB")
    for said in (None, "", "Basic x", "Bearer x", tampered):
        headers = {} if said is None else {"Authorization": said}
        response = client.get("/v1/accounts", headers=headers)
        problem(response, 401, "unauthenticated")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert apps["accounts"].seen == []


def test_a_token_dies_with_its_session(client, gateway, bearer):
    headers = bearer(claims={"sid": "s1"})
    store = gateway.settings_of_test.sessions
    store.open("s1", utc_now() + timedelta(hours=1))
    assert client.get("/v1/messages", headers=headers).status_code == 200
    store.end("s1")
    problem(client.get("/v1/messages", headers=headers), 401, "unauthenticated")


def test_public_addresses_need_no_token(client):
    for path in ("/v1/lender", "/v1/auth/terms", "/.well-known/jwks.json", "/status", "/docs"):
        assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/v1/payments/../accounts", "/v1//payments",
                                  "/v1/./payments", "/v1/payments%00", "/a/../b"])  # fmt: skip
def test_an_address_that_is_none_is_404(client, path):
    problem(
        client.get("/", environ_overrides={"PATH_INFO": path.replace("%00", "\0")}),
        404,
        "not_found",
    )


@pytest.mark.parametrize("raw", ["/v1%2Fpayments", "/v1/payments%5c..", "/v1/accounts/%2e%2e%2Fx"])
def test_a_separator_in_disguise_is_404(client, raw):
    problem(client.get("/v1/payments", environ_overrides={"RAW_URI": raw}), 404, "not_found")


def test_an_undecodable_path_is_400(client):
    problem(client.get("/", environ_overrides={"PATH_INFO": "/\xc0\xae"}), 400, "bad_path")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
@pytest.mark.parametrize("path", ["/", "/v1/payments", "/docs"])
def test_trace_and_connect_are_405_everywhere(client, method, path):
    response = client.open(path, method=method, headers={"X-Marker": "marker"})
    problem(response, 405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]
    assert b"marker" not in response.data


def test_own_pages_know_their_methods(client):
    response = client.post("/docs")
    problem(response, 405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]
    problem(client.get("/docs/nothing"), 404, "not_found")


def test_a_long_address_is_414(client):
    problem(client.get("/v1/lender?x=" + "a" * 8192), 414, "uri_too_long")
    assert client.get("/v1/lender?x=" + "a" * 8000).status_code == 200


def test_large_or_many_headers_are_431(client):
    problem(client.get("/v1/lender", headers={"X-Big": "a" * 16384}), 431, "headers_too_large")
    many = {f"X-Number-{number}": "1" for number in range(201)}
    problem(client.get("/v1/lender", headers=many), 431, "headers_too_large")


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "5"},
        {"HTTP_TRANSFER_ENCODING": "xchunked", "CONTENT_LENGTH": ""},
        {"HTTP_TRANSFER_ENCODING": "chunked, chunked", "CONTENT_LENGTH": ""},
        {"HTTP_TRANSFER_ENCODING": "gzip, chunked", "CONTENT_LENGTH": ""},
        {"CONTENT_LENGTH": "5,5"},
        {"CONTENT_LENGTH": "+5"},
        {"CONTENT_LENGTH": "-1"},
        {"CONTENT_LENGTH": "0x5"},
        {"CONTENT_LENGTH": "5 5"},
        {"CONTENT_LENGTH": "9" * 30},
        {"HTTP_X_A": "b\r\nX-User-Id: 1"},
        {"HTTP_X_A": "b\nc"},
    ],
)
def test_ambiguous_framing_is_400_and_closes(client, apps, environ):
    response = client.post("/v1/auth/tokens", data=b"hello", environ_overrides=environ)
    problem(response, 400, "bad_framing")
    assert response.headers["Connection"] == "close"
    assert apps["auth"].seen == []


def test_a_chunked_body_arrives_whole_with_its_length(client, apps):
    environ = {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_LENGTH": "",
        "wsgi.input_terminated": True,
    }
    client.post("/v1/auth/tokens", input_stream=io.BytesIO(b'{"a":1}'), environ_overrides=environ)
    got = apps["auth"].seen[-1]
    assert (got["body"], got["length"]) == ('{"a":1}', "7")
    assert "Transfer-Encoding" not in got["headers"]


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_over_the_limit_of_its_route_is_413(client, apps, chunked):
    environ = {"wsgi.input_terminated": True}
    if chunked:
        environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    for size, status in ((64 * 1024, 200), (64 * 1024 + 1, 413)):
        response = client.post(
            "/v1/auth/tokens", input_stream=io.BytesIO(b" " * size), environ_overrides=environ
        )
        assert response.status_code == status
    assert problem(response, 413, "payload_too_large")["detail"].count("65536")
    assert response.headers["Connection"] == "close"
    assert len(apps["auth"].seen) == 1


def test_the_body_is_not_read_before_the_token_is_good(client):
    class Untouchable(io.BytesIO):
        def read(self, *_):
            raise AssertionError("read")

    response = client.post("/v1/payments", input_stream=Untouchable(b"x"), content_length=1)
    problem(response, 401, "unauthenticated")


def test_a_body_that_is_cut_short_is_400_and_one_that_stalls_408(client, apps):
    class Stalled(io.BytesIO):
        def read(self, *_):
            raise TimeoutError

    cut = client.post(
        "/v1/auth/tokens",
        input_stream=io.BytesIO(b"abc"),
        environ_overrides={"CONTENT_LENGTH": "9"},
    )
    problem(cut, 400, "bad_framing")
    stalled = client.post(
        "/v1/auth/tokens", input_stream=Stalled(), environ_overrides={"CONTENT_LENGTH": "9"}
    )
    problem(stalled, 408, "request_timeout")
    assert apps["auth"].seen == []


def test_an_upstream_that_is_away_is_503_and_says_what_is_known_about_money(
    make_gateway, apps, bearer
):
    class Broken:
        def __init__(self, is_sent):
            self.name, self.is_sent = "payments", is_sent

        def call(self, environ):
            raise Away("payments", is_sent=self.is_sent)

    for is_sent, moved in ((False, "no"), (True, "unknown")):
        gateway = make_gateway()
        gateway._upstreams["payments"] = Broken(is_sent)
        response = Client(gateway).post("/v1/payments", json={}, headers=bearer(gateway))
        body = problem(response, 503, "temporarily_unavailable")
        assert body["money_moved"] == moved
        assert "payments" in body["detail"]
        assert response.headers["Retry-After"] == "5"
        method = Client(gateway).get("/v1/card-setups", headers=bearer(gateway))
        assert "money_moved" not in problem(method, 503, "temporarily_unavailable")


def test_the_rate_counts_per_address_and_per_user_and_is_told(make_gateway, bearer):
    gateway = make_gateway(limits_factor=1)
    client = Client(gateway)
    one, two = bearer(gateway, sub="one"), bearer(gateway, sub="two")
    for number in range(600):
        environ = {"REMOTE_ADDR": f"192.0.2.{number % 250}"}
        assert client.get("/v1/messages", headers=one, environ_overrides=environ).status_code == 200
    response = client.get("/v1/messages", headers=one)
    problem(response, 429, "rate_limited")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert client.get("/v1/messages", headers=two).status_code == 200
    for _ in range(1200):
        last = client.get("/v1/lender", environ_overrides={"REMOTE_ADDR": "198.51.100.1"})
    assert last.status_code == 200
    over = client.get(
        "/v1/lender",
        headers={"X-Forwarded-For": "203.0.113.5"},
        environ_overrides={"REMOTE_ADDR": "198.51.100.1"},
    )
    problem(over, 429, "rate_limited")


def test_in_production_only_the_public_host_is_served_and_no_sandbox(make_gateway):
    gateway = make_gateway(env="production")
    client = Client(gateway)
    assert client.get("/v1/lender", base_url="https://carport.example.com").status_code == 200
    for host in ("evil.example.com", "carport.example.com.evil.example.com", "localhost"):
        problem(client.get("/v1/lender", base_url=f"https://{host}"), 400, "bad_request")
    response = client.get("/v1/sandbox/clock", base_url="https://carport.example.com")
    problem(response, 404, "not_found")


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "null", "http://carport.example.com"]
)
def test_no_other_origin_is_invited(client, origin):
    response = client.get("/v1/lender", headers={"Origin": origin})
    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


def test_an_upstream_is_closed_even_when_the_client_leaves_early(make_gateway, apps):
    closed = []

    class Streaming:
        def __call__(self, environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return self

        def __iter__(self):
            return iter([b"a", b"b"])

        def close(self):
            closed.append(True)

    gateway = make_gateway({**apps, "accounts": Streaming()})
    closed.clear()
    body = gateway(
        {"REQUEST_METHOD": "GET", "PATH_INFO": "/v1/lender", "wsgi.input": io.BytesIO()},
        lambda *_: None,
    )
    assert next(iter(body)) == b"a"
    body.close()
    assert closed == [True]
