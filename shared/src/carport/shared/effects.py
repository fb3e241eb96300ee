"""Calls to the outside world: claim (commit), call (no transaction), record (fenced).

What a call did is unknown until it is recorded; the provider's idempotency key, written by the
claim, makes asking again harmless.
"""

from __future__ import annotations

from carport.shared import failpoints, telemetry
from carport.shared.db import Runtime
from carport.shared.service import Effect

log = telemetry.logger("carport.effects")


def run_once(runtime: Runtime) -> int:
    """Run one claim of every kind of effect; how many calls were recorded."""
    return sum(_run(runtime, kind, effect) for kind, effect in runtime.service.effects.items())


def _run(runtime: Runtime, kind: str, effect: Effect) -> int:
    with runtime.transaction() as tx:
        rows = effect.claim(tx, runtime.clock())
    done = 0
    for row in rows:
        failpoints.hit(f"effect.{kind}.before_call")
        try:
            outcome = effect.call(row)
            failpoints.hit(f"effect.{kind}.after_call")
            with runtime.transaction() as tx:
                effect.record(tx, row, outcome, runtime.clock())
            done += 1
        except Exception:  # the claim runs out and the row is asked for again
            log.exception("effect failed", effect=kind)
    return done
