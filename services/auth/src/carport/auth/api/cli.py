"""``python -m carport.auth staff add | disable``: who of the lender's people may log in."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from typing import Any

from carport.auth import passwords
from carport.auth.api import ERRORS
from carport.auth.commands import staff
from carport.auth.commands.means import Means
from carport.auth.domain import password_policy
from carport.auth.tokens import Keys
from carport.shared.db import Runtime
from carport.shared.errors import NotFound
from carport.shared.sessions import connect

SAID: tuple[type[Exception], ...] = (*ERRORS, NotFound)


def staff_role(runtime: Runtime, arguments: list[str]) -> int:
    """Run ``staff``; 0, or 1 with a sentence on stderr for what was refused."""
    given = parser().parse_args(arguments)
    try:
        done = add(runtime, given) if given.action == "add" else disable(runtime, given)
    except SAID as refused:
        print(refused, file=sys.stderr)
        return 1
    print(json.dumps(done))
    return 0


def parser() -> argparse.ArgumentParser:
    """The arguments of ``staff``."""
    top = argparse.ArgumentParser(prog="python -m carport.auth staff")
    actions = top.add_subparsers(dest="action", required=True)
    adding = actions.add_parser("add", help="make a staff user; asks for the password")
    adding.add_argument("name", help="a user name or an e-mail address")
    adding.add_argument("--scope", action="append", choices=staff.SCOPES, required=True)
    disabling = actions.add_parser("disable", help="let a user in no more; ends all sessions")
    disabling.add_argument("name")
    return top


def add(runtime: Runtime, given: argparse.Namespace) -> dict[str, Any]:
    """A staff user with a password from the terminal, or from standard input when piped."""
    typed = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    password_policy.check(typed, names=[given.name])
    password_hash = passwords.hashed(typed)
    with runtime.transaction() as tx:
        user_id = staff.add(
            tx, given.name, password_hash=password_hash, scopes=given.scope, now=runtime.clock()
        )
    return {"id": user_id, "user_id": given.name, "scopes": staff.in_order(given.scope)}


def disable(runtime: Runtime, given: argparse.Namespace) -> dict[str, Any]:
    """Nobody logs in as that user any more."""
    keys, live = Keys.of(runtime.settings.keys), connect(runtime.settings.sessions)
    with runtime.transaction() as tx:
        staff.disable(tx, given.name, means=Means(keys, live=live, now=runtime.clock()))
    return {"user_id": given.name, "disabled": True}
