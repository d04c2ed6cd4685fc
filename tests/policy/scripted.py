"""Markets made for a policy each: calm, then the move that it waits for."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from grinder.messages.market import LiquidationPrinted
from grinder.model.order import Side
from grinder.simulation.market import Trade
from simulated.worlds import BTC, MS, START_TICKS, Market, Stage

EVERY_MS = 500
"""Pause between two quotes."""
BID = START_TICKS[BTC]
CALM_BPS = 0.3
"""Standard deviation of a step of the calm market."""


class Scripted(Market):
    """Small noise about a price, and from some second on a drift; trades have a side."""

    def __init__(
        self,
        *,
        drift_bps: float = 0.0,
        from_s: float = 0.0,
        noise_bps: float = CALM_BPS,
        buys: Callable[[float], bool] = lambda _: False,
        seed: int = 1,
        spread_ticks: int = 1,
    ) -> None:
        """Lay down what happens.

        Args:
            drift_bps: move of each second from ``from_s`` on.
            from_s: when the drift begins.
            noise_bps: size of the steps from ``from_s`` on; CALM_BPS before.
            buys: whether the trades at a second are bought by the aggressor.
            seed: of the noise.
            spread_ticks: between best bid and best ask.
        """
        super().__init__({BTC: BID}, every_ms=EVERY_MS)
        self._drift = drift_bps * EVERY_MS / 1_000
        self._from_s = from_s
        self._noise = noise_bps
        self._buys = buys
        self._random = Random(seed)
        self._spread = spread_ticks
        self._moved_bps = 0.0

    def move(self) -> None:
        """Take a step."""
        has_begun = self._at_ms >= self._from_s * 1_000
        if has_begun:
            self._moved_bps += self._drift
        noise = self._random.gauss(0, self._noise if has_begun else CALM_BPS)
        bid = round(BID * (1 + (self._moved_bps + noise) / 10_000))
        self.put(BTC, bid, bid + self._spread)

    def print_of(self, symbol: str, ticks: int) -> Trade:
        """Return a trade of the side that the script says, large enough to be felt."""
        return Trade(
            at_ms=self._at_ms,
            symbol=symbol,
            price_ticks=ticks,
            lots=10,
            buyer_is_maker=not self._buys(self._at_ms / 1_000),
        )


def liquidate(stage: Stage, lots: int) -> None:
    """Let the venue tell of a long closed by force, as large as it says."""
    door = stage.world.venue.market
    door.say(
        LiquidationPrinted(
            symbol=BTC,
            side=Side.SELL,
            price_ticks=stage.market.quotes[BTC][0],
            qty_lots=lots,
            event_ns=stage.now_ms * MS,
            connection=door.connection,
        )
    )
