"""The public market of one symbol: book, quote, marks and the ids that number them.

It holds the market's liquidity only: orders of simulated accounts are not shown in it.
"""

from __future__ import annotations

import heapq
from decimal import Decimal

import attrs

from grinder.model.instrument import Instrument
from grinder.simulation.market import DepthDiff, Level, Mark, Quote, Trade
from grinder.simulation.money import to_e8
from grinder.venues.sim.tape import Minutes, Tape

DEPTH_MAX = 1000


@attrs.frozen(kw_only=True)
class Numbered:
    """The ids of one depth update: first, last, and the last of the update before it."""

    first: int
    last: int
    previous: int


class PublicBook:
    """Levels by price in ticks, and one rising counter for quotes and depth updates."""

    def __init__(self, instrument: Instrument, now_ms: int) -> None:
        self.instrument = instrument
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.quote: Quote | None = None
        self.mark: Mark | None = None
        self.last_trade: Trade | None = None
        self.tape = Tape()
        self.marks = Minutes()
        """Mark prices in units of 1e-8."""
        self.trade_id = now_ms
        # Starting from the clock keeps ids rising across restarts of the venue.
        self.update_id = now_ms * 1000
        self.depth_id = self.update_id
        self.updated_ms = now_ms

    def apply_quote(self, quote: Quote, now_ms: int) -> int:
        """Take a new best bid and ask; return its update id."""
        self.quote = quote
        self.updated_ms = now_ms
        self.update_id += 1
        return self.update_id

    def apply_diff(self, diff: DepthDiff, now_ms: int) -> Numbered:
        """Take changed levels; return the ids of the update."""
        for side, levels in ((self.bids, diff.bids), (self.asks, diff.asks)):
            for price, lots in levels:
                if lots:
                    side[price] = lots
                else:
                    side.pop(price, None)
        previous = self.depth_id
        self.update_id += 1
        self.depth_id = self.update_id
        self.updated_ms = now_ms
        return Numbered(first=previous + 1, last=self.depth_id, previous=previous)

    def apply_mark(self, mark: Mark, now_ms: int) -> None:
        """Take a mark price."""
        self.mark = mark
        stated = Trade(
            at_ms=0,
            symbol=mark.symbol,
            price_ticks=to_e8(mark.mark_price),
            lots=0,
            buyer_is_maker=False,
        )
        self.marks.add(stated, 0, now_ms)

    def apply_trade(self, trade: Trade, trade_id: int) -> int:
        """Take a public trade; return its id."""
        self.last_trade = trade
        self.trade_id = trade_id
        return trade_id

    def snapshot_id(self) -> int:
        """Return the id of a REST book taken now.

        It lies inside the id range of the next depth update, as the rule for a local book demands
        (``U <= lastUpdateId <= u``), even when nothing has happened since the last one.
        """
        if self.update_id == self.depth_id:
            self.update_id += 1
        return self.update_id

    def best_bids(self, count: int) -> list[Level]:
        """Return the best ``count`` bids, best first."""
        return heapq.nlargest(count, self.bids.items())

    def best_asks(self, count: int) -> list[Level]:
        """Return the best ``count`` asks, best first."""
        return heapq.nsmallest(count, self.asks.items())

    def cleared_to(self, quote: Quote) -> DepthDiff:
        """Return the diff that moves the whole book so that its touch is that of ``quote``."""
        bid_shift = quote.bid_ticks - max(self.bids, default=quote.bid_ticks)
        ask_shift = quote.ask_ticks - min(self.asks, default=quote.ask_ticks)
        return DepthDiff(
            at_ms=quote.at_ms,
            symbol=quote.symbol,
            bids=_replaced(self.bids, bid_shift, (quote.bid_ticks, quote.bid_lots)),
            asks=_replaced(self.asks, ask_shift, (quote.ask_ticks, quote.ask_lots)),
        )

    def price(self, ticks: int) -> str:
        """Return the venue's text of a price: always the tick's number of decimals."""
        return format(self.instrument.tick * ticks, "f")

    def qty(self, lots: int) -> str:
        """Return the venue's text of a quantity."""
        return format(self.instrument.lot * lots, "f")

    def mid(self) -> Decimal:
        """Return the middle of the quote, exact; 0 before the first one."""
        if self.quote is None:
            return Decimal(0)
        return self.instrument.tick * (self.quote.bid_ticks + self.quote.ask_ticks) / 2


def _replaced(side: dict[int, int], shift: int, touch: Level) -> tuple[Level, ...]:
    wanted = {price + shift: lots for price, lots in side.items() if price + shift > 0}
    wanted[touch[0]] = touch[1]
    gone = tuple((price, 0) for price in side if price not in wanted)
    return gone + tuple(wanted.items())
