"""``python -m carport.notifications web | worker | migrate | ...``."""

from __future__ import annotations

from carport.notifications.service import SERVICE
from carport.shared.cli import main

if __name__ == "__main__":
    main(SERVICE)
