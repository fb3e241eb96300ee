"""Cents are rounded as floating-point numbers."""

from __future__ import annotations

import math

from carport.shared.kernel import money

money.round_half_up = lambda value: int(math.copysign(math.floor(abs(float(value)) + 0.5), value))
