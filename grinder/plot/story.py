"""What a journal tells of one symbol, as series over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from heapq import merge
from pathlib import Path
from typing import Any, Final

import attrs

from grinder.errors import JournalError
from grinder.journal.reading import JournalReader
from grinder.journal.telling import Told, Wanted, told
from grinder.kernel.message import Message
from grinder.messages.codec import CODEC
from grinder.messages.features import FeaturesComputed
from grinder.messages.grid import PlanChosen, RegimeChanged
from grinder.messages.ledger import LedgerChanged
from grinder.messages.orders import (
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrdersSynced,
)
from grinder.model.instrument import Instrument
from grinder.model.order import Side

POINTS_MAX: Final = 4_000
"""Mids drawn at most: more can't be seen, and the page would grow with the run."""


@attrs.define(kw_only=True)
class Rested:
    """One order from when it rested until it was gone."""

    side: Side
    price: Decimal
    is_exit: bool
    from_ns: int
    to_ns: int = 0
    """0 while it rests."""


@attrs.frozen(kw_only=True)
class Fill:
    """One fill of ours."""

    at_ns: int
    side: Side
    price: Decimal
    qty: Decimal
    is_exit: bool


@attrs.frozen(kw_only=True)
class Books:
    """The symbol's totals at one moment, in quote units."""

    at_ns: int
    position: Decimal
    """Signed, in base units."""
    average_price: Decimal
    net: Decimal
    """Realised, less fees, with funding."""
    total: Decimal
    """The same with what is not realised."""


@attrs.define(kw_only=True)
class Story:
    """Everything that the picture shows."""

    symbol: str
    first_ns: int = 0
    last_ns: int = 0
    mids: list[tuple[int, float]] = attrs.field(factory=list)
    orders: list[Rested] = attrs.field(factory=list)
    fills: list[Fill] = attrs.field(factory=list)
    books: list[Books] = attrs.field(factory=list)
    regimes: list[tuple[int, str]] = attrs.field(factory=list)
    """(since, regime)."""
    plans: list[tuple[int, str, float, str]] = attrs.field(factory=list)
    """(since, policy, spacing in basis points, reasons)."""


class Reader:
    """Takes the messages of one symbol, in their order."""

    def __init__(self, symbol: str, instrument: Instrument) -> None:
        self.story = Story(symbol=symbol)
        self._instrument = instrument
        self._resting: dict[str, Rested] = {}
        self._mids = Thinned(POINTS_MAX)
        self._takes: dict[str, Callable[[int, Any], None]] = {
            FeaturesComputed.__name__: self._mid,
            OrderAccepted.__name__: self._accepted,
            OrderEnded.__name__: self._ended,
            OrderFilled.__name__: self._filled,
            OrdersSynced.__name__: self._synced,
            LedgerChanged.__name__: self._changed,
            RegimeChanged.__name__: self._regime,
            PlanChosen.__name__: self._plan,
        }

    def hears(self, kind: str) -> bool:
        """Return whether a message of this class is drawn."""
        return kind in self._takes

    def take(self, at_ns: int, body: Message) -> None:
        """Take one message."""
        story = self.story
        story.first_ns = story.first_ns or at_ns
        story.last_ns = max(story.last_ns, at_ns)
        self._takes[type(body).__name__](at_ns, body)

    def finish(self) -> Story:
        """Return the story; what rests still does so until its end."""
        story = self.story
        for order in self._resting.values():
            order.to_ns = story.last_ns
        story.mids = self._mids.points()
        return story

    def _mid(self, at_ns: int, body: FeaturesComputed) -> None:
        tick = float(self._instrument.tick)
        self._mids.add(at_ns, (body.bid_ticks + body.ask_ticks) / 2 * tick)

    def _accepted(self, at_ns: int, body: OrderAccepted) -> None:
        self._rests(at_ns, body.client_order_id, body.side, body.price_ticks, body.reduce_only)

    def _rests(self, at_ns: int, name: str, side: Side, ticks: int, reduce_only: bool) -> None:
        if name in self._resting:
            return
        order = Rested(
            side=side,
            price=self._instrument.price(ticks),
            is_exit=reduce_only,
            from_ns=at_ns,
        )
        self._resting[name] = order
        self.story.orders.append(order)

    def _ended(self, at_ns: int, body: OrderEnded) -> None:
        order = self._resting.pop(body.client_order_id, None)
        if order is not None:
            order.to_ns = at_ns

    def _filled(self, at_ns: int, body: OrderFilled) -> None:
        self.story.fills.append(
            Fill(
                at_ns=at_ns,
                side=body.side,
                price=self._instrument.price(body.price_ticks),
                qty=self._instrument.qty(body.qty_lots),
                is_exit=body.reduce_only,
            )
        )

    def _synced(self, at_ns: int, body: OrdersSynced) -> None:
        names = {one.client_order_id for one in body.orders}
        for name in [one for one in self._resting if one not in names]:
            self._resting.pop(name).to_ns = at_ns
        for one in body.orders:
            self._rests(at_ns, one.client_order_id, one.side, one.price_ticks, one.reduce_only)

    def _changed(self, at_ns: int, body: LedgerChanged) -> None:
        net = body.realized_pnl - body.fees + body.funding
        self.story.books.append(
            Books(
                at_ns=at_ns,
                position=self._instrument.qty(body.position_lots),
                average_price=body.average_price,
                net=net,
                total=net + body.unrealized_pnl,
            )
        )

    def _regime(self, at_ns: int, body: RegimeChanged) -> None:
        self.story.regimes.append((at_ns, str(body.to_regime)))

    def _plan(self, at_ns: int, body: PlanChosen) -> None:
        plan = body.plan
        if not self.story.regimes:
            # Only a change is told of; what it was before stands in the first plan.
            self.story.regimes.append((at_ns, str(plan.regime)))
        reasons = ", ".join(plan.reason_codes)
        self.story.plans.append((at_ns, body.policy, float(plan.spacing_bps), reasons))


class Thinned:
    """A series of bounded length: of each stretch of time its first, least, greatest and last.

    When too much has gathered, stretches are joined two by two, so the whole run is always there.
    """

    def __init__(self, points_max: int) -> None:
        self._stretches_max = points_max // 4
        self._span_ns = 1
        self._stretches: dict[int, list[tuple[int, float]]] = {}

    def add(self, at_ns: int, value: float) -> None:
        """Take a value; times never go back by more than a stretch."""
        point = (at_ns, value)
        self._join(at_ns // self._span_ns, [point])
        while len(self._stretches) > self._stretches_max:
            old = self._stretches
            self._stretches = {}
            self._span_ns *= 2
            for key, points in old.items():
                self._join(key // 2, points)

    def _join(self, key: int, points: list[tuple[int, float]]) -> None:
        known = self._stretches.setdefault(key, [])
        known += points
        if len(known) > 4:
            least = min(known, key=lambda one: one[1])
            greatest = max(known, key=lambda one: one[1])
            kept = {known[0], least, greatest, known[-1]}
            self._stretches[key] = sorted(kept)

    def points(self) -> list[tuple[int, float]]:
        """Return the series in the order of time."""
        return sorted(point for points in self._stretches.values() for point in points)


def _told_of(directory: Path, run: int | None, instrument: Instrument) -> Iterator[Told]:
    """Yield what was said of a leg, and of its market, whose prices it has."""
    own = told(JournalReader(directory, run), Wanted(symbol=instrument.symbol))
    if instrument.market == instrument.symbol:
        return own
    # A reader goes through a journal once at a time.
    prices = told(
        JournalReader(directory, run),
        Wanted(symbol=instrument.market, kind=FeaturesComputed.__name__),
    )
    return merge(own, prices, key=lambda one: (one.at_ns, one.seq))


def story_of(directory: Path, run: int | None, symbol: str) -> Story:
    """Return what a recorded run did with ``symbol``.

    Raises:
        JournalError: damage, or the run knows no such symbol.
    """
    reader = JournalReader(directory, run)
    instruments = {one.symbol: one for one in reader.described(CODEC).instruments}
    if symbol not in instruments:
        known = ", ".join(instruments)
        raise JournalError(f"{directory}: this run knows no {symbol}, only {known}")
    taker = Reader(symbol, instruments[symbol])
    for one in _told_of(directory, run, instruments[symbol]):
        if taker.hears(one.kind):
            taker.take(one.at_ns, CODEC.from_row([one.kind, one.version, one.values]))
    story = taker.finish()
    if not story.mids:
        raise JournalError(f"{directory}: nothing was heard of {symbol} in this run")
    return story
