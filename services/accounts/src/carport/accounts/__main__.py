"""``python -m carport.accounts web | worker | migrate | replay | verify | openapi``."""

from __future__ import annotations

import sys

from carport.accounts.service import SERVICE
from carport.shared.cli import main

if __name__ == "__main__":
    sys.exit(main(SERVICE))
