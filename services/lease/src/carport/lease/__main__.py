"""``python -m carport.lease web | worker | migrate | ...``."""

from __future__ import annotations

from carport.lease.service import SERVICE
from carport.shared.cli import main

if __name__ == "__main__":
    main(SERVICE)
