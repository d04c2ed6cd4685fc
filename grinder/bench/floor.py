"""The least that a tick can cost between a socket's thread, a thinking thread and a gateway.

The stages of the pipeline of pykka actors, and their messages, as plain calls one after the other
on one thread, and one hand-over of all placements to the thread that builds their bodies: as many
threads and hand-overs as the system has with its shared thread. It has no mailboxes, plans and
judges nothing, keeps nothing and hears nothing. No system that does any of that can be faster.
"""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue

from grinder.bench.bodies import Bodies
from grinder.bench.hops import STOP_TIMEOUT_S, quoted
from grinder.bench.stages import Names, Wishes, approved, featured, ticked
from grinder.messages.market import BookTicked
from grinder.messages.orders import Placement


class Floor:
    """Two threads, and the market that whoever measures plays to them."""

    def __init__(self, levels: int, step: int) -> None:
        self._bodies = Bodies(time.monotonic_ns)
        self._wishes = Wishes(levels, step)
        self._names = Names()
        self._ticks: SimpleQueue[BookTicked | None] = SimpleQueue()
        self._placements: SimpleQueue[tuple[Placement, ...] | None] = SimpleQueue()
        self._threads = (
            threading.Thread(target=self._think, name="floor-thinking", daemon=True),
            threading.Thread(target=self._build, name="floor-gateway", daemon=True),
        )

    @property
    def ready_ns(self) -> list[int]:
        """When each order body was ready, in order."""
        return self._bodies.ready_ns

    def start(self, home: int) -> None:
        """Start both and show them ``home``."""
        for thread in self._threads:
            thread.start()
        self.tick(home)

    def tick(self, bid_ticks: int) -> int:
        """Let the best bid be ``bid_ticks``; return when that was received."""
        now_ns = time.monotonic_ns()
        self._ticks.put(quoted(bid_ticks, now_ns))
        return now_ns

    def _think(self) -> None:
        proposed, placements = self._wishes.proposed, self._names.placements
        while (message := self._ticks.get()) is not None:
            wanted = tuple(placements(approved(proposed(featured(ticked(message))))))
            if wanted:
                self._placements.put(wanted)

    def _build(self) -> None:
        while (placements := self._placements.get()) is not None:
            for placement in placements:
                self._bodies.build(placement)

    def mark(self, ticks: int) -> None:
        """Have nothing that would listen."""

    def take_buys(self) -> None:
        """Have nothing that rests."""

    def stop(self) -> None:
        """End both."""
        self._ticks.put(None)
        self._placements.put(None)
        for thread in self._threads:
            thread.join(STOP_TIMEOUT_S)
