"""Timed market events: what a market source yields and what a venue plays.

A source is an iterator of events whose ``at_ms`` never decreases. Times are relative to the start
of the source, so the same source may be played at any speed and stamped with any clock. Update ids
are not part of an event: whoever plays it numbers it, so ids rise whatever the source does.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
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


MarketEvent = Quote | DepthDiff | Trade | Mark


def shifted(event: MarketEvent, ticks: int) -> MarketEvent:
    """Return ``event`` with every price in ticks moved by ``ticks``; marks are left alone.

    Levels that would fall to zero or below are dropped.
    """
    if ticks == 0 or isinstance(event, Mark):
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


def merged(*sources: Iterable[MarketEvent]) -> Iterator[MarketEvent]:
    """Yield the events of all ``sources`` in order of time; equal times keep the order given."""
    return heapq.merge(*sources, key=_time_of)


def _time_of(event: MarketEvent) -> int:
    return event.at_ms
