"""`carport events`: what is not done, what an event says, and doing it again."""

from __future__ import annotations

import argparse

from carport.allinone.stuck import listing, replaying, showing

RUN = {"list": listing.run, "show": showing.run, "replay": replaying.run}


class Unclear(Exception):
    """Options that do not say what is meant."""

    code = "unclear"


def run(options: argparse.Namespace) -> int:
    """0 when there was something to show or do, or nothing is wrong; 1 when not. Raises Unclear."""
    check(options)
    return RUN[options.what](options)


def check(options: argparse.Namespace) -> None:
    """Raises Unclear."""
    if options.what == "show" and not options.id:
        raise Unclear("name the event: carport events show ID")
    ways = (bool(options.id), options.parked, options.missing)
    if options.what == "replay" and sum(ways) != 1:
        raise Unclear("say what: carport events replay ID | --parked | --to SERVICE --missing")
    if options.missing != bool(options.to):
        raise Unclear("--missing needs --to SERVICE, and the other way round")
    for name in filter(None, (options.service, options.to)):
        if name not in listing.NAMES:
            raise Unclear(f"there is no service {name}: {', '.join(listing.NAMES)}")
