"""What routes take."""

from __future__ import annotations

from datetime import time
from typing import Any

from carport.shared.pagination import PageArgs
from carport.shared.schemas import wrong
from carport.shared.web import (
    ChoiceField,
    DayField,
    MoneyField,
    QueryFlagField,
    Schema,
    TextField,
)


class ClockTime(TextField):
    """``HH:MM``."""

    def _deserialize(self, value: Any, *more: Any, **named: Any) -> time:  # type: ignore[override]
        text = super()._deserialize(value, *more, **named)
        if int(text[:2]) > 23 or int(text[3:]) > 59:
            raise wrong("invalid_value", "A time of day is written HH:MM.")
        return time.fromisoformat(text)


class DryRun(Schema):
    """Query of boarding."""

    dry_run = QueryFlagField(load_default=False)


class Search(PageArgs):
    """Query of the search."""

    q = TextField(required=True, min=2, max=60)


class PreviewIn(Schema):
    """A payment to look at before it is made."""

    amount = MoneyField(required=True)
    effective_date = DayField(load_default=None)
    extra = ChoiceField("next_due", "principal", load_default=None)


class Override(Schema):
    """Why a held close may go on."""

    reason = TextField(required=True, min=10, max=500)


class ClockIn(Schema):
    """Where the clock is to go."""

    business_date = DayField(required=True)
    local_time = ClockTime(pattern="[0-9]{2}:[0-9]{2}", load_default=None)
