"""The suite as processes on real servers, as operations sees it: readiness, metrics, one trace."""

from __future__ import annotations

import json
import os
import signal
import uuid

import httpx2
import pytest
from redis import Redis
from support import brokers, journeys, servers
from support.client import Api, contract, eventually
from support.cluster import STREAM, Cluster
from support.collector import Collector
from support.fixtures import one_release

NOBODY = "127.0.0.1:9"
STOPPED_S_MAX = 8.0
LACKING = {
    "lease-worker-2": ({"CARPORT_BUS_URL": f"amqp://guest:guest@{NOBODY}/"}, ["broker"]),
    "lease-worker-3": (
        {"CARPORT_DATABASE_URL": f"postgresql+psycopg://nobody@{NOBODY}/x"},
        ["database", "broker"],  # it connects to the broker once it can keep what comes
    ),
    "lease-web-2": ({"CARPORT_SESSIONS_URL": f"redis://{NOBODY}/0"}, ["sessions"]),
    "lease-web-3": ({"CARPORT_JWKS_URL": f"http://{NOBODY}/keys"}, ["keys"]),
    "lease-web-4": ({"CARPORT_DATABASE_URL": f"postgresql+psycopg://nobody@{NOBODY}/x"},
                    ["database"]),
}  # fmt: skip
STATEMENT = {"db.system", "db.name", "db.user", "db.statement", "net.peer.name", "net.peer.port"}
OURS = {"http.request.method", "http.route", "http.response.status_code", "carport.event_id",
        "error.type"}  # fmt: skip
pytestmark = [pytest.mark.timeout(300), one_release]


@pytest.fixture(scope="module")
def collector():
    made = Collector()
    yield made
    made.close()


@pytest.fixture(scope="module")
def valkey():
    try:
        url, container = servers.valkey()
    except servers.Missing as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    with Redis.from_url(url) as client:
        before = set(client.keys())
        yield url
        if made := set(client.keys()) - before:
            client.delete(*made)
    if container:
        container.remove()


@pytest.fixture(scope="module")
def cluster(postgres, era, broker, valkey, collector, tmp_path_factory):
    brokers.clean(broker.url)
    made = Cluster(
        tmp_path_factory.mktemp("cluster"),
        postgres=postgres(era).url.render_as_string(hide_password=False),
        amqp=broker.url,
        valkey=valkey,
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"},
    )
    yield made.start()
    made.stop()
    brokers.clean(broker.url)


@pytest.fixture(scope="module")
def secrets(cluster):
    """A payment from order to receipt; what of it is nobody's business."""
    api = Api(cluster.url)
    document = contract(contract_date=api.today())
    account_id = api.staff().board(document)["id"]
    email = f"{uuid.uuid4().hex}@example.com"
    customer = api.register(document, email)
    paid = customer.pay(account_id, customer.add_bank_account(), 123_457)
    customer.until(paid["id"], "posted")
    eventually(lambda: [mail for mail in api.mails(email) if "$1,234.57" in mail["text"]])
    person = document["customers"][0]
    return [email, customer.token, "4000123456", document["account_number"], "123457",
            person["last_name"], person["birth_date"], person["phone"]]  # fmt: skip


def ask(cluster, name, path):
    url = f"http://127.0.0.1:{cluster.ports[name] + 1}{path}"
    try:
        return httpx2.get(url, trust_env=False, timeout=10)
    except httpx2.HTTPError:
        return None


def test_every_role_is_ready_on_its_private_port(cluster):
    for name in cluster.processes:
        if not name.endswith("-migrate"):
            assert ask(cluster, name, "/readyz").json() == {"status": "ok", "missing": []}, name
            assert ask(cluster, name, "/healthz").status_code == 200, name


def test_a_role_says_what_it_lacks_and_lives_all_the_same(cluster):
    for name, (env, _) in LACKING.items():
        cluster.spawn(name, **env)
    for name, (_, missing) in LACKING.items():
        eventually(lambda name=name: ask(cluster, name, "/healthz"), name, within_s=60)
        answer = ask(cluster, name, "/readyz")
        status = 200 if missing == ["sessions"] else 503  # which all replicas share
        assert (answer.status_code, answer.json()["missing"]) == (status, missing), name
        assert ask(cluster, name, "/healthz").status_code == 200, name
    for name in LACKING:
        cluster.kill(name)


def test_workers_tell_of_relay_inbox_and_broker(cluster, secrets):
    text = ask(cluster, "accounts-worker", "/metrics").text
    told = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("carport_"))
    assert told['carport_bus_connected{side="consumer",unit="accounts"}'] == "1.0"
    assert float(told['carport_relay_messages_total{outcome="confirmed",unit="accounts"}']) > 1
    assert told['carport_relay_messages_total{outcome="returned",unit="accounts"}'] == "0.0"
    assert float(told['carport_relay_lag_seconds_count{unit="accounts"}']) > 1
    handled = 'carport_handled_total{outcome="done",type="payments.payment_accepted.v1"'
    assert told[f'{handled},unit="accounts"}}'] == "1.0"


def test_the_trace_of_a_payment_crosses_the_broker(collector, secrets):
    def trace():
        roots = [s for s in collector.spans if s.name == "POST /v1/payments" and not s.parent]
        spans = {s.id: s for s in collector.spans if roots and s.trace == roots[0].trace}
        mails = [s for s in spans.values() if s.name == "effect mail"]
        return (spans, mails[0]) if mails else None

    spans, span = eventually(trace)
    chain = []
    while span is not None:
        chain.append((span.service, span.name))
        span = spans.get(span.parent)
    assert chain == [
        ("carport-notifications", "effect mail"),
        ("carport-notifications", "handle accounts.payment_posted.v1"),
        ("carport-accounts", "handle payments.payment_accepted.v1"),
        ("carport-payments", "POST /v1/payments"),
        ("carport-gateway", "POST /v1/payments"),
    ]


def test_statements_are_in_the_spans_they_belong_to_and_without_values(collector, secrets):
    statements = [span for span in collector.spans if "db.system" in span.attributes]
    assert statements
    assert [span for span in statements if not span.parent] == []
    text = json.dumps([[span.name, span.attributes, span.status] for span in collector.spans])
    assert [secret for secret in secrets if secret in text] == []
    names = {name for span in collector.spans for name in span.attributes}
    assert names <= STATEMENT | OURS


def test_a_receipt_arrives_in_a_stream_of_a_process_of_its_own(cluster):
    api = Api(cluster.url)
    journeys.hear_of_a_payment(api, api.staff())
    asked = 'route="/v1/messages/stream",status="200"'
    assert asked in ask(cluster, STREAM, "/metrics").text
    assert asked not in ask(cluster, "notifications-web", "/metrics").text


def test_a_stream_process_that_is_stopped_does_not_wait_for_its_streams(cluster):
    api = Api(cluster.url)
    document = contract(contract_date=api.today())
    api.staff().board(document)
    customer = api.register(document, f"{uuid.uuid4().hex}@example.com")
    with journeys.listening(customer) as events:
        cluster.kill(STREAM, signal.SIGTERM)
        assert list(events) == []
        assert cluster.processes[STREAM].wait(STOPPED_S_MAX) == 0
    cluster.spawn(STREAM)
    eventually(lambda: ask(cluster, STREAM, "/readyz"), within_s=60)
