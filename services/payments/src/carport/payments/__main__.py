"""``python -m carport.payments web | worker | migrate | replay | verify | openapi``."""

from __future__ import annotations

from carport.payments.service import SERVICE
from carport.shared.cli import main

if __name__ == "__main__":
    main(SERVICE)
