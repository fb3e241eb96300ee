"""Every unit in a container of its own: the journeys of customers through the gateway, more
containers of some roles while it runs, forty days, and what the containers may and need.

One stack serves all tests but the last; they run in the order they stand here.
"""

from __future__ import annotations

import json
import os
import re
import time

import httpx2
import pytest
from support import journeys, walk
from support.client import STAFF, Api, eventually
from support.running import free_port
from support.stack import SERVICES, UNITS, Stack, missing_engine

pytestmark = pytest.mark.timeout(900)
MIB = 1024
WEB_MIB_MAX, WORKER_MIB_MAX = 120, 110
TOLD_S_MAX = 5
"""Four questions for a name nobody has, of a second each where the engine asks elsewhere: two for
the limit and two for the session."""
WITHOUT_DAYS = [
    journeys.pay_the_instalment,
    journeys.hear_of_a_payment,
    journeys.sign_in_at_the_portal,
    journeys.look_at_the_lease_end,
    journeys.send_one_key_forty_times,
    journeys.send_one_key_with_another_body,
]
LOOK = r"""
exec 2>&-
id -u
command -v gcc cc make pip pip3 || echo no tools
find /root /home /build /var/cache /opt /tmp -name '*.whl' -o -name 'pip*' -o -name 'hatch*' | wc -l
ls /opt/carport/lib/python3*/site-packages/carport | tr '\n' ' '
"""


@pytest.fixture(scope="module")
def tell(request):
    """Write past pytest's capture: figures, and logs where something failed."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(text):
        with capture.global_and_fixture_disabled():
            print(text)

    return say


@pytest.fixture(scope="module")
def run(request, tmp_path_factory, tell):
    """Starts stacks, and takes them down with all they made."""
    if (reason := missing_engine()) and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    made, failed = [], request.session.testsfailed

    def start(python):
        stack = Stack(tmp_path_factory.mktemp("stack"), python)
        made.append(stack)
        stack.build()
        return stack.start()

    yield start
    for stack in made:
        if request.session.testsfailed > failed:
            tell(stack.logs(length=60))
        stack.stop()


@pytest.fixture(scope="module")
def stack(run):
    return run("3.13")


@pytest.fixture(scope="module")
def api(stack):
    return Api(stack.url)


@pytest.fixture(scope="module")
def staff(api):
    return api.staff()


@pytest.fixture(scope="module")
def scaled(stack):
    """The same stack, still running, with more of some roles."""
    stack.scale(accounts_worker=3, payments_web=2)
    return stack


@pytest.mark.parametrize("unit", UNITS)
def test_an_image_holds_its_unit_and_no_tools_and_is_not_roots(stack, unit):
    image = f"carport/{unit}:{stack.project}"
    said = stack.command("docker", "run", "--rm", "--read-only", "--network=none",
                         "--entrypoint=sh", image, "-c", LOOK)  # fmt: skip
    uid, tools, left_over, inside = said.strip().splitlines()
    whole = {*UNITS, "shared"} if unit == "allinone" else {unit, "shared"}
    assert (int(uid) > 0, tools, left_over) == (True, "no tools", "0")
    assert set(inside.split()) == whole


def test_the_embedded_mode_is_an_image_too(stack):
    port = free_port()
    where = ["-p", f"127.0.0.1:{port}:{port}", "-e", f"PORT={port}", "-e", "CARPORT_DEMO=0"]
    name, keep = f"{stack.project}-embedded", ["--tmpfs=/tmp", "--tmpfs=/var/lib/carport:uid=10001"]
    stack.command("docker", "run", "-d", "--read-only", "--cap-drop=ALL", f"--name={name}", *keep,
                  *where, f"carport/allinone:{stack.project}")  # fmt: skip
    try:
        api = Api(f"http://localhost:{port}")
        eventually(lambda: answers(api), "the embedded suite to start", within_s=90)
        journeys.send_one_key_with_another_body(api, api.staff())
    finally:
        stack.command("docker", "rm", "-f", name)


def answers(api):
    try:
        return api.http.get("/status").status_code == 200
    except httpx2.TransportError:
        return False


def test_no_container_may_do_more_than_it_must(stack):
    for name, found in stack.containers().items():
        host = found["HostConfig"]
        assert found["Config"]["User"] not in ("", "0", "root"), name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert host["SecurityOpt"] == ["no-new-privileges:true"], name
        assert host["Memory"] > 0, name
        is_once = name.endswith("-migrate-1")
        assert host["RestartPolicy"]["Name"] == ("no" if is_once else "unless-stopped"), name


def test_only_the_gateway_is_published_and_only_to_this_machine(stack):
    published = {
        name: bound
        for name, found in stack.containers().items()
        for bound in found["NetworkSettings"]["Ports"].values()
        if bound
    }
    where = [{"HostIp": "127.0.0.1", "HostPort": str(stack.port)}]
    assert published == {"gateway-1": where}


def test_only_workers_reach_the_broker_and_only_the_gateway_the_outside(stack):
    def on(network):
        full = f"{stack.project}_{network}"
        return {name.rsplit("-", 1)[0] for name, found in stack.containers().items()
                if full in found["NetworkSettings"]["Networks"]}  # fmt: skip

    assert on("broker") == {"rabbitmq", *(f"{service}-worker" for service in SERVICES)}
    assert on("edge") == {"gateway"}
    assert not on("data") & {"gateway", "portal", "valkey", "rabbitmq"}


@pytest.mark.parametrize("journey", WITHOUT_DAYS, ids=lambda journey: journey.__name__)
def test_a_journey_through_containers(api, staff, journey):
    journey(api, staff)


def test_forty_days_pass_with_three_workers_and_two_webs(scaled, api):
    world = walk.begin(api)
    walk.forty_days(world)
    assert world.staff.get("/v1/staff/trial-balance")["balanced"]


@pytest.mark.parametrize(
    "journey",
    [*WITHOUT_DAYS, journeys.pay_in_every_way, journeys.pay_off],
    ids=lambda journey: journey.__name__,
)
def test_a_journey_through_more_containers(scaled, api, journey):
    journey(api, api.staff())


def test_every_replica_took_part(scaled, tell):
    answered = [scaled.metric("payments-web", n, "carport_http_requests_total") for n in (1, 2)]
    handled = [scaled.metric("accounts-worker", n, "carport_handled_total") for n in (1, 2, 3)]
    tell(f"\npayments-web answered {answered}, accounts-worker handled {handled}")
    assert min(answered) > sum(answered) / 4
    assert min(handled) > 0


def test_verify_finds_nothing(scaled):
    told = scaled.verify()
    assert (told["ok"], told["findings"]) == (True, [])


def test_the_logs_are_json_without_errors_and_without_people(scaled):
    units = [f"{name}-{role}" for name in SERVICES for role in ("migrate", "web", "worker")]
    text = scaled.logs("gateway", "portal", "notifications-stream", *units, prefix=False)
    lines = [json.loads(line) for line in text.splitlines() if line]
    assert [line for line in lines if line["level"] not in ("info", "debug")] == []
    assert re.findall(r"[\w.]+@example\.com|KNDPM3AC1P|Sample Street|quiet-morning", text) == []


def test_no_process_needs_more_memory_than_it_may(scaled, tell):
    found = {name: kib / MIB for name, kib in scaled.largest_process().items()}
    tell("\n" + "".join(f"  {name:<24}{mib:6.1f} MiB\n" for name, mib in sorted(found.items())))
    worker = {name: mib for name, mib in found.items() if "-worker-" in name}
    assert max(worker.values()) <= WORKER_MIB_MAX, worker
    assert max(found.values()) <= WEB_MIB_MAX, found


@pytest.mark.parametrize("gone", ["valkey", "postgres"])
def test_what_is_stopped_is_told_in_time_and_missed_no_longer_when_it_is_back(scaled, api, gone):
    scaled.run("stop", gone)
    look(api)  # the first to notice
    answer, seconds = look(api)
    scaled.run("up", "-d", "--wait", "--no-recreate", gone)
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert "Retry-After" in answer.headers
    assert seconds < TOLD_S_MAX
    eventually(lambda: look(api)[0].status_code == 200, f"what needs {gone}", within_s=30)


def look(api):
    """What a customer sees, and after how many seconds."""
    began = time.monotonic()
    names = {"user_id": STAFF["user_id"], "password": STAFF["password"]}
    answer = api.http.post("/v1/auth/tokens", json={"grant": "password", **names})
    return answer, time.monotonic() - began


def test_the_same_on_python_3_11(run, stack):
    stack.stop()
    old = run("3.11")
    api = Api(old.url)
    assert "3.11" in old.run("exec", "-T", "accounts-web", "python", "--version")
    journeys.pay_the_instalment(api, api.staff())
