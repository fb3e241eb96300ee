"""Events: CloudEvents 1.0 in JSON, and the contract (schema, example, consumers) of each type."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from typing import Any

from carport.shared import telemetry
from carport.shared.errors import MalformedEvent
from carport.shared.kernel.ids import new_id

CONTENT_TYPE = "application/cloudevents+json"
NAME = re.compile(r"[!-~]{1,255}")
NOT_AN_EVENT = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)
"""What reading a body may end in; the last for a time that does not exist in UTC."""
EXTENSIONS = ("correlationid", "causationid", "traceparent")


@dataclass(frozen=True)
class Event:
    """One fact. *subject* is the account's id where there is one, else the id of the thing."""

    id: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]
    businessdate: date | None = None
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None

    @property
    def source(self) -> str:
        """The service that said it: the first part of the type."""
        return self.type.split(".", 1)[0]

    def to_json(self) -> str:
        """The event as structured CloudEvents JSON."""
        day, time = self.businessdate, self.time.isoformat().replace("+00:00", "Z")
        attributes = {
            "specversion": "1.0", "id": self.id, "type": self.type,
            "source": f"/carport/{self.source}", "subject": self.subject, "time": time,
            "datacontenttype": "application/json", "businessdate": day.isoformat() if day else None,
            **{name: getattr(self, name) for name in EXTENSIONS},
        }  # fmt: skip
        present = {name: value for name, value in attributes.items() if value is not None}
        return json.dumps({**present, "data": self.data}, ensure_ascii=False)

    @staticmethod
    def from_json(body: str | bytes) -> Event:
        """The event in *body*. Raises MalformedEvent for what is no CloudEvent of ours."""
        try:
            raw = json.loads((body.encode() if isinstance(body, str) else body).decode())
            day = raw.get("businessdate")
            return Event(
                id=name(raw["id"]),
                type=name(raw["type"]),
                subject=name(raw["subject"]),
                time=datetime.fromisoformat(raw["time"]).astimezone(UTC),
                data=dict(raw["data"]),
                businessdate=date.fromisoformat(day) if day else None,
                **{name: raw.get(name) for name in EXTENSIONS},
            )
        except NOT_AN_EVENT as error:
            raise MalformedEvent(f"not a CloudEvent: {type(error).__name__}") from error


def name(value: Any) -> str:
    """*value*, which identifies something. Raises ValueError for what no database would take."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError("an identifier is one to 255 visible ASCII characters")
    return value


def make(
    type_: str,
    *,
    subject: str,
    data: dict[str, Any],
    now: datetime,
    businessdate: date | None = None,
) -> Event:
    """A new event, correlated with the request or the event that is being handled."""
    bound = telemetry.context().get
    return Event(
        id=new_id(now), type=type_, subject=subject, time=now, data=data, businessdate=businessdate,
        correlationid=bound("correlation_id"), causationid=bound("causation_id"),
        traceparent=bound("traceparent"),
    )  # fmt: skip


@cache
def contract(type_: str) -> dict[str, Any]:
    """``{type, producer, consumers, personal_data, description, schema, example}`` of a type.

    Raises FileNotFoundError for a type without a contract.
    """
    path = resources.files("carport.shared").joinpath("contracts", f"{type_}.json")
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def contracts() -> list[str]:
    """Every type that has a contract, sorted."""
    folder = resources.files("carport.shared").joinpath("contracts")
    return sorted(p.name.removesuffix(".json") for p in folder.iterdir() if p.name.endswith("json"))
