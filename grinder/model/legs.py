"""What is traded of a market: one leg in one-way mode, a long and a short one in hedge mode.

In one-way mode the leg is called like its market (``BTCUSDT``). In hedge mode the venue keeps two
positions of each market, which grow and shrink independently: ``BTCUSDT:LONG`` is only ever bought
to open, ``BTCUSDT:SHORT`` only sold. Everything that holds, plans or counts does so by leg; market
data, and what the venue does to a whole market, go by market.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from grinder.model.instrument import SEPARATOR, Instrument, side_of
from grinder.model.order import PositionSide, Side

ONE_WAY = "one-way"
HEDGE = "hedge"
SIDES = (PositionSide.LONG, PositionSide.SHORT)


def leg_name(market: str, side: PositionSide) -> str:
    """Return the name of a market's leg; BOTH is the market itself."""
    return market if side is PositionSide.BOTH else f"{market}{SEPARATOR}{side.value}"


def closes(side: PositionSide, order_side: Side) -> bool:
    """Return whether orders of ``order_side`` can only reduce a leg of ``side``; not for BOTH."""
    return side.opening is order_side.opposite


def names_of(markets: Iterable[str], position_mode: str) -> tuple[str, ...]:
    """Return the names of the legs of ``markets``, market by market, the long one first."""
    if position_mode == ONE_WAY:
        return tuple(markets)
    return tuple(leg_name(market, side) for market in markets for side in SIDES)


def legs_of(instruments: Mapping[str, Instrument], position_mode: str) -> dict[str, Instrument]:
    """Return what is traded of the markets of ``instruments``, which may be legs already."""
    markets = markets_of(instruments)
    if position_mode == ONE_WAY:
        return markets
    names = names_of(markets, position_mode)
    return {name: attrs.evolve(markets[market_of(name)], symbol=name) for name in names}


def market_of(leg: str) -> str:
    """Return the market of a leg by its name."""
    return leg if side_of(leg) is PositionSide.BOTH else leg.rpartition(SEPARATOR)[0]


def markets_of(instruments: Mapping[str, Instrument]) -> dict[str, Instrument]:
    """Return the markets of ``instruments`` by their own names, in the order of their legs."""
    return {
        one.market: attrs.evolve(one, symbol=one.market) if one.market != name else one
        for name, one in instruments.items()
    }


def by_market(legs: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of ``legs`` by market."""
    found: dict[str, tuple[str, ...]] = {}
    for name in legs:
        market = market_of(name)
        found[market] = (*found.get(market, ()), name)
    return found


def twin_of(leg: str) -> str:
    """Return the name of the other leg of a market; empty in one-way mode."""
    market = market_of(leg)
    return next((one for one in names_of((market,), HEDGE) if market != leg != one), "")
