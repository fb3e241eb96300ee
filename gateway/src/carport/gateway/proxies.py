"""Whose word about a client's address counts: proxies named by network or by host name.

A name stands for the addresses it has at the moment, so that a proxy in a container needs no fixed
one.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Sequence

NAME = re.compile(r"(?i)[a-z]([a-z0-9.-]*[a-z0-9])?")
KNOWN_S = 5.0
"""How long the addresses of the names are kept."""


class Proxies:
    """Raises ValueError for what is neither a network nor a host name."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        self._names = [each for each in trusted if NAME.fullmatch(each)]
        self._networks = [ipaddress.ip_network(each) for each in trusted if each not in self._names]
        self._addresses: frozenset[str] = frozenset()
        self._looked_at = -KNOWN_S

    def __contains__(self, peer: str) -> bool:
        address = ipaddress.ip_address(peer)
        return any(address in network for network in self._networks) or peer in self._named()

    def _named(self) -> frozenset[str]:
        now = time.monotonic()
        if self._names and now - self._looked_at > KNOWN_S:
            self._looked_at = now
            self._addresses = frozenset(each for name in self._names for each in addresses(name))
        return self._addresses


def addresses(name: str) -> set[str]:
    """What *name* resolves to; nothing while nobody knows it."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(name, None)}
    except OSError:
        return set()
