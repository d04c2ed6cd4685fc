"""Fills that nobody told: when to ask the venue for them, from where on, and when to stop.

The private stream may lose a trade, and an order that is not ours leaves no other trace than what
is held. So the list of trades is read on once a minute, and sooner where an account was seen to
hold something else than the fills come to. A trade that is counted already changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from grinder.ledger.past import Lasting
from grinder.messages.venue import ReadTrades, TradesRead
from grinder.model.legs import market_of
from grinder.model.order import Trade
from grinder.model.units import NS_PER_S

SWEEP_NS = 60 * NS_PER_S
"""Pause between two readings where nothing differs: trades that cancel out show in no position."""
GRACE_NS = 4 * NS_PER_S
"""A trade so young is left to the private stream, which says of which order it is."""
PAUSE_NS = 5 * NS_PER_S
"""Pause before the same difference is asked about again; doubles."""
TRIES_MAX = 4
"""Readings about one difference; what they do not explain is no matter of trades."""
QUIET_NS = 3_600 * NS_PER_S
"""How far back trades are looked for where there was none; more than a clock can be wrong."""


class Step(Enum):
    """What to do about what is held."""

    NOTHING = auto()
    ASK = auto()
    GIVE_UP = auto()


class _Gap:
    """One symbol: how far its list has been read, and what differs."""

    __slots__ = ("asked_ns", "ceiling", "heard_ns", "is_cut", "last_id", "next_ns", "read_ns",
                 "since_ns", "tries")  # fmt: skip

    def __init__(self, started_ns: int) -> None:
        self.last_id = 0
        # Every trade of the run up to this one has been listed.
        self.since_ns = started_ns
        self.ceiling = 0
        self.asked_ns = self.read_ns = self.heard_ns = self.next_ns = self.tries = 0
        self.is_cut = False


class Gaps:
    """The trades of a run that may have gone unheard, symbol by symbol."""

    def __init__(self, symbols: Iterable[str], started_ns: int) -> None:
        self._started_ns = started_ns
        self._gaps = {symbol: _Gap(started_ns) for symbol in symbols}
        self._off = Lasting()

    def heard(self, symbol: str, now_ns: int) -> None:
        """Take note that a fill was told: a snapshot asked for before may lack it."""
        gap = self._gaps.get(symbol)
        if gap is not None:
            gap.heard_ns = now_ns

    def seen(self, symbol: str, off_lots: int, asked_ns: int, now_ns: int) -> Step:
        """Take how much more a snapshot asked for at ``asked_ns`` shows than the fills come to."""
        gap = self._gaps[symbol]
        if not off_lots:
            self._off.forget(symbol)
        if not off_lots or gap.heard_ns >= asked_ns:
            return Step.NOTHING
        age_ns = self._off.age_ns(symbol, off_lots, now_ns)
        if not age_ns:
            gap.tries = 0
        if age_ns < GRACE_NS or (gap.tries and now_ns < gap.next_ns):
            return Step.NOTHING
        if gap.tries == TRIES_MAX and self.is_read_since(symbol, now_ns - age_ns):
            self._off.forget(symbol)
            return Step.GIVE_UP
        gap.next_ns = now_ns + (PAUSE_NS << gap.tries)
        gap.tries = min(gap.tries + 1, TRIES_MAX)
        return Step.ASK

    def question(self, symbol: str, now_ns: int) -> ReadTrades | None:
        """Return the question for what was not listed yet; None so soon after the last one."""
        gap = self._gaps[symbol]
        if gap.asked_ns and now_ns - gap.asked_ns < GRACE_NS:
            return None
        gap.asked_ns, gap.is_cut = now_ns, False
        gap.ceiling = self._listed_of_market(symbol)
        if gap.last_id:
            return ReadTrades(symbol=symbol, from_id=gap.last_id + 1, since_ns=0)
        return ReadTrades(symbol=symbol, from_id=0, since_ns=gap.since_ns)

    def _listed_of_market(self, symbol: str) -> int:
        # Legs share one list, of which each is told its own: what one has read is past for both.
        market = market_of(symbol)
        return max(gap.last_id for name, gap in self._gaps.items() if market_of(name) == market)

    def listed(self, answer: TradesRead) -> tuple[Trade, ...]:
        """Return the trades of an answer that are of the run and should have been told by now."""
        gap = self._gaps[answer.symbol]
        found: list[Trade] = []
        for trade in answer.trades:
            # One of a time to come is of a clock that is wrong, and no younger for it.
            gap.is_cut = gap.is_cut or abs(trade.ts_ns - gap.asked_ns) < GRACE_NS
            if gap.is_cut:
                break
            gap.last_id = max(gap.last_id, trade.trade_id)
            if trade.ts_ns >= self._started_ns:
                found.append(trade)
        if not answer.next_id:
            gap.read_ns = gap.asked_ns - GRACE_NS
            if not gap.is_cut:
                gap.last_id = max(gap.last_id, gap.ceiling)
                gap.since_ns = max(gap.since_ns, gap.asked_ns - QUIET_NS)
        return tuple(found)

    def past_listed(self, answer: TradesRead) -> None:
        """Take note of a list that begins with the run and was counted by somebody else."""
        gap = self._gaps[answer.symbol]
        gap.last_id = max(gap.last_id, *(one.trade_id for one in answer.trades), 0)

    def is_read_since(self, symbol: str, at_ns: int) -> bool:
        """Return whether every trade of before ``at_ns`` has been listed."""
        return self._gaps[symbol].read_ns >= at_ns
