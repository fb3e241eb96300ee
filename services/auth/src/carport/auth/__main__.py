"""``python -m carport.auth web | worker | migrate | …``."""

from __future__ import annotations

from carport.auth.service import SERVICE
from carport.shared.cli import main

if __name__ == "__main__":
    raise SystemExit(main(SERVICE))
