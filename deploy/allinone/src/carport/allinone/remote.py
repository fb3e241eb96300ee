"""Commands that work through the public API of a running installation, like any other client."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
from environs import FileAwareEnv

from carport.allinone import demo
from carport.allinone.demo import bearer, key_of
from carport.allinone.suite import Home

TIMEOUT_S = 30.0
KNOWN = "account_exists"
Token = Callable[[bool], str]
"""Answers a staff token; with True another one, as the last is not accepted any more."""


class Unreachable(Exception):
    """Nothing answers at the address, or not as a gateway of Carport does."""

    code = "unreachable"


class NoToken(Exception):
    """A command for staff, and nobody said who asks."""

    code = "no_token"


def named(options: argparse.Namespace) -> str | None:
    """The gateway's address where one is named."""
    return options.url or os.environ.get("CARPORT_GATEWAY_URL") or None


def client(options: argparse.Namespace) -> httpx2.Client:
    """A client of the gateway that is named, or of the suite on this machine."""
    url = named(options) or Home.from_environment().url
    return httpx2.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False)


def ask(http: httpx2.Client, method: str, path: str, **more: Any) -> httpx2.Response:
    """The answer of the installation. Raises Unreachable."""
    try:
        return http.request(method, path, **more)
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        raise Unreachable(
            f"nothing answers at {http.base_url} ({type(error).__name__}); is it running? "
            "--url or CARPORT_GATEWAY_URL names another one."
        ) from error


def clock(options: argparse.Namespace) -> int:
    """Show or move the business date."""
    with client(options) as http:
        body = {"business_date": options.date}
        path = "/v1/sandbox/clock"
        answer = ask(http, "PUT", path, json=body) if options.date else ask(http, "GET", path)
    print(json.dumps(problem(answer), indent=2))
    return 0 if answer.is_success else 1


def load_demo(options: argparse.Namespace, progress: demo.Progress) -> int:
    """Replay the demo against a running sandbox; goes on where an interrupted load stopped."""
    with client(options) as http:
        ask(http, "GET", "/v1/sandbox/clock")
        loader = demo.Loader(http, progress)
        try:
            if not loader.is_complete():
                loader.run()
        except httpx2.TransportError as error:
            detail = f"{http.base_url} stopped answering ({type(error).__name__})"
            raise Unreachable(f"{detail}; start the demo again, it goes on.") from error
    print("\nThe demo is loaded; its names and passwords are on the page /sandbox/people.")
    return 0


def board(options: argparse.Namespace) -> int:
    """One contract a line, each in a request of its own; 1 when a line was refused."""
    refused = 0
    with client(options) as http:
        token = staff_token(http)
        for number, document in lines(options.file):
            told = board_one(http, token, document)
            refused += told["status"] == "refused"
            print(json.dumps({"line": number, **told}), flush=True)
    return 1 if refused else 0


def lines(path: Path) -> Iterator[tuple[int, Any]]:
    """The lines of *path* that are not blank, with their numbers. Raises demo.DemoFailed."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line.strip()


def board_one(http: httpx2.Client, token: Token, line: str) -> dict[str, Any]:
    """Board one contract; what came of it. A line given again is known."""
    for is_again in (False, True):
        headers = {**bearer(token(is_again)), "Content-Type": "application/json",
                   "Idempotency-Key": key_of(line)}  # fmt: skip
        answer = ask(http, "POST", "/v1/staff/accounts", content=line.encode(), headers=headers)
        if answer.status_code != 401:
            break
    told = problem(answer)
    if answer.status_code == 201:
        was_known = "Idempotency-Replayed" in answer.headers
        return {"status": "known" if was_known else "boarded", "id": told["id"]}
    if answer.status_code in (401, 403) or answer.status_code >= 500:
        raise Unreachable(f"{answer.status_code}: {told.get('detail')} Lines already boarded stay.")
    status = "known" if told.get("code") == KNOWN else "refused"
    return {"status": status, "detail": told.get("detail"), "errors": told.get("errors", [])}


def staff_token(http: httpx2.Client) -> Token:
    """The token of CARPORT_TOKEN (or _FILE); else of the member of staff who is asked for name and
    password on the terminal. Raises NoToken."""
    given = FileAwareEnv(prefix="CARPORT_", strip_whitespace=True).str("TOKEN", None)
    if given:
        return lambda _again: str(given)
    if not sys.stdin.isatty():
        raise NoToken("set CARPORT_TOKEN or CARPORT_TOKEN_FILE to a token of staff.")
    print(f"Log in to {http.base_url} as staff.", file=sys.stderr)
    print("User name: ", end="", file=sys.stderr, flush=True)
    asked = {"user_id": sys.stdin.readline().strip(), "password": getpass.getpass()}
    held: list[str] = []

    def token(again: bool) -> str:
        if again or not held:
            answer = ask(http, "POST", "/v1/auth/tokens", json={"grant": "password", **asked})
            if not answer.is_success:
                raise NoToken(str(problem(answer).get("detail")))
            held[:] = [answer.json()["access_token"]]
        return held[0]

    return token


def problem(answer: httpx2.Response) -> dict[str, Any]:
    """The JSON of an answer. Raises Unreachable for one that is none."""
    try:
        return dict(answer.json())
    except ValueError:
        detail = f"{answer.request.url} answered {answer.status_code} and no JSON"
        raise Unreachable(f"{detail}: is that a gateway of Carport?") from None
