"""The command line for people: start everything, look after it, check it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from carport.allinone.options import make_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when all is well, 1 when not, 2 when it cannot be done."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not getattr(error, "code", None) and not isinstance(error, OSError):
            raise
        print(f"carport: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
