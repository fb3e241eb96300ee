"""The commands of `carport` and their options. What runs them is imported when it runs."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path

Run = Callable[[argparse.Namespace], int]
STATES = {
    "parked": "given up on after five attempts",
    "retrying": "failed, to be tried again",
    "waiting": "waiting for another event or day",
    "unsent": "still in the outbox",
}


def make_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="carport", description="Vehicle-finance servicing.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=lazily(run))
        return command

    add("up", "embedded:up", "Start the whole suite on PORT (8000), with the demo unless "
        "CARPORT_DEMO=0.")  # fmt: skip
    verify(add("verify", "verify.command:run", "Check every invariant over all databases; exit 1 "
               "if one does not hold, 2 if that could not be found out."))  # fmt: skip
    events(add("events", "stuck:run", "List, show or replay events."))
    close = add("close-status", "close_status:run", "Where the close of the business day stands.")
    close.add_argument("--json", action="store_true", help="one line of JSON")
    backups = add("backups", "backups:run", "On Kubernetes: whether the backups are fresh, or "
                  "can be restored.")  # fmt: skip
    backups.add_argument("what", choices=["check", "restore"])
    keys = add("keys", "embedded:keys", "Make the keys of all services.")
    keys.add_argument("what", choices=["init"])
    keys.add_argument("folder", type=Path)
    staff = add("staff", "embedded:staff", "Add or disable a member of staff (embedded).")
    staff.add_argument("rest", nargs=argparse.REMAINDER, metavar="ARGUMENT",
                       help="add NAME --scope SCOPE, or disable NAME")  # fmt: skip
    board = add("board", "embedded:board", "Board contracts, one JSON object a line.")
    board.add_argument("file", type=Path, metavar="FILE", help="may be given again")
    clock = add("clock", "remote:clock", "Show or move the business date of a running sandbox.")
    clock.add_argument("date", nargs="?", help="YYYY-MM-DD; only forward")
    demo = add("demo", "embedded:demo", "Load the demo into a running sandbox that is empty.")
    for each in (board, clock, demo):
        each.add_argument(
            "--url", help="of the gateway; else CARPORT_GATEWAY_URL, else this machine"
        )
    return parser


def verify(parser: argparse.ArgumentParser) -> None:
    """The options of ``verify``."""
    parser.add_argument("--json", action="store_true", help="one line of JSON on standard output")
    parser.add_argument("--only", action="append", default=[], metavar="I-nn",
                        help="check only this invariant; may be given again")  # fmt: skip
    parser.add_argument("--grace", type=int, metavar="SECONDS",
                        help="what is younger may still be on its way (60)")  # fmt: skip


def events(parser: argparse.ArgumentParser) -> None:
    """The options of ``events``."""
    parser.add_argument("what", choices=["list", "show", "replay"])
    parser.add_argument("id", nargs="?", help="the event's id, for show and replay")
    for state, text in STATES.items():
        parser.add_argument(f"--{state}", action="store_true", help=text)
    parser.add_argument("--service", metavar="S", help="only this service's outbox and inbox")
    parser.add_argument("--reveal", action="store_true", help="show: personal data in clear")
    parser.add_argument("--to", metavar="S", help="replay --missing: who lacks the events")
    again = "replay: send again what was sent and is not in that inbox"
    parser.add_argument("--missing", action="store_true", help=again)
    parser.add_argument("--json", action="store_true", help="list: as JSON")


def lazily(place: str) -> Run:
    """The function at ``module:name``, imported when it is called."""
    module, _, name = place.partition(":")

    def run(options: argparse.Namespace) -> int:
        found: Run = getattr(importlib.import_module(f"carport.allinone.{module}"), name)
        return found(options)

    return run
