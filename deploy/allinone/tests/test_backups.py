"""Backups are looked at as CloudNativePG tells of them, and restored where they harm nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from carport.allinone import backups
from carport.allinone.backups import HEALTHY, Cloud, Refused
from carport.lease.service import SERVICE as LEASE
from carport.shared import db, migrate
from carport.shared.checks import Check
from carport.shared.inbox import inbox
from carport.shared.kernel.clock import utc_now

NOW = datetime(2025, 5, 7, 6, 15, tzinfo=UTC)
ARCHIVING = {"conditions": [{"type": "ContinuousArchiving", "status": "True"}]}
PREFIX = "/apis/postgresql.cnpg.io/v1/namespaces/carport/"


def at(hours_ago):
    return (NOW - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def backup(hours_ago, *, phase="completed", cluster="accounts-db", **status):
    stopped = {"stoppedAt": at(hours_ago)} if phase == "completed" else {}
    return {
        "metadata": {"name": f"{cluster}-{hours_ago}", "creationTimestamp": at(hours_ago)},
        "spec": {"cluster": {"name": cluster}},
        "status": {"phase": phase, **stopped, **status},
    }


class Kubernetes:
    """An API server with the objects it was given."""

    def __init__(self, tmp_path):
        (tmp_path / "token").write_text("first")
        self.account = tmp_path
        self.clusters = {}
        self.backups = []
        self.asked = []
        self.healthy_after = 2
        self.status = 200

    def cloud(self):
        http = httpx2.Client(
            base_url=backups.SERVER, transport=httpx2.MockTransport(self.answer), trust_env=False
        )
        return Cloud(http, "carport", self.account)

    def answer(self, request):
        path = request.url.path.removeprefix(PREFIX)
        self.asked.append((request.method, path, request.headers["Authorization"]))
        if self.status != 200:
            return httpx2.Response(self.status, text="no")
        kind, _, name = path.partition("/")
        if request.method == "POST":
            made = json.loads(request.content)
            self.clusters[made["metadata"]["name"]] = made | {"polls": 0}
            return httpx2.Response(201, json=made)
        if not name:
            items = self.backups if kind == "backups" else list(self.clusters.values())
            return httpx2.Response(200, json={"items": items})
        found = self.clusters.get(name)
        if found is None:
            return httpx2.Response(404, json={})
        if request.method == "DELETE":
            del self.clusters[name]
        found["polls"] = found.get("polls", 0) + 1
        is_healthy = found["polls"] > self.healthy_after
        return httpx2.Response(
            200, json={**found, "status": {"phase": HEALTHY if is_healthy else "Setting up"}}
        )


@pytest.fixture
def kubernetes(tmp_path):
    server = Kubernetes(tmp_path)
    server.clusters["accounts-db"] = {"metadata": {"name": "accounts-db"}, "status": ARCHIVING}
    return server


def found(kubernetes):
    return list(backups.check(kubernetes.cloud(), NOW))


def test_a_backup_of_last_night_is_fine(kubernetes):
    kubernetes.backups = [backup(3), backup(27), backup(30, phase="failed")]
    assert found(kubernetes) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "accounts-db: there is no backup."),
        ([backup(3, cluster="auth-db")], "accounts-db: there is no backup."),
        ([backup(27)], "accounts-db: the newest backup is of 2025-05-06T03:15:00+00:00."),
        ([backup(4), backup(3, phase="failed", error="no room")],
         "accounts-db: accounts-db-3 failed: no room"),
        ([backup(3, phase="running")], "accounts-db: there is no backup."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_backup_is_told(kubernetes, given, told):
    kubernetes.backups = given
    assert found(kubernetes) == [told]


def test_a_log_that_is_not_archived_is_told(kubernetes):
    kubernetes.backups = [backup(3)]
    kubernetes.clusters["accounts-db"]["status"] = {"conditions": []}
    assert found(kubernetes) == ["accounts-db: its log is not being archived."]


def test_no_database_at_all_is_no_good_news(kubernetes):
    kubernetes.clusters.clear()
    assert found(kubernetes) == ["There are no databases in this namespace."]


def test_what_kubernetes_refuses_is_told(kubernetes):
    kubernetes.status = 403
    with pytest.raises(Refused, match="GET backups: Kubernetes says 403"):
        found(kubernetes)


def test_outside_of_a_pod_it_says_so():
    with pytest.raises(Refused, match="in a pod"):
        Cloud.of_this_pod()


def restored(kubernetes, look=lambda: iter([])):
    made = {"metadata": {"name": "auth-db-restored"}}
    waits = []
    lines = list(backups.restored(kubernetes.cloud(), made, look, waits.append))
    return lines, waits


def test_a_restored_cluster_is_looked_at_once_it_is_healthy_and_then_dropped(kubernetes):
    def look():
        assert kubernetes.clusters["auth-db-restored"]["polls"] > kubernetes.healthy_after
        yield "I-07: a journal was changed"

    assert restored(kubernetes, look) == (["I-07: a journal was changed"], [10.0, 10.0])
    assert set(kubernetes.clusters) == {"accounts-db"}


def test_what_a_killed_run_left_goes_first(kubernetes):
    kubernetes.clusters["auth-db-restored"] = {"metadata": {"name": "auth-db-restored"}, "old": 1}
    assert restored(kubernetes)[0] == []
    methods = [method for method, path, _ in kubernetes.asked if "auth" in path or method == "POST"]
    assert methods[:3] == ["DELETE", "GET", "POST"] and methods[-1] == "DELETE"


def test_a_cluster_that_never_becomes_healthy_is_told_and_dropped(kubernetes, monkeypatch):
    monkeypatch.setattr(backups, "POLLS_MAX", 3)
    kubernetes.healthy_after = 99
    lines, _ = restored(kubernetes)
    assert lines == ["it was not restored in time; its state is: Setting up"]
    assert "auth-db-restored" not in kubernetes.clusters


def test_a_look_that_fails_leaves_no_cluster_behind(kubernetes):
    def look():
        raise OSError("connection refused")
        yield

    with pytest.raises(OSError, match="refused"):
        restored(kubernetes, look)
    assert "auth-db-restored" not in kubernetes.clusters


def test_the_token_is_read_again_for_each_call(kubernetes):
    cloud = kubernetes.cloud()
    cloud.all("backups")
    (Path(kubernetes.account) / "token").write_text("second")
    cloud.all("backups")
    assert [token for *_, token in kubernetes.asked] == ["Bearer first", "Bearer second"]


@pytest.fixture
def lease(tmp_path):
    """A database of lease as a restore leaves it: its address, and a way to change it."""
    url = f"sqlite:///{tmp_path}/lease.db"
    engine = db.make_engine(url)
    migrate.upgrade(engine, LEASE)
    yield url, engine
    engine.dispose()


def heard(engine, hours_ago):
    """An event that arrived so long ago."""
    row = {"event_id": f"e-{hours_ago}", "type": "accounts.day_opened.v1", "state": "done",
           "source": "/carport/accounts", "subject": "day",
           "received_at": utc_now() - timedelta(hours=hours_ago)}  # fmt: skip
    with engine.begin() as tx:
        tx.execute(inbox.insert().values(row))


def test_restored_data_must_hold_events_of_the_last_day(lease):
    url, engine = lease
    assert "its newest event is of None" in next(backups.of_data(LEASE, url))
    heard(engine, 40)
    assert any("was not restored" in line for line in backups.of_data(LEASE, url))
    heard(engine, 3)
    assert not any("was not restored" in line for line in backups.of_data(LEASE, url))


def test_restored_data_is_verified(lease, monkeypatch):
    url, engine = lease
    heard(engine, 3)
    broken = Check("I-99", "it is so", "look", lambda _tx, _before: ["it is not so"])
    elsewhere = Check("I-98", "it is so", "look", lambda _tx, _before: ["nor here"])
    planned = [("lease", broken), ("auth", elsewhere), ("accounts and lease", elsewhere)]
    monkeypatch.setattr(backups.verify, "planned", lambda: planned)
    assert list(backups.of_data(LEASE, url)) == ["I-99: it is not so"]


def test_the_restored_cluster_is_that_of_the_manifests(kubernetes, tmp_path, monkeypatch):
    template = tmp_path / "cluster.json"
    template.write_text('{"metadata": {"name": "${service}-db-restored"}, "image": "${image}"}')
    monkeypatch.setattr(backups, "RESTORED", template)
    monkeypatch.setattr(backups, "of_data", lambda service, url: iter([f"{service.name} {url}"]))
    monkeypatch.setenv("CARPORT_RESTORE_IMAGE", "postgresql:17.6")
    urls = {service.name: f"at {service.name}" for service in backups.SERVICES}
    lines = list(backups.restore(kubernetes.cloud(), urls, pause=lambda _s: None))
    assert lines[0] == "auth-db-restored: auth at auth" and len(lines) == 5
    assert set(kubernetes.clusters) == {"accounts-db"}
