"""That a session has ended is known to the process that ended it, and to nobody else."""

from __future__ import annotations

from carport.shared.sessions import ValkeySessions

live = ValkeySessions.is_live


def ended_here(store):
    return store.__dict__.setdefault("ended_here", set())


ValkeySessions.end = lambda store, sid: ended_here(store).add(sid)
ValkeySessions.is_live = lambda store, sid, now: (
    sid not in ended_here(store) and live(store, sid, now)
)
