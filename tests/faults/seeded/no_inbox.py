"""Whatever is delivered is handled, whether or not it was before."""

from __future__ import annotations

from carport.shared import inbox

inbox.claim = lambda tx, events, now: list(events)
