"""The venue's side of ``venue_child``: ``python -m grinder.bench.venue_process``.

It reads its configuration as a line of JSON (``symbols``, ``data``, ``speed``), answers with its
addresses, and then each further line with what it has used. The end of its input ends it. Rate
limits are lifted by configuration; nothing else differs from a user's venue.
"""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal

from grinder.bench.memory import resident_bytes
from grinder.bench.venue_child import KEY, SECRET
from grinder.venues.sim.config import AccountSeed, Limits, VenueConfig
from grinder.venues.sim.server import VenueServer

LIFTED = 1_000_000_000


def main() -> None:
    """Serve until the input ends."""
    wanted = json.loads(sys.stdin.readline())
    server = VenueServer(
        VenueConfig(
            symbols=tuple(wanted["symbols"]),
            data=tuple(wanted["data"]),
            speed=wanted["speed"],
            accounts=(AccountSeed(key=KEY, secret=SECRET, balance=Decimal(10_000_000)),),
            limits=Limits(weight_1m=LIFTED, orders_10s=LIFTED, orders_1m=LIFTED),
        )
    )
    rest, ws = server.start()
    _say({"rest": rest, "ws": ws})
    for _ in sys.stdin:
        _say({"resident_bytes": resident_bytes(), "cpu_s": time.process_time()})
    server.stop()


def _say(answer: dict[str, float | str]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
