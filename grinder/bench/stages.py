"""What the five stages before the gateway do in the systems that reaction is compared with.

A new frozen message for each stage and next to no work: what is compared is how they are told.
"""

from __future__ import annotations

from collections.abc import Iterator

from grinder.bench.skeleton import BUY, Approved, Featured, Proposed, Ticked, Wish
from grinder.messages.market import BookTicked
from grinder.messages.orders import Placement
from grinder.model.order import Side


def ticked(message: BookTicked) -> Ticked:
    """Return the quote as a tick; the receive time is its number. The first stage."""
    return Ticked(
        seq=message.received_ns,
        at_ms=0,
        symbol=message.symbol,
        bid=message.bid_ticks,
        bid_lots=message.bid_lots,
        ask=message.ask_ticks,
        ask_lots=message.ask_lots,
    )


def featured(message: Ticked) -> Featured:
    """Return spread and imbalance. The second stage."""
    return Featured(
        seq=message.seq,
        symbol=message.symbol,
        bid=message.bid,
        ask=message.ask,
        mid2=message.bid + message.ask,
        spread=message.ask - message.bid,
        imbalance=message.bid_lots - message.ask_lots,
    )


class Wishes:
    """The third stage: wants a ladder of buys when the price has come back up."""

    def __init__(self, levels: int, step: int) -> None:
        self._levels = levels
        self._step = step
        self._bid = 0

    def proposed(self, message: Featured) -> Proposed:
        """Return the ladder, or that nothing is wanted."""
        is_up = self._bid < message.bid
        self._bid = message.bid
        wishes = tuple(
            Wish(cancels=0, side=BUY, price=message.bid - self._step * level)
            for level in range(1, self._levels + 1 if is_up else 0)
        )
        return Proposed(seq=message.seq, symbol=message.symbol, wishes=wishes, mid2=message.mid2)


def approved(message: Proposed) -> Approved:
    """Approve. The fourth stage."""
    return Approved(seq=message.seq, symbol=message.symbol, wishes=message.wishes, epoch=1)


class Names:
    """The fifth stage: names placements."""

    def __init__(self) -> None:
        self._last = 0

    def placements(self, message: Approved) -> Iterator[Placement]:
        """Yield a placement for each wish."""
        for level, wish in enumerate(message.wishes, 1):
            self._last += 1
            yield Placement(
                symbol=message.symbol,
                client_order_id=f"g1-{message.symbol}-b{level}-1-{self._last}",
                side=Side.BUY,
                price_ticks=wish.price,
                qty_lots=1_000,
                level=f"b{level}",
                reason="GRID_FILL",
            )
