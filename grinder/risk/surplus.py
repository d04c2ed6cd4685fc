"""Which entries the caps have no room for any more, once the truth is heard.

A cap is asked before an entry leaves, for what is believed then. A fill that is told late, or a
position that a snapshot brings, can leave more at risk than that. Only what is held and pending is
judged again: a price that moves takes nothing off, so everything counts at the price at which
something was last let in, or at that of now if it is lower.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

import attrs

from grinder.execution.denials import DenialCode
from grinder.messages.features import FeaturesComputed
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.units import NS_PER_S

STANDS_NS = NS_PER_S
"""How long an entry has to be one too many: a position is told of just before its fill."""
AGAIN_NS = 2 * NS_PER_S
"""Pause before it is told of again: somebody may have died with it."""


@attrs.frozen(kw_only=True)
class Leg:
    """What is held of one leg, and at which prices its market counts."""

    instrument: Instrument
    held_lots: int
    """Signed."""
    mid_ticks2: int
    """Bid plus ask of now, in ticks: what distances are measured from."""
    position_ticks2: int
    """Twice the price in ticks at which it counts against the cap of its market."""
    total_ticks2: int
    """The same against the cap of the account."""


@attrs.frozen(kw_only=True)
class Entry:
    """One order that may still add risk."""

    name: str
    """Its client order id."""
    leg: str
    side: Side
    price_ticks: int
    lots: int
    """What may still fill."""


@attrs.frozen(kw_only=True)
class Misfit:
    """An entry that a cap has no room for."""

    entry: Entry
    code: DenialCode
    worst_case: Decimal
    """In quote units, with everything nearer to the market that stays, and with this one."""
    cap: Decimal


def surplus(
    legs: Mapping[str, Leg],
    entries: Iterable[Entry],
    *,
    position_max: Decimal,
    total_max: Decimal,
    leaving: Collection[str] = (),
) -> tuple[Misfit, ...]:
    """Return the entries that have to go, furthest from the market first; none that fit.

    An entry stays if the worst case fits with it and all that stay nearer to the market, or if it
    makes the worst case no worse. Where one of a leg's side goes, all further out go, too.

    Args:
        legs: by name; entries of others are passed over.
        entries: what rests or is on its way.
        position_max: cap of one market, both legs of it together, in quote units.
        total_max: cap of all markets.
        leaving: names of those that have been told to go: they go before any others.
    """
    known = [one for one in entries if one.leg in legs]
    known.sort(key=lambda one: (one.name in leaving, _distance(legs[one.leg], one), one.name))
    tally = _Tally(legs, position_max, total_max)
    shut: dict[tuple[str, Side], Misfit] = {}
    found = []
    for one in known:
        way = (one.leg, one.side)
        misfit = tally.take(one) if way not in shut else attrs.evolve(shut[way], entry=one)
        if misfit is not None:
            shut.setdefault(way, misfit)
            found.append(misfit)
    return tuple(reversed(found))


def _distance(leg: Leg, entry: Entry) -> Decimal:
    return Decimal(abs(2 * entry.price_ticks - leg.mid_ticks2)) / leg.mid_ticks2


class _Tally:
    """The worst case of what stays, entry by entry."""

    def __init__(self, legs: Mapping[str, Leg], position_max: Decimal, total_max: Decimal) -> None:
        self._legs = legs
        self._caps = position_max, total_max
        self._pending = {(name, side): 0 for name in legs for side in Side}
        self._markets: dict[str, int] = {}
        self._total = Decimal(0)
        for leg in legs.values():
            self._grow(leg, abs(leg.held_lots))

    def take(self, one: Entry) -> Misfit | None:
        """Count ``one``, unless a cap has no room for it: then return that."""
        leg, key = self._legs[one.leg], (one.leg, one.side)
        before = self._worst(one.leg)
        self._pending[key] += one.lots
        more = self._worst(one.leg) - before
        if more:
            misfit = self._judge(leg, one, more)
            if misfit is not None:
                self._pending[key] -= one.lots
                return misfit
            self._grow(leg, more)
        return None

    def _judge(self, leg: Leg, one: Entry, more: int) -> Misfit | None:
        position_max, total_max = self._caps
        lots = self._markets[leg.instrument.market] + more
        worst = leg.instrument.notional(leg.position_ticks2, lots) / 2
        code, cap = DenialCode.MAX_POSITION_EXCEEDED, position_max
        if worst <= cap:
            worst = self._total + leg.instrument.notional(leg.total_ticks2, more) / 2
            code, cap = DenialCode.MAX_NOTIONAL_EXCEEDED, total_max
        return Misfit(entry=one, code=code, worst_case=worst, cap=cap) if worst > cap else None

    def _grow(self, leg: Leg, lots: int) -> None:
        market = leg.instrument.market
        self._markets[market] = self._markets.get(market, 0) + lots
        self._total += leg.instrument.notional(leg.total_ticks2, lots) / 2

    def _worst(self, name: str) -> int:
        """Return the largest position of a leg that comes of what is held and counted."""
        held = self._legs[name].held_lots
        buys, sells = self._pending[name, Side.BUY], self._pending[name, Side.SELL]
        return max(buys, sells, held + buys, sells - held)


class Surplus:
    """Remembers at which prices entries fitted, since when some do not, and what was told."""

    __slots__ = ("_due_ns", "_told", "let_beside", "let_ticks2")

    def __init__(self) -> None:
        self.let_ticks2: dict[str, int] = {}
        """By market: bid plus ask, in ticks, when something was last let in there."""
        self.let_beside: dict[str, FeaturesComputed] = {}
        """All markets when something was last let in anywhere; nothing where there is one leg."""
        self._due_ns: dict[str, int] = {}
        """By entry that is one too many: when it is to be told of next."""
        self._told: set[str] = set()

    @property
    def leaving(self) -> Collection[str]:
        """Names of those that have been told to go."""
        return self._told

    def look(self, misfits: Iterable[Misfit], now_ns: int) -> tuple[Misfit, ...]:
        """Take who is too many now; return those to be told of: for long enough, or once more."""
        before, told = self._due_ns, self._told
        self._due_ns, self._told = {}, set()
        due = []
        for one in misfits:
            name = one.entry.name
            due_ns = before.get(name, now_ns + STANDS_NS)
            if name in told or due_ns <= now_ns:
                self._told.add(name)
            if due_ns <= now_ns:
                due.append(one)
                due_ns = now_ns + AGAIN_NS
            self._due_ns[name] = due_ns
        return tuple(due)
