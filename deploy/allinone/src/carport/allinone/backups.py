"""Whether the databases have backups and whether those can be restored: asked of Kubernetes, where
CloudNativePG makes them.

``check`` reads what the operator says of each. ``restore`` lets it make a cluster of each backup,
in a namespace of its own, has the checks of ``verify`` look at it, and throws it away.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from string import Template
from typing import Any

import httpx2
import sqlalchemy as sa

from carport.allinone import databases, verify
from carport.allinone.suite import SERVICES
from carport.shared.checks import GRACE
from carport.shared.inbox import inbox
from carport.shared.kernel.clock import utc_now
from carport.shared.service import Service

FRESH = timedelta(hours=26)
"""There is one a night, and every day events arrive at every service."""
SERVER = "https://kubernetes.default.svc"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
RESTORED = Path("/etc/carport/cluster.json")
HEALTHY = "Cluster in healthy state"
POLL_S = 10.0
POLLS_MAX = 540
CALL_S = 30.0

Thing = Mapping[str, Any]


class Refused(Exception):
    """Kubernetes does not answer, or not with what was asked for."""

    code = "kubernetes_refused"


@dataclass(frozen=True)
class Cloud:
    """CloudNativePG's objects in one namespace."""

    http: httpx2.Client
    namespace: str
    account: Path = ACCOUNT

    @staticmethod
    def of_this_pod() -> Cloud:
        """As the account of this pod, in its namespace."""
        try:
            trusted = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
            namespace = (ACCOUNT / "namespace").read_text()
        except OSError as error:
            raise Refused("This runs in a pod with an account of the cluster.") from error
        http = httpx2.Client(base_url=SERVER, verify=trusted, timeout=CALL_S, trust_env=False)
        return Cloud(http, namespace)

    def all(self, kind: str) -> list[Thing]:
        """Every object of a *kind* (in the plural)."""
        items: list[Thing] = self._ask("GET", kind).json()["items"]
        return items

    def cluster(self, name: str) -> Thing | None:
        """The cluster, or None."""
        answer = self._ask("GET", f"clusters/{name}")
        return None if answer.status_code == 404 else dict(answer.json())

    def make(self, cluster: Thing) -> None:
        """Have a cluster made."""
        self._ask("POST", "clusters", cluster)

    def drop(self, name: str) -> None:
        """Have it thrown away with its data; one that is not there is fine."""
        self._ask("DELETE", f"clusters/{name}")

    def _ask(self, method: str, path: str, body: Thing | None = None) -> httpx2.Response:
        url = f"/apis/postgresql.cnpg.io/v1/namespaces/{self.namespace}/{path}"
        # Read again each time: it is replaced within the hour.
        headers = {"Authorization": f"Bearer {(self.account / 'token').read_text()}"}
        try:
            answer = self.http.request(method, url, json=body, headers=headers)
        except httpx2.HTTPError as error:
            raise Refused(f"Kubernetes does not answer: {type(error).__name__}") from error
        if not answer.is_success and (answer.status_code != 404 or method == "POST"):
            told = answer.text[:300]
            raise Refused(f"{method} {path}: Kubernetes says {answer.status_code}: {told}")
        return answer


def check(cloud: Cloud, now: datetime) -> Iterator[str]:
    """What is wrong with the backups, one sentence each."""
    backups, clusters = cloud.all("backups"), cloud.all("clusters")
    for cluster in clusters:
        name = cluster["metadata"]["name"]
        own = [each for each in backups if each["spec"]["cluster"]["name"] == name]
        yield from (f"{name}: {line}" for line in of_cluster(cluster, own, now))
    if not clusters:
        yield "There are no databases in this namespace."


def of_cluster(cluster: Thing, backups: list[Thing], now: datetime) -> Iterator[str]:
    """What is wrong with those of one database."""
    done = [moment(b["status"]["stoppedAt"]) for b in backups if phase(b) == "completed"]
    newest = max(done, default=None)
    if newest is None:
        yield "there is no backup."
    elif now - newest > FRESH:
        yield f"the newest backup is of {newest.isoformat()}."
    for each in backups:
        is_later = newest is None or moment(each["metadata"]["creationTimestamp"]) > newest
        if phase(each) == "failed" and is_later:
            reason = each["status"].get("error", "no reason given")
            yield f"{each['metadata']['name']} failed: {reason}"
    told = cluster.get("status", {}).get("conditions", [])
    if {each["type"]: each["status"] for each in told}.get("ContinuousArchiving") != "True":
        yield "its log is not being archived."


def phase(backup: Thing) -> str:
    """How far a backup is."""
    return str(backup.get("status", {}).get("phase", ""))


def moment(text: str) -> datetime:
    """An instant as Kubernetes writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def restore(
    cloud: Cloud, urls: Mapping[str, str], *, pause: Callable[[float], None] = time.sleep
) -> Iterator[str]:
    """Restore every service's backup, one after the other; what is wrong with them."""
    template = Template(RESTORED.read_text(encoding="utf-8"))
    image = os.environ["CARPORT_RESTORE_IMAGE"]
    for service in SERVICES:
        made = json.loads(template.substitute(service=service.name, image=image))
        name = made["metadata"]["name"]
        for line in restored(cloud, made, partial(of_data, service, urls[service.name]), pause):
            yield f"{name}: {line}"


def restored(
    cloud: Cloud, made: Thing, look: Callable[[], Iterator[str]], pause: Callable[[float], None]
) -> Iterator[str]:
    """Make a cluster, *look* at it and drop it, as one that a killed run left."""
    name = made["metadata"]["name"]
    cloud.drop(name)
    if not waited(lambda: cloud.cluster(name) is None, pause):
        yield "what an earlier run left does not go away."
        return
    cloud.make(made)
    try:
        if waited(
            lambda: (cloud.cluster(name) or {}).get("status", {}).get("phase") == HEALTHY, pause
        ):
            yield from look()
        else:
            state = (cloud.cluster(name) or {}).get("status", {}).get("phase", "unknown")
            yield f"it was not restored in time; its state is: {state}"
    finally:
        cloud.drop(name)


def waited(is_so: Callable[[], bool], pause: Callable[[float], None]) -> bool:
    """Whether it came to be so, asked again and again."""
    for _ in range(POLLS_MAX):
        if is_so():
            return True
        pause(POLL_S)
    return is_so()


def of_data(service: Service, url: str) -> Iterator[str]:
    """What is wrong with the data of a restored database."""
    restored = databases.runtime(service, url)
    before = utc_now() - GRACE
    with databases.snapshot({service.name: restored}) as tx:
        newest = tx[service.name].execute(sa.select(sa.func.max(inbox.c.received_at))).scalar()
        if newest is None or utc_now() - newest > FRESH:
            yield f"its newest event is of {newest}: what came later was not restored."
        for unit, each in verify.planned():
            if unit == service.name:
                for found in each.findings(tx[unit], before):
                    yield f"{found.invariant}: {found.detail}"
    restored.engine.dispose()


def run(options: argparse.Namespace) -> int:
    """Print what is wrong; 1 if anything is."""
    cloud = Cloud.of_this_pod()
    is_check = options.what == "check"
    found = 0
    for line in check(cloud, utc_now()) if is_check else restore(cloud, databases.named()):
        print(line, flush=True)
        found += 1
    if not found:
        print("Every database has a fresh backup." if is_check else "Every backup can be restored.")
    return 1 if found else 0
