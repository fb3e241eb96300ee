"""Calls to the outside world: claim (commit), call (no transaction), record (fenced).

What a call did is unknown until it is recorded; the provider's idempotency key, written by the
claim, makes asking again harmless.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from carport.shared import failpoints, metrics, retry, telemetry
from carport.shared.db import Runtime
from carport.shared.service import Effect

log = telemetry.logger("carport.effects")


def run_once(runtime: Runtime) -> int:
    """Run one claim of every kind of effect; how many calls were recorded."""
    return sum(_run(runtime, kind, effect) for kind, effect in runtime.service.effects.items())


def _run(runtime: Runtime, kind: str, effect: Effect) -> int:
    rows = retry.retrying(partial(_claim, runtime, effect))
    return sum(_call(runtime, kind, effect, row) for row in rows)


def _call(runtime: Runtime, kind: str, effect: Effect, row: Any) -> bool:
    unit, outcome = runtime.service.name, "done"
    failpoints.hit(f"effect.{kind}.before_call")
    try:
        with telemetry.working(unit, f"effect {kind}", "CLIENT", getattr(row, "traceparent", None)):
            answer = effect.call(row)
            failpoints.hit(f"effect.{kind}.after_call")
            retry.retrying(partial(_record, runtime, effect, row, answer))
    except Exception:  # the claim runs out and the row is asked for again
        outcome = "failed"
        log.exception("effect failed", effect=kind)
    metrics.count("carport_effects_total", unit, kind, outcome)
    return outcome == "done"


def _claim(runtime: Runtime, effect: Effect) -> Any:
    with runtime.transaction() as tx:
        return effect.claim(tx, runtime.clock())


def _record(runtime: Runtime, effect: Effect, row: Any, answer: Any) -> None:
    with runtime.transaction() as tx:
        effect.record(tx, row, answer, runtime.clock())
