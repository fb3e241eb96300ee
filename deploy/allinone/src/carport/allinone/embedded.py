"""Commands on the data folder of this machine: start everything, look after it."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from carport.shared.db import Runtime

BAR = 30
SHOWN = 20
"""One customer of each kind; the demo has that many kinds."""


def up(_options: argparse.Namespace) -> int:
    """Load the demo if it is wanted and not there, then serve until stopped."""
    from carport.allinone import locking, server, suite

    home = suite.Home.from_environment()
    server.check_port(home.port)
    home.prepare()
    locking.own(home.folder)
    if home.has_demo:
        load_demo(home)
    print("Starting …", flush=True)
    server.Server(home, greet).run()
    return 0


def load_demo(home: Any) -> None:
    """Replay the demo in this process, before the port is bound."""
    from carport.allinone import suite
    from carport.allinone.demo import Loader
    from carport.shared import telemetry

    with contextlib.redirect_stderr(home.log()):
        telemetry.configure("carport")
        running = suite.build(home.unlimited())
        running.start()
        with running.client() as http:
            loader = Loader(http, show_progress)
            if not loader.is_complete():
                print("Loading the demo lender: 36 contracts, six months, day by day.", flush=True)
                loader.run()
                print(flush=True)
        running.stop()


def show_progress(what: str, done: float) -> None:
    """One line that grows."""
    filled = round(BAR * done)
    end = "\r" if sys.stdout.isatty() else "\n"
    print(f"  [{'=' * filled}{' ' * (BAR - filled)}] {what}", end=end, flush=True)


def greet(running: Any) -> None:
    """Where to go and how to get in."""
    with running.client() as http:
        loaded = http.get("/v1/sandbox/demo")
        credentials = loaded.json() if loaded.is_success else {"customers": [], "staff": []}
        clock = http.get("/v1/sandbox/clock").json()
    print(greeting(running.home, credentials, clock["business_date"]), flush=True)


def greeting(home: Any, credentials: Mapping[str, Any], business_date: Any) -> str:
    """What is printed once the first page can be served."""
    lines = ["", f"Carport is running at {home.url}   (business date {business_date})", ""]
    different = {person["note"]: person for person in reversed(credentials["customers"])}
    shown = [p for p in credentials["customers"] if p in different.values()][:SHOWN]
    for person in [*shown, *credentials["staff"]]:
        note = person.get("note") or "staff: " + ", ".join(person["scopes"])
        lines.append(f"  {person['user_id']:<34}{person['password']:<28}{note}")
    if credentials["customers"]:
        more = len(credentials["customers"]) - len(shown)
        lines.append(f"  … and {more} more customers: {home.url}/sandbox/people")
    lines += ["", f"  API        {home.url}/docs", f"  Mailbox    {home.url}/sandbox/mailbox",
              f"  Data       {home.folder}", "  Stop with Ctrl-C.", ""]  # fmt: skip
    return "\n".join(lines)


def keys(options: argparse.Namespace) -> int:
    """Write the five files, mode 0600."""
    from carport.shared import sealed

    sealed.write_keys(options.folder)
    print(f"Wrote the keys of all services to {options.folder}.")
    return 0


def demo(options: argparse.Namespace) -> int:
    """Load the demo through the public API."""
    from carport.allinone import remote

    return remote.load_demo(options, show_progress)


def board(options: argparse.Namespace) -> int:
    """Through the public API of the installation that is named, else into CARPORT_HOME."""
    from carport.allinone import remote

    if remote.named(options):
        return remote.board(options)
    return role("accounts", "board", [str(options.file)])


def staff(options: argparse.Namespace) -> int:
    """Add or disable somebody in CARPORT_HOME."""
    return role("auth", "staff", options.rest)


def role(service: str, name: str, arguments: Sequence[str]) -> int:
    """A role of a service's own command line, on the databases of CARPORT_HOME."""
    from carport.allinone import databases

    if databases.is_distributed():
        raise databases.Unusable(f"this needs to write: run `{name}` in the image of {service}.")
    runtime = open_existing()[service]
    return int(runtime.service.commands[name](runtime, arguments))


def open_existing() -> dict[str, Runtime]:
    """The services' databases of CARPORT_HOME."""
    from carport.allinone import suite

    home = suite.Home.from_environment()
    home.require()
    return suite.open_runtimes(home)
