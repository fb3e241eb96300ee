"""A piece of a day is done by everybody who finds it due: no row says that it is done."""

from __future__ import annotations

from carport.shared import jobs

jobs.insert_if_absent = lambda *_, **__: True
