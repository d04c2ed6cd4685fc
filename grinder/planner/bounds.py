"""What begins a grid and what ends it: prices and amounts that an operator set.

A price may be written as it is, or as a percentage of the mid at the start. Once a stop is reached
the grid is over until it is resumed by name, or begins anew with the process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from grinder.model.grid_settings import GridSettings
from grinder.model.instrument import Instrument

_PRICE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)")
_PERCENT = re.compile(r"([+-]?[0-9]{1,4}(?:\.[0-9]{1,6})?)%")
FAR = 2**62
"""Twice a price in ticks that no market reaches."""


def price_of(text: str, mid: Decimal) -> Decimal:
    """Return the price that ``text`` means: itself, or a distance from ``mid`` in per cent.

    Raises:
        ValueError: it is neither, or not above 0.
    """
    if _PRICE.fullmatch(text):
        price = Decimal(text)
    elif match := _PERCENT.fullmatch(text):
        price = mid * (1 + Decimal(match[1]) / 100)
    else:
        raise ValueError(f'expected a price such as 58000, or a distance such as -5%, was "{text}"')
    if price <= 0:
        raise ValueError(f'expected a price above 0, was "{text}"')
    return price


class Start:
    """The mid from which percentages count: the first one of the grid."""

    __slots__ = ("mid",)

    def __init__(self) -> None:
        self.mid: Decimal | None = None

    def fix(self, mid: Decimal) -> Decimal:
        """Return the mid at the start; the first one is it."""
        if self.mid is None:
            self.mid = mid
        return self.mid


class Bounds:
    """The limits of one symbol's grid, with what has become of them."""

    __slots__ = (
        "_counted_from",
        "_high2",
        "_instrument",
        "_low2",
        "_settings",
        "_side",
        "_start",
        "is_started",
        "realised",
        "start",
        "stop_lower",
        "stop_upper",
        "stopped",
    )

    def __init__(self, settings: GridSettings, instrument: Instrument, start: Start) -> None:
        self._start = start
        self._settings = settings
        self._instrument = instrument
        self.stopped = ""
        """STOP_LOWER, STOP_UPPER, TAKE_PROFIT or STOP_LOSS once the grid is over."""
        self.is_started = not settings.start_price
        self.realised = Decimal(0)
        """Net of fees and funding, since the run started, in quote units."""
        self.start: Decimal | None = None
        self.stop_lower: Decimal | None = None
        self.stop_upper: Decimal | None = None
        self._counted_from = Decimal(0)
        self._side = 0
        self._low2 = self._high2 = 0

    @staticmethod
    def are_set(settings: GridSettings) -> bool:
        """Return whether there is anything to look at."""
        return bool(
            settings.start_price
            or settings.stop_lower
            or settings.stop_upper
            or settings.take_profit
            or settings.stop_loss
        )

    def is_calm(self, mid_ticks2: int) -> bool:
        """Return whether nothing can have been reached since the last look."""
        return self._low2 < mid_ticks2 < self._high2

    def begin(self, mid: Decimal) -> None:
        """Turn percentages into prices, once."""
        if self._side:
            return
        mid = self._start.fix(mid)
        settings = self._settings
        if settings.start_price:
            self.start = price_of(settings.start_price, mid)
        if settings.stop_lower:
            self.stop_lower = price_of(settings.stop_lower, mid)
        if settings.stop_upper:
            self.stop_upper = price_of(settings.stop_upper, mid)
        self._side = 1 if self.start is None or mid >= self.start else -1

    def look(self, mid_ticks2: int, position_lots: int, entry_price: Decimal) -> bool:
        """Note what has been reached; return whether that is news."""
        mid = self._instrument.price(mid_ticks2) / 2
        self.begin(mid)
        before = (self.is_started, self.stopped)
        if self.start is not None and not self.is_started:
            self.is_started = (mid - self.start) * self._side <= 0
        if self.is_started and not self.stopped:
            self.stopped = self._why_over(mid, position_lots, entry_price)
        self._set_calm(position_lots)
        return before != (self.is_started, self.stopped)

    def _why_over(self, mid: Decimal, position_lots: int, entry_price: Decimal) -> str:
        if self.stop_lower is not None and mid <= self.stop_lower:
            return "STOP_LOWER"
        if self.stop_upper is not None and mid >= self.stop_upper:
            return "STOP_UPPER"
        profit = (
            self.realised - self._counted_from + self._open_profit(mid, position_lots, entry_price)
        )
        settings = self._settings
        if settings.take_profit and profit >= settings.take_profit:
            return "TAKE_PROFIT"
        if settings.stop_loss and profit <= -settings.stop_loss:
            return "STOP_LOSS"
        return ""

    def _open_profit(self, mid: Decimal, position_lots: int, entry_price: Decimal) -> Decimal:
        if not position_lots or entry_price <= 0:
            return Decimal(0)
        qty = self._instrument.qty(position_lots)
        if self._instrument.contract_size is not None:
            return qty * self._instrument.contract_size * (1 / entry_price - 1 / mid)
        return qty * (mid - entry_price)

    def _set_calm(self, position_lots: int) -> None:
        low: list[Decimal] = []
        high: list[Decimal] = []
        settings = self._settings
        if not self.is_started and self.start is not None:
            (low if self._side > 0 else high).append(self.start)
        if self.is_started and not self.stopped:
            low += [self.stop_lower] if self.stop_lower is not None else []
            high += [self.stop_upper] if self.stop_upper is not None else []
            if position_lots and (settings.take_profit or settings.stop_loss):
                # Profit moves with every tick: every tick is looked at.
                self._low2 = self._high2 = 0
                return
        twice = 2 / self._instrument.tick
        self._low2 = max(
            (int((one * twice).to_integral_value(ROUND_CEILING)) for one in low), default=0
        )
        self._high2 = min(
            (int((one * twice).to_integral_value(ROUND_FLOOR)) for one in high), default=FAR
        )

    def facts(self) -> dict[str, str]:
        """Return what must outlive whoever looks after the grid."""
        return {
            "stopped": self.stopped,
            "is_started": "yes" if self.is_started else "",
            "counted_from": str(self._counted_from),
            "realised": str(self.realised),
        }

    def recall(self, facts: Mapping[str, str]) -> None:
        """Take what ``facts`` returned before."""
        self.stopped = facts.get("stopped", "")
        self.is_started = self.is_started or bool(facts.get("is_started"))
        self._counted_from = Decimal(facts.get("counted_from", "0"))
        # The books tell of it with the next change only.
        self.realised = Decimal(facts.get("realised", "0"))

    def shift(self, by: Decimal) -> None:
        """Let the stops follow lines that have moved by ``by`` in quote per base."""
        if self.stop_lower is not None:
            self.stop_lower += by
        if self.stop_upper is not None:
            self.stop_upper += by
        self._low2 = self._high2 = 0

    def resume(self) -> None:
        """Let the grid go on: percentages count from the next mid, amounts from 0."""
        self.stopped = ""
        self._counted_from = self.realised
        self._start.mid = None
        self._side = 0
        self._low2 = self._high2 = 0
