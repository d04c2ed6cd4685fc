"""Timed market events: what a market source yields and what a venue plays.

A source is an iterator of events whose ``at_ms`` never decreases. Times are relative to the start
of the source, so the same source may be played at any speed and stamped with any clock. Update ids
are not part of an event: whoever plays it numbers it, so ids rise whatever the source does.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import attrs

Level = tuple[int, int]
"""(price in ticks, absolute quantity in lots); 0 lots removes the level."""


@attrs.frozen(kw_only=True)
class Quote:
    """The best bid and ask changed."""

    at_ms: int
    symbol: str
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int


@attrs.frozen(kw_only=True)
class DepthDiff:
    """Some levels of the book changed; quantities are absolute."""

    at_ms: int
    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@attrs.frozen(kw_only=True)
class Trade:
    """A public trade. ``buyer_is_maker`` true means that the aggressor sold."""

    at_ms: int
    symbol: str
    price_ticks: int
    lots: int
    buyer_is_maker: bool


@attrs.frozen(kw_only=True)
class Mark:
    """Mark price, index price and the funding that comes next.

    ``next_funding_ms`` is absolute: milliseconds since the Unix epoch on the venue's clock.
    """

    at_ms: int
    symbol: str
    mark_price: Decimal
    index_price: Decimal
    funding_rate: Decimal
    next_funding_ms: int


@attrs.frozen(kw_only=True)
class Status:
    """The trading status of a symbol, in the venue's words; stated again while it lasts."""

    at_ms: int
    symbol: str
    status: str


MarketEvent = Quote | DepthDiff | Trade | Mark | Status


def shifted(event: MarketEvent, ticks: int) -> MarketEvent:
    """Return ``event`` with every price in ticks moved by ``ticks``; the rest is left alone.

    Levels that would fall to zero or below are dropped.
    """
    if ticks == 0 or isinstance(event, Mark | Status):
        return event
    if isinstance(event, Quote):
        return attrs.evolve(
            event, bid_ticks=event.bid_ticks + ticks, ask_ticks=event.ask_ticks + ticks
        )
    if isinstance(event, Trade):
        return attrs.evolve(event, price_ticks=event.price_ticks + ticks)
    return attrs.evolve(
        event, bids=shifted_levels(event.bids, ticks), asks=shifted_levels(event.asks, ticks)
    )


def shifted_levels(levels: Iterable[Level], ticks: int) -> tuple[Level, ...]:
    """Return ``levels`` moved by ``ticks``, without those at or below zero."""
    return tuple((price + ticks, lots) for price, lots in levels if price + ticks > 0)


class Levels:
    """The levels that have been told so far, to compute what would make another book of them."""

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    def apply(self, diff: DepthDiff) -> None:
        """Take changed levels."""
        for side, levels in ((self.bids, diff.bids), (self.asks, diff.asks)):
            for price, lots in levels:
                if lots:
                    side[price] = lots
                else:
                    side.pop(price, None)

    def turned_into(self, wanted: DepthDiff) -> DepthDiff:
        """Return ``wanted`` extended by the removal of every level that it does not name."""
        return attrs.evolve(
            wanted,
            bids=_removals(self.bids, wanted.bids) + wanted.bids,
            asks=_removals(self.asks, wanted.asks) + wanted.asks,
        )

    def whole(self, at_ms: int, symbol: str) -> DepthDiff:
        """Return the diff that makes this book out of an empty one."""
        return DepthDiff(
            at_ms=at_ms,
            symbol=symbol,
            bids=tuple(self.bids.items()),
            asks=tuple(self.asks.items()),
        )

    def shift(self, ticks: int) -> None:
        """Move every level by ``ticks``; those that would fall to zero are dropped."""
        self.bids = dict(shifted_levels(self.bids.items(), ticks))
        self.asks = dict(shifted_levels(self.asks.items(), ticks))


def _removals(side: Mapping[int, int], wanted: tuple[Level, ...]) -> tuple[Level, ...]:
    kept = {price for price, _ in wanted}
    return tuple((price, 0) for price in side if price not in kept)


def merged(*sources: Iterable[MarketEvent]) -> Iterator[MarketEvent]:
    """Yield the events of all ``sources`` in order of time; equal times keep the order given."""
    return heapq.merge(*sources, key=_time_of)


def _time_of(event: MarketEvent) -> int:
    return event.at_ms
