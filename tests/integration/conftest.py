"""The servers of this lane are those of `support.fixtures`."""

from __future__ import annotations

from support.fixtures import (
    broker,
    database_url,
    era,
    own_broker,
    own_spine,
    own_valkey,
    postgres,
    server,
    spine,
    to_broker,
    to_database,
    valkey_url,
)

__all__ = [
    "broker",
    "database_url",
    "era",
    "own_broker",
    "own_spine",
    "own_valkey",
    "postgres",
    "server",
    "spine",
    "to_broker",
    "to_database",
    "valkey_url",
]
