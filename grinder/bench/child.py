"""One measurement in this process: ``python -m grinder.bench.child NAME [--short]``."""

from __future__ import annotations

import json
import sys

from grinder.bench.table import find


def main(arguments: list[str]) -> int:
    """Measure what the first argument names and print what was found as JSON."""
    found = find(arguments[0]).run(is_short="--short" in arguments[1:])
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
