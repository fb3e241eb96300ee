"""The command line for people: start everything, look after it, check it."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from carport.shared.db import Runtime

BAR = 30
SHOWN = 20
"""One customer of each kind; the demo has that many kinds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when all is well, 1 when not, 2 when it cannot be done."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not getattr(error, "code", None) and not isinstance(error, OSError):
            raise
        print(f"carport: {error}", file=sys.stderr)
        return 2


def make_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="carport", description="Vehicle-finance servicing.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    add("up", up, "Start the whole suite on PORT (8000), with demo data unless CARPORT_DEMO=0.")
    verify = add("verify", check, "Check every invariant over all databases; exit 1 if one fails.")
    verify.add_argument("--json", action="store_true", help="print the findings as JSON")
    events = add("events", events_command, "List, show or replay events that are not done.")
    events.add_argument("what", choices=["list", "show", "replay"])
    events.add_argument("id", nargs="?", help="the event's id, for show and replay")
    events.add_argument("--parked", action="store_true", help="only those given up on")
    events.add_argument("--json", action="store_true")
    keys = add("keys", keys_command, "Make the keys of all services.")
    keys.add_argument("what", choices=["init"])
    keys.add_argument("folder", type=Path)
    staff = add("staff", role("auth", "staff"), "Add or disable a member of staff.")
    staff.add_argument("rest", nargs=argparse.REMAINDER, metavar="ARGUMENT",
                       help="add NAME --scope SCOPE, or disable NAME")  # fmt: skip
    board = add("board", role("accounts", "board"), "Board contracts, one JSON object a line.")
    board.add_argument("rest", nargs=1, metavar="FILE", help="may be given again: done lines stay")
    clock = add("clock", clock_command, "Show or move the business date of a running sandbox.")
    clock.add_argument("date", nargs="?", help="YYYY-MM-DD; only forward")
    return parser


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
    from carport.allinone import demo, suite
    from carport.shared import telemetry

    with contextlib.redirect_stderr(home.log()):
        telemetry.configure("carport")
        running = suite.build(home.unlimited())
        running.start()
        with running.client() as http:
            loader = demo.Loader(http, show_progress)
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
        demo = http.get("/v1/sandbox/demo")
        credentials = demo.json() if demo.is_success else {"customers": [], "staff": []}
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


def check(options: argparse.Namespace) -> int:
    """Print what does not hold."""
    from carport.allinone import verify

    found = verify.findings(open_existing())
    if options.json:
        print(json.dumps({"ok": not found, "findings": found}, indent=2))
    else:
        print("\n".join(found) or "All invariants hold.")
    return 1 if found else 0


def events_command(options: argparse.Namespace) -> int:
    """The inboxes' unfinished events."""
    from carport.allinone import stuck

    if options.what != "list" and not options.id:
        print(f"carport: name the event: carport events {options.what} ID", file=sys.stderr)
        return 2
    return stuck.run(open_existing(), options)


def keys_command(options: argparse.Namespace) -> int:
    """Write the five files, mode 0600."""
    from carport.shared import sealed

    sealed.write_keys(options.folder)
    print(f"Wrote the keys of all services to {options.folder}.")
    return 0


def role(service: str, name: str) -> Callable[[argparse.Namespace], int]:
    """A role of a service's own command line, on the databases of CARPORT_HOME."""

    def run(options: argparse.Namespace) -> int:
        runtime = open_existing()[service]
        return int(runtime.service.commands[name](runtime, options.rest))

    return run


def clock_command(options: argparse.Namespace) -> int:
    """Ask the running suite."""
    import httpx2

    from carport.allinone import suite

    url = f"{suite.Home.from_environment().url}/v1/sandbox/clock"
    try:
        answer = (
            httpx2.put(url, json={"business_date": options.date}, trust_env=False)
            if options.date
            else httpx2.get(url, trust_env=False)
        )
    except httpx2.ConnectError:
        print(f"carport: nothing answers at {url}; start it with `carport up`.", file=sys.stderr)
        return 2
    print(json.dumps(answer.json(), indent=2))
    return 0 if answer.is_success else 1


def open_existing() -> dict[str, Runtime]:
    """The services' databases of CARPORT_HOME."""
    from carport.allinone import suite

    home = suite.Home.from_environment()
    home.require()
    return suite.open_runtimes(home)


if __name__ == "__main__":
    sys.exit(main())
