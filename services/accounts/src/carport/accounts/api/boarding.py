"""The boarding document: who and what is checked here, the terms by the domain.

The same document is one line of the file that ``board FILE`` reads.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields

from carport.accounts.commands import board as boarding
from carport.accounts.domain.terms import TERM_MEMBERS
from carport.shared.body import parse
from carport.shared.db import Runtime
from carport.shared.errors import Conflict, Invalid, Problem
from carport.shared.retry import retrying
from carport.shared.schemas import refusal
from carport.shared.web import ChoiceField, DayField, IntField, ListField, Schema, TextField

LINE_BYTES_MAX = 64 * 1024
CUSTOMERS_MAX = 6
OWN = ("account_number", "state", "vehicle", "customers")
"""Members a contract needs beside its terms; the calculator does without."""
TERM_NAMES = sorted(frozenset().union(*TERM_MEMBERS.values()))


class Address(Schema):
    """Where a customer lives."""

    line1 = TextField(required=True, max=100)
    line2 = TextField(max=100, load_default=None, allow_none=True)
    city = TextField(required=True, max=60)
    state = TextField(required=True, min=2, max=2, pattern="[A-Z]{2}")
    zip = TextField(required=True, max=10, pattern="[0-9]{5}(-[0-9]{4})?")


class Customer(Schema):
    """Somebody on the contract."""

    role = ChoiceField("primary", "co_borrower", required=True)
    customer_number = TextField(max=40, load_default=None, allow_none=True, nfc=True)
    first_name = TextField(required=True, max=60)
    last_name = TextField(required=True, max=60)
    email = TextField(
        required=True, max=254, pattern=r"[^@\s\"<>]+@[^@\s\"<>\[\]]+\.[A-Za-z]{2,}",
        code="invalid_email",
    )  # fmt: skip
    phone = TextField(
        max=16, pattern=r"\+[1-9][0-9]{6,14}", code="invalid_phone", load_default=None,
        allow_none=True,
    )  # fmt: skip
    birth_date = DayField(required=True)
    ssn_last4 = TextField(required=True, min=4, max=4, pattern="[0-9]{4}")
    language = TextField(max=2, min=2, pattern="[a-z]{2}", load_default="en")
    address = fields.Nested(Address, required=True)


class Vehicle(Schema):
    """What was financed."""

    vin = TextField(required=True, min=11, max=17, pattern="[A-Z0-9]{11,17}")
    year = IntField(required=True, min=1900, max=2100)
    make = TextField(required=True, max=40)
    model = TextField(required=True, max=40)
    trim = TextField(max=40, load_default="")
    odometer = IntField(min=0, max=2_000_000, load_default=0)


class Boarding(
    Schema.from_dict(  # type: ignore[misc]
        {name: fields.Raw(metadata={"description": "A term; see docs/ledger.md"})
         for name in TERM_NAMES},
        name="BoardingTerms",
    )
):  # fmt: skip
    """A contract to be boarded: its terms, its people, its vehicle."""

    account_number = TextField(min=4, max=20, pattern="[A-Z0-9-]+")
    state = TextField(min=2, max=2, pattern="[A-Z]{2}")
    vehicle = fields.Nested(Vehicle)
    customers = ListField(fields.Nested(Customer), min=1, max=CUSTOMERS_MAX)


def complete(document: Mapping[str, Any]) -> None:
    """Raises Invalid when a member is missing that is no term."""
    missing = [
        {"pointer": f"/{name}", "code": "required", "detail": "This member is required."}
        for name in OWN
        if name not in document
    ]
    if missing:
        detail = f"{missing[0]['pointer']}: this member is required. Nothing was boarded."
        raise Invalid("required", detail, errors=missing)


def board_file(runtime: Runtime, arguments: list[str]) -> int:
    """``board FILE``: one contract a line. What is on the books already is passed by, so that an
    interrupted file can be given again; status 1 when a line was refused."""
    if len(arguments) != 1:
        print("usage: board FILE (one JSON object a line)", file=sys.stderr)  # noqa: T201
        return 2
    refused = 0
    for number, line in lines(Path(arguments[0])):
        answer = board_line(runtime, line)
        refused += answer["status"] == "refused"
        print(json.dumps({"line": number, **answer}))  # noqa: T201
    return 1 if refused else 0


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of *path* that are not blank, with their numbers."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


def board_line(runtime: Runtime, line: str) -> dict[str, Any]:
    """Board one contract in a transaction of its own; what came of it."""
    try:
        document = Boarding().load(parse(line.strip().encode()))
        complete(document)
        boarded = retrying(lambda: board_once(runtime, document))
    except ValidationError as error:
        problem = refusal(error, "json")
        return {"status": "refused", "detail": str(problem), "errors": problem.errors}
    except Conflict as known:
        return {"status": "known", "detail": str(known)}
    except Problem as problem:
        return {"status": "refused", "detail": str(problem), "errors": problem.errors}
    return {"status": "boarded", "id": boarded["id"]}


def board_once(runtime: Runtime, document: dict[str, Any]) -> dict[str, Any]:
    """Board one contract."""
    with runtime.transaction() as tx:
        return boarding.board(tx, document, now=runtime.clock())
