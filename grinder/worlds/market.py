"""Prices of a world: a random walk for each symbol, and what a fault does to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from random import Random
from typing import Final

from grinder.simulation.market import MarketEvent, Quote, Trade

EVERY_MS: Final = 250
"""Virtual time between two quotes of a symbol."""
VOLATILITY_BPS: Final = 1.6
TOP_LOTS: Final = 40


class WorldMarket(Iterator[MarketEvent]):
    """Quotes and prints at a steady pace; times rise from 0 without end."""

    def __init__(self, bids: Mapping[str, int], seed: int) -> None:
        self.quotes = {symbol: (bid, bid + 1) for symbol, bid in bids.items()}
        """Best bid and ask in ticks, by symbol."""
        self.is_standing = False
        """While True the prices stay where they are, so that everything comes to rest."""
        self._home = dict(bids)
        self._random = Random(f"market {seed}")
        self._at_ms = 0
        self._queue: deque[MarketEvent] = deque()

    def jump(self, symbol: str, bps: float) -> None:
        """Move the price of ``symbol`` at once."""
        bid, _ = self.quotes[symbol]
        moved = bid + round(bid * bps / 10_000)
        self.quotes[symbol] = (moved, moved + 1)

    def skip_to(self, at_ms: int) -> None:
        """Let time pass without a quote, as while nobody listens."""
        self._at_ms = max(self._at_ms, at_ms)
        self._queue.clear()

    def __next__(self) -> MarketEvent:
        """Return the next quote or print."""
        if not self._queue:
            self._at_ms += EVERY_MS
            for symbol in self.quotes:
                self._move(symbol)
        return self._queue.popleft()

    def _move(self, symbol: str) -> None:
        bid, ask = self.quotes[symbol]
        chance = self._random
        if not self.is_standing:
            # Drawn back home a little, so that a long world does not run into price bands.
            pull = (self._home[symbol] - bid) * 0.002
            bid += round(bid * chance.gauss(0, VOLATILITY_BPS) / 10_000 + pull)
            ask = bid + chance.randint(1, 3)
            self.quotes[symbol] = (bid, ask)
        self._queue.append(
            Quote(
                at_ms=self._at_ms,
                symbol=symbol,
                bid_ticks=bid,
                bid_lots=TOP_LOTS,
                ask_ticks=ask,
                ask_lots=TOP_LOTS,
            )
        )
        is_sold = self.is_standing or chance.random() < 0.5
        self._queue.append(
            Trade(
                at_ms=self._at_ms,
                symbol=symbol,
                price_ticks=bid if is_sold else ask,
                lots=1,
                buyer_is_maker=is_sold,
            )
        )
