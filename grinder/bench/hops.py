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
from grinder.bench.skeleton import BUY, Approved, Featured, Proposed, Routed, Ticked, Wish
from grinder.messages.market import BookTicked
from grinder.messages.orders import PlaceOrder
from grinder.model.order import Side

STOP_TIMEOUT_S = 5.0


class Stage(pykka.ThreadingActor):
    """Hands what it makes of a message to the next one."""

    def __init__(self, following: pykka.ActorRef[Any] | None) -> None:
        super().__init__()
        self.following = following

    def on_receive(self, message: Any) -> None:
        """Make the next message and hand it on."""
        if self.following is not None:
            self.following.tell(self.turned(message))

    def turned(self, message: Any) -> Any:
        """Return what the next stage is told."""
        raise NotImplementedError


class Feed(Stage):
    """First stage."""

    def turned(self, message: BookTicked) -> Ticked:
        """Return the quote as a tick; the receive time is its number."""
        return Ticked(
            seq=message.received_ns,
            at_ms=0,
            symbol=message.symbol,
            bid=message.bid_ticks,
            bid_lots=message.bid_lots,
            ask=message.ask_ticks,
            ask_lots=message.ask_lots,
        )


class Feature(Stage):
    """Second stage."""

    def turned(self, message: Ticked) -> Featured:
        """Return spread and imbalance."""
        return Featured(
            seq=message.seq,
            symbol=message.symbol,
            bid=message.bid,
            ask=message.ask,
            mid2=message.bid + message.ask,
            spread=message.ask - message.bid,
            imbalance=message.bid_lots - message.ask_lots,
        )


class Policy(Stage):
    """Third stage: wants a ladder of buys when the price has come back up."""

    def __init__(self, following: pykka.ActorRef[Any] | None, levels: int, step: int) -> None:
        super().__init__(following)
        self._levels = levels
        self._step = step
        self._bid = 0

    def turned(self, message: Featured) -> Proposed:
        """Return the ladder, or that nothing is wanted."""
        is_up = self._bid < message.bid
        self._bid = message.bid
        wishes = tuple(
            Wish(cancels=0, side=BUY, price=message.bid - self._step * level)
            for level in range(1, self._levels + 1 if is_up else 0)
        )
        return Proposed(seq=message.seq, symbol=message.symbol, wishes=wishes, mid2=message.mid2)


class Risk(Stage):
    """Fourth stage."""

    def turned(self, message: Proposed) -> Approved:
        """Approve."""
        return Approved(seq=message.seq, symbol=message.symbol, wishes=message.wishes, epoch=1)


class Router(Stage):
    """Fifth stage: one command for each wish."""

    def __init__(self, following: pykka.ActorRef[Any]) -> None:
        super().__init__(following)
        self._gateway = following
        self._names = 0

    def on_receive(self, message: Approved) -> None:
        """Name each placement and hand it on; a tick without any is handed on as such."""
        tell = self._gateway.tell
        if not message.wishes:
            tell(Routed(seq=message.seq, symbol=message.symbol, commands=(), bid=0))
        for number, wish in enumerate(message.wishes, 1):
            self._names += 1
            tell(
                PlaceOrder(
                    symbol=message.symbol,
                    client_order_id=f"g1-{message.symbol}-b{number}-1-{self._names}",
                    side=Side.BUY,
                    price_ticks=wish.price,
                    qty_lots=1_000,
                    level=f"b{number}",
                    permit=None,
                    reason="GRID_FILL",
                    tick_ns=message.seq,
                )
            )


class Gateway(Stage):
    """Sixth stage: builds the bodies."""

    def __init__(self, bodies: Bodies) -> None:
        super().__init__(None)
        self._bodies = bodies

    def on_receive(self, message: PlaceOrder | Routed) -> None:
        """Build one."""
        if isinstance(message, PlaceOrder):
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
        router = Router.start(gateway)
        risk = Risk.start(router)
        policy = Policy.start(risk, self._levels, self._step)
        feature = Feature.start(policy)
        self._refs = [Feed.start(feature), feature, policy, risk, router, gateway]
        self.tick(home)

    def tick(self, bid_ticks: int) -> int:
        """Let the best bid be ``bid_ticks``; return when that was received."""
        now_ns = time.monotonic_ns()
        self._refs[0].tell(
            BookTicked(
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
        )
        return now_ns

    def mark(self, ticks: int) -> None:
        """Have nothing that would listen."""

    def take_buys(self) -> None:
        """Have nothing that rests."""

    def stop(self) -> None:
        """End the actors, first one first."""
        for ref in self._refs:
            ref.stop(timeout=STOP_TIMEOUT_S)
