"""A seeded, endless market for any instrument, in regimes that a grid must live through.

The model is a random walk of the mid price in steps of about 100 ms. A regime sets volatility,
drift, a pull back to an anchor, the rate of trades and the size of the book; regimes follow each
other by chance. It is plausible, not calibrated: it exercises a strategy, it does not predict one.
The same seed and arguments give the same events.

Crash and halt come only when they are asked for. A crash falls by some 9 % within 3 seconds in an
almost empty book, wins back about a third of that within 10 more, and then crawls back for a minute
or two. A halt says nothing but that the symbol does not trade, until it ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from random import Random

import attrs

from grinder.model.instrument import Instrument
from grinder.simulation.market import DepthDiff, Level, MarketEvent, Quote, Status, Trade

STEP_MS = 100
LEVELS = 40
"""Book levels on each side."""


class Regime(StrEnum):
    """A kind of market."""

    RANGE = "range"
    TREND_UP = "trend-up"
    TREND_DOWN = "trend-down"
    SHOCK = "shock"
    THIN = "thin"
    CRASH = "crash"
    HALT = "halt"


USUAL = (Regime.RANGE, Regime.TREND_UP, Regime.TREND_DOWN, Regime.SHOCK, Regime.THIN)
"""What a market that nobody asked for anything goes through."""

HALTED = "HALT"
TRADING = "TRADING"


@attrs.frozen(kw_only=True)
class Character:
    """What a regime, or one phase of it, does per step of 100 ms."""

    volatility_bps: float
    drift_bps: float = 0.0
    pull: float = 0.0
    """Fraction of the distance to the regime's anchor that is undone by each step."""
    trades: float = 1.0
    """Expected number of trades."""
    size: float = 1.0
    """Factor on quantities in the book."""
    spread_ticks_max: int = 2
    bias: float = 0.7
    """Chance that a trade goes the way of the coming move."""
    jump_bps: float = 0.0
    """A single jump, of random sign, when the regime begins."""
    steps_min: int = 300
    steps_max: int = 900


CHARACTERS = {
    Regime.RANGE: Character(volatility_bps=0.25, pull=0.01),
    Regime.TREND_UP: Character(volatility_bps=0.3, drift_bps=0.05, trades=1.5),
    Regime.TREND_DOWN: Character(volatility_bps=0.3, drift_bps=-0.05, trades=1.5),
    Regime.SHOCK: Character(
        volatility_bps=1.5,
        trades=4.0,
        size=0.4,
        spread_ticks_max=8,
        jump_bps=40.0,
        steps_min=50,
        steps_max=150,
    ),
    Regime.THIN: Character(volatility_bps=0.4, trades=0.2, size=0.15, spread_ticks_max=12),
    Regime.CRASH: Character(
        volatility_bps=8.0,
        drift_bps=-31.0,
        trades=8.0,
        size=0.05,
        spread_ticks_max=25,
        bias=0.95,
        steps_min=28,
        steps_max=32,
    ),
    Regime.HALT: Character(volatility_bps=0.0, trades=0.0),
}

AFTERMATH = {
    Regime.CRASH: (
        Character(
            volatility_bps=4.0,
            drift_bps=3.1,
            trades=5.0,
            size=0.15,
            spread_ticks_max=12,
            steps_min=95,
            steps_max=105,
        ),
        Character(
            volatility_bps=0.6,
            pull=0.002,
            trades=1.5,
            size=0.5,
            spread_ticks_max=5,
            steps_min=600,
            steps_max=1200,
        ),
    )
}
"""What follows some regimes before the next is drawn; a pull goes back to before them."""

WEIGHTS = {
    Regime.RANGE: 5,
    Regime.TREND_UP: 2,
    Regime.TREND_DOWN: 2,
    Regime.SHOCK: 1,
    Regime.THIN: 1,
    Regime.CRASH: 1,
    Regime.HALT: 1,
}


@attrs.frozen(kw_only=True)
class GeneratorConfig:
    """What to generate."""

    instrument: Instrument
    start_ticks: int
    """First mid price in ticks."""
    top_notional: float = 20_000.0
    """Typical value resting at the best price, in quote units."""
    regimes: tuple[Regime, ...] = USUAL
    """Regimes to draw from; one name alone gives a market that never changes its kind."""


def generated(config: GeneratorConfig, random: Random) -> Iterator[MarketEvent]:
    """Yield the whole book, then quotes, diffs and trades for ever; of a halt, only its status.

    Raises:
        ValueError: no regime was given or the first price is outside the instrument's range.
    """
    instrument = config.instrument
    if not config.regimes:
        raise ValueError("expected at least one regime, was none")
    if not instrument.price_ticks_min <= config.start_ticks <= instrument.price_ticks_max:
        raise ValueError(
            f"expected a first price of {instrument.price_ticks_min} to "
            f"{instrument.price_ticks_max} ticks, was {config.start_ticks}"
        )
    walk = _Walk(config, random)
    book = _Book(config, random)
    at_ms = 0
    yield from book.moved(at_ms, walk.mid, walk.character)
    while True:
        at_ms += random.randint(STEP_MS // 2, STEP_MS + STEP_MS // 2)
        was_halted = walk.is_halted
        walk.step()
        if walk.is_halted or was_halted:
            status = HALTED if walk.is_halted else TRADING
            yield Status(at_ms=at_ms, symbol=instrument.symbol, status=status)
        if walk.is_halted:
            continue
        yield from _trades(at_ms, instrument, walk, book, random)
        yield from book.moved(at_ms, walk.mid, walk.character)


def halted(symbol: str) -> Iterator[MarketEvent]:
    """Yield for ever that ``symbol`` does not trade, and nothing else."""
    at_ms = 0
    while True:
        yield Status(at_ms=at_ms, symbol=symbol, status=HALTED)
        at_ms += STEP_MS


def regimes(names: Sequence[str]) -> tuple[Regime, ...]:
    """Return the regimes of these names; the usual ones when there is none.

    Raises:
        ValueError: a name is not known; the message lists those that are.
    """
    known = {regime.value: regime for regime in Regime}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"unknown regime {unknown[0]!r}: choose from {', '.join(known)}")
    return tuple(known[name] for name in names) or USUAL


def _trades(
    at_ms: int, instrument: Instrument, walk: _Walk, book: _Book, random: Random
) -> Iterator[Trade]:
    """Yield trades at the quote standing before the step, biased towards the coming move."""
    rising = walk.mid * 2 > book.bid + book.ask
    for _ in range(_poisson(walk.character.trades, random)):
        bias = walk.character.bias
        buys = random.random() < (bias if rising else 1 - bias)
        price = book.ask if buys else book.bid
        share = random.paretovariate(1.5) * 0.02
        lots = max(instrument.qty_lots_min, int(book.top_lots(price) * share))
        yield Trade(
            at_ms=at_ms,
            symbol=instrument.symbol,
            price_ticks=price,
            lots=lots,
            buyer_is_maker=not buys,
        )


def _poisson(expected: float, random: Random) -> int:
    # Knuth's multiplication method; bounded because the expectation is a small constant.
    limit, count, product = math.exp(-expected), 0, random.random()
    while product > limit and count < 20:
        count += 1
        product *= random.random()
    return count


class _Walk:
    """The mid price, in ticks as a float: a statistic, not money."""

    def __init__(self, config: GeneratorConfig, random: Random) -> None:
        self._config = config
        self._random = random
        self.mid = float(config.start_ticks)
        self._anchor = self.mid
        self._steps_left = 0
        self._phases: list[Character] = []
        self.is_halted = False
        self.character = CHARACTERS[config.regimes[0]]
        self._enter(config.regimes[0])

    def step(self) -> None:
        if self._steps_left == 0 and self._phases:
            self._begin(self._phases.pop(0))
        elif self._steps_left == 0:
            regimes = self._config.regimes
            weights = [WEIGHTS[regime] for regime in regimes]
            self._enter(self._random.choices(regimes, weights)[0])
        self._steps_left -= 1
        character = self.character
        move_bps = self._random.gauss(character.drift_bps, character.volatility_bps)
        pulled = character.pull * (self._anchor - self.mid)
        self._move_to(self.mid * (1 + move_bps / 10_000) + pulled)

    def _enter(self, regime: Regime) -> None:
        self._begin(CHARACTERS[regime])
        self._phases = list(AFTERMATH.get(regime, ()))
        self.is_halted = regime is Regime.HALT
        sign = self._random.choice((-1, 1))
        self._move_to(self.mid * (1 + sign * self.character.jump_bps / 10_000))
        self._anchor = self.mid

    def _begin(self, character: Character) -> None:
        self.character = character
        self._steps_left = self._random.randint(character.steps_min, character.steps_max)

    def _move_to(self, mid: float) -> None:
        # Within a tenth and ten times the first price a market stays usable for ever.
        start = self._config.start_ticks
        self.mid = min(max(mid, start / 10, 2.0 * LEVELS), start * 10.0)


class _Book:
    """The generated book; remembers what it told, to tell only changes."""

    def __init__(self, config: GeneratorConfig, random: Random) -> None:
        self._config = config
        self._random = random
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self.bid = config.start_ticks
        self.ask = config.start_ticks + 1

    def top_lots(self, price: int) -> int:
        """Return the lots resting at ``price``, at least one."""
        return self._bids.get(price) or self._asks.get(price) or 1

    def moved(self, at_ms: int, mid: float, character: Character) -> Iterator[MarketEvent]:
        """Yield the diff and the quote after the mid went to ``mid``."""
        spread = self._random.randint(1, character.spread_ticks_max)
        self.bid = math.floor(mid - (spread - 1) / 2)
        self.ask = self.bid + spread
        bids = self._side(self._bids, self.bid, -1, character)
        asks = self._side(self._asks, self.ask, 1, character)
        symbol = self._config.instrument.symbol
        if bids or asks:
            yield DepthDiff(at_ms=at_ms, symbol=symbol, bids=bids, asks=asks)
        yield Quote(
            at_ms=at_ms,
            symbol=symbol,
            bid_ticks=self.bid,
            bid_lots=self._bids[self.bid],
            ask_ticks=self.ask,
            ask_lots=self._asks[self.ask],
        )

    def _side(
        self, side: dict[int, int], touch: int, step: int, character: Character
    ) -> tuple[Level, ...]:
        wanted = range(touch, touch + step * LEVELS, step)
        changes: list[Level] = []
        for price in [price for price in side if price not in wanted]:
            del side[price]
            changes.append((price, 0))
        for distance, price in enumerate(wanted):
            # The touch is busy, the depth is lazy: deep levels change in one step out of ten.
            if price in side and self._random.random() > (0.6 if distance < 3 else 0.1):
                continue
            side[price] = self._lots(price, character)
            changes.append((price, side[price]))
        return tuple(changes)

    def _lots(self, price: int, character: Character) -> int:
        instrument = self._config.instrument
        notional = self._config.top_notional * character.size * self._random.lognormvariate(0, 0.8)
        unit = float(instrument.price(price) * instrument.lot)
        return max(instrument.qty_lots_min, int(notional / unit))
