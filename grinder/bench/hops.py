"""Six bare pykka actors in a row, each on its own thread: what a hop for each stage costs.

Every tick crosses all six as a new frozen message at each hop. A tick that calls for a ladder
becomes as many placements at the fifth stage, and the sixth builds their bodies, as the gateway of
the real system does. There is no order life, no timer and no supervision.
"""

from __future__ import annotations

import time
from typing import Any

import pykka

from grinder.bench.bodies import Bodies
from grinder.bench.quotes import DISPLAYED_LOTS, SYMBOL
from grinder.bench.stages import Names, Wishes, approved, featured, ticked
from grinder.messages.market import BookTicked
from grinder.messages.orders import Placement

STOP_TIMEOUT_S = 5.0


class Stage(pykka.ThreadingActor):
    """Hands what it makes of a message to the next one."""

    def __init__(self, following: pykka.ActorRef[Any], turned: Any) -> None:
        super().__init__()
        self._following = following
        self._turned = turned

    def on_receive(self, message: Any) -> None:
        """Make the next message and hand it on."""
        self._following.tell(self._turned(message))


class Router(Stage):
    """Fifth stage: one command for each wish."""

    def on_receive(self, message: Any) -> None:
        """Name each placement and hand it on; a tick without any is handed on as such."""
        tell = self._following.tell
        if not message.wishes:
            tell(None)
        for placement in self._turned(message):
            tell(placement)


class Gateway(pykka.ThreadingActor):
    """Sixth stage: builds the bodies."""

    def __init__(self, bodies: Bodies) -> None:
        super().__init__()
        self._bodies = bodies

    def on_receive(self, message: Placement | None) -> None:
        """Build one."""
        if message is not None:
            self._bodies.build(message)


class HopPipeline:
    """The six, and the market that whoever measures plays to them."""

    def __init__(self, levels: int, step: int) -> None:
        self._bodies = Bodies(time.monotonic_ns)
        self._levels = levels
        self._step = step
        self._refs: list[pykka.ActorRef[Any]] = []

    @property
    def ready_ns(self) -> list[int]:
        """When each order body was ready, in order."""
        return self._bodies.ready_ns

    def start(self, home: int) -> None:
        """Start the actors, last one first, and show them ``home``."""
        gateway = Gateway.start(self._bodies)
        router = Router.start(gateway, Names().placements)
        risk = Stage.start(router, approved)
        policy = Stage.start(risk, Wishes(self._levels, self._step).proposed)
        feature = Stage.start(policy, featured)
        self._refs = [Stage.start(feature, ticked), feature, policy, risk, router, gateway]
        self.tick(home)

    def tick(self, bid_ticks: int) -> int:
        """Let the best bid be ``bid_ticks``; return when that was received."""
        now_ns = time.monotonic_ns()
        self._refs[0].tell(quoted(bid_ticks, now_ns))
        return now_ns

    def mark(self, ticks: int) -> None:
        """Have nothing that would listen."""

    def take_buys(self) -> None:
        """Have nothing that rests."""

    def stop(self) -> None:
        """End the actors, first one first."""
        for ref in self._refs:
            ref.stop(timeout=STOP_TIMEOUT_S)


def quoted(bid_ticks: int, now_ns: int) -> BookTicked:
    """Return a quote with this best bid, received now."""
    return BookTicked(
        symbol=SYMBOL,
        bid_ticks=bid_ticks,
        bid_lots=DISPLAYED_LOTS,
        ask_ticks=bid_ticks + 1,
        ask_lots=DISPLAYED_LOTS,
        update_id=now_ns,
        event_ns=now_ns,
        received_ns=now_ns,
        connection=1,
    )
