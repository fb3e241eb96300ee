"""No queue has to take a message: the broker confirms what it throws away."""

from __future__ import annotations

from carport.shared.amqp import topology

topology.is_expected = lambda type_: False
