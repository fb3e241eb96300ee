"""Who may reach whom, computed from the policies, is exactly what is meant: both ends agree."""

from __future__ import annotations

import copy
import itertools

import pytest
from support.manifests import SERVICES, matches, named, of_kind, template

STREAM = "notifications-stream"
WEBS = {*(f"{name}-web" for name in SERVICES), STREAM}
WORKERS = {f"{name}-worker" for name in SERVICES}
UNITS = {"gateway", "portal", *WEBS, *WORKERS}
DATABASES = {f"{name}-db" for name in SERVICES}
NAMESPACES = {
    "edge": {"carport-edge": "true"},
    "monitoring": {},
    "keda": {},
    "cnpg-system": {},
    "rabbitmq-system": {},
    "kube-system": {},
    "elsewhere": {},
}
OUTSIDE = "outside"

WANTED = {
    ("gateway", 8080): {"edge", "portal"},
    ("portal", 8080): {"gateway"},
    **{(web, 8080): {"gateway"} for web in WEBS},
    ("auth-web", 8080): {"gateway", *WEBS},
    ("valkey", 6379): {"gateway", "portal", *WEBS},
    ("broker", 5672): {"keda", *WORKERS},
    ("broker", 5671): {"keda", *WORKERS},
    ("broker", 15672): {"rabbitmq-system"},
    ("broker", 15671): {"rabbitmq-system"},
    ("broker", 15692): {"monitoring"},
    ("broker", 15691): {"monitoring"},
    ("broker", 4369): {"broker"},
    ("broker", 25672): {"broker"},
    **{(unit, 8081): {"monitoring"} for unit in UNITS},
    **{
        (f"{name}-db", 5432): {
            *(f"{name}-{role}" for role in ("web", "worker", "migrate", "db")),
            "verify",
        }
        for name in SERVICES
    },
    ("notifications-db", 5432): {
        *(f"notifications-{role}" for role in ("web", "stream", "worker", "migrate", "db")),
        "verify",
    },
    **{(db, 8000): {"cnpg-system", db} for db in DATABASES},
    **{(db, 9187): {"monitoring"} for db in DATABASES},
    ("monitoring", 4318): UNITS,
    (OUTSIDE, 443): {"backups", *DATABASES},
    (OUTSIDE, 6443): {"backups", *DATABASES},
}
"""(whom, port) -> by whom; nothing else of these parties and ports."""


def pods(objects):
    """name -> (namespace, labels) of every pod there is, and of those of other namespaces."""
    found = {
        each["metadata"]["name"]: ("carport", template(each)["metadata"]["labels"])
        for each in of_kind(objects, "Deployment", "Job", "CronJob")
        if each["metadata"]["namespace"] == "carport"
    }
    for each in of_kind(objects, "Cluster"):
        name = each["metadata"]["name"]
        labels = {"cnpg.io/cluster": name, "app.kubernetes.io/component": "database"}
        found[name] = ("carport", {**labels, "app.kubernetes.io/name": "postgresql"})
    of_broker = {"app.kubernetes.io/component": "rabbitmq", "app.kubernetes.io/name": "broker"}
    found["broker"] = ("carport", of_broker)
    dns = {"k8s-app": "kube-dns"}
    return found | {name: (name, dns if name == "kube-system" else {}) for name in NAMESPACES}


class Network:
    """What the policies of one namespace let through."""

    def __init__(self, objects, namespace="carport"):
        self.namespace = namespace
        self.pods = pods(objects)
        self.policies = [
            each["spec"]
            for each in of_kind(objects, "NetworkPolicy")
            if each["metadata"]["namespace"] == namespace
        ]

    def may_reach(self, source, target, port, protocol="TCP"):
        ways = (("Egress", source, target, "to"), ("Ingress", target, source, "from"))
        return all(self._lets(*way, port, protocol) for way in ways)

    def _lets(self, direction, own, other, word, port, protocol):
        if own == OUTSIDE or self.pods[own][0] != self.namespace:
            return True
        labels = self.pods[own][1]
        applied = [
            each
            for each in self.policies
            if direction in each["policyTypes"] and matches(each["podSelector"], labels)
        ]
        return not applied or any(
            self._names(rule.get(word), other) and has_port(rule, port, protocol)
            for each in applied
            for rule in each.get(direction.lower(), [])
        )

    def _names(self, peers, other):
        return peers is None or any(self._is(peer, other) for peer in peers)

    def _is(self, peer, other):
        if other == OUTSIDE:
            return "ipBlock" in peer
        if "ipBlock" in peer:
            return False
        namespace, labels = self.pods[other]
        if "namespaceSelector" in peer:
            its = {"kubernetes.io/metadata.name": namespace, **NAMESPACES.get(namespace, {})}
            if not matches(peer["namespaceSelector"], its):
                return False
        elif namespace != self.namespace:
            return False
        return matches(peer.get("podSelector", {}), labels)

    def table(self):
        """As WANTED."""
        ports = {port for _, port in WANTED}
        targets = [*self.pods, OUTSIDE]
        found = {}
        for target, port in itertools.product(targets, ports):
            if target in NAMESPACES and target != "monitoring":
                continue
            sources = {each for each in targets if self._counts(each, target, port)}
            if sources:
                found[target, port] = sources
        return found

    def _counts(self, source, target, port):
        """What neither begins nor ends with us is not ours to decide."""
        ours = {name for name, (namespace, _) in self.pods.items() if namespace == self.namespace}
        return bool({source, target} & ours) and self.may_reach(source, target, port)


def has_port(rule, port, protocol):
    ports = rule.get("ports")
    return ports is None or any(
        each["port"] == port and each.get("protocol", "TCP") == protocol for each in ports
    )


def test_everybody_reaches_whom_they_must_and_nobody_else(objects):
    assert Network(objects).table() == WANTED


def test_every_pod_asks_for_names_and_nothing_else_of_that_namespace(objects):
    network = Network(objects)
    ours = [name for name, (namespace, _) in network.pods.items() if namespace == "carport"]
    for name in ours:
        assert network.may_reach(name, "kube-system", 53, "UDP"), name
        assert not network.may_reach(name, "kube-system", 443), name


def test_a_pod_nobody_thought_of_reaches_nobody(objects):
    network = Network(objects)
    network.pods["new"] = ("carport", {"app.kubernetes.io/part-of": "carport"})
    parties = [*network.pods, OUTSIDE]
    for other, port in itertools.product(parties, {port for _, port in WANTED}):
        assert not network.may_reach("new", other, port) or other == "new"
        assert other == "new" or not network.may_reach(other, "new", port)


def test_the_restore_test_reaches_what_it_restored_and_not_the_databases_in_use(production):
    network = Network(production, "carport-restore")
    labels = {"app.kubernetes.io/name": "restore"}
    restored = {"cnpg.io/cluster": "accounts-db-restored"}
    network.pods |= {
        "restore": ("carport-restore", labels),
        "restored": ("carport-restore", restored),
    }
    assert network.may_reach("restore", "restored", 5432)
    assert network.may_reach("restore", OUTSIDE, 443) and network.may_reach(
        "restored", OUTSIDE, 443
    )
    assert not any(network.may_reach("restore", db, 5432) for db in DATABASES)
    assert not any(Network(production).pods[db][0] == "carport-restore" for db in DATABASES)


SINS = {
    "nobody": {"podSelector": {"matchLabels": {"no": "one"}}},
    "gateway": {"egress": []},
    "keys": {"ingress": []},
    "broker": {"ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 15692}]}]},
    "auth-db": {"ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 5432}]}]},
    "accounts-web": {"egress": [{}]},
    "accounts-worker": {"egress": []},
    "verify": {"egress": []},
}


@pytest.mark.parametrize("name", SINS)
def test_the_table_changes_with_every_policy(name, production):
    changed = copy.deepcopy(production)
    for each in of_kind(changed, "NetworkPolicy"):
        if each["metadata"]["name"] == name:
            each["spec"].update(SINS[name])
    assert Network(changed).table() != WANTED


def test_a_call_needs_the_consent_of_both_ends(production):
    changed = copy.deepcopy(production)
    everybody = {"from": [{"podSelector": {}}], "ports": [{"port": 8080}]}
    named(changed, "NetworkPolicy", "accounts-web")["spec"]["ingress"] = [everybody]
    assert Network(changed).table() == WANTED
