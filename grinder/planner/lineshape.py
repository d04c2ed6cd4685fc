"""A ladder on fixed prices: what rests on lines that stay, or follow the market by whole steps."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from grinder.model.grid import ResetAction
from grinder.model.grid_settings import GridSettings
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.planner.bounds import FAR, Bounds, Start, price_of
from grinder.planner.holdings import Holdings
from grinder.planner.lines import Lines
from grinder.planner.rungs import Geometry, Place, Tolerance, placeable, places_of, settle
from grinder.planner.shape import Shape, ticks2_of


class LineShape(Shape):
    """The ladder on lines. While something is held neither they nor the empty one move."""

    def __init__(
        self,
        instrument: Instrument,
        settings: GridSettings,
        holdings: Holdings,
        start: Start,
        bounds: Bounds | None,
    ) -> None:
        super().__init__(instrument, settings, holdings, start)
        self._recalled_base = 0
        self._bounds = bounds
        self.lines: Lines | None = None
        self._lots = 0
        """Of each line."""
        self._is_paired = settings.initial_position != "none"
        """True while every line counts as filled or waiting, on both sides of the market: which of
        them are filled is read off the position."""
        self._calm2: tuple[int, int] = (0, 0)
        """Between which twice the mid the lines stay as they are, in ticks."""

    def is_calm(self, mid_ticks2: int, _: int) -> bool:
        """Return whether a change of price alone leaves the ladder as it is."""
        return self._calm2[0] < mid_ticks2 < self._calm2[1]

    def beyond(self, side: Side, ticks: int) -> int:
        """Return where the exit of an entry of ``side`` filled at ``ticks`` belongs, in ticks."""
        if self.lines is None:
            return super().beyond(side, ticks)
        price = self.lines.beyond(side, ticks)
        instrument = self._instrument
        return instrument.ticks_up(price) if side is Side.BUY else instrument.ticks_down(price)

    def is_outside(self, mid_ticks2: int) -> bool:
        """Return whether the market has left the lines: nothing is placed there."""
        lines = self.lines
        return lines is not None and lines.is_outside(self._instrument.price(mid_ticks2) / 2)

    def begin(self, mid_ticks2: int) -> None:
        """Lay the lines, once, where those of an earlier generation lay."""
        if self.lines is not None:
            return
        settings = self._settings
        mid = self._start.fix(self._instrument.price(mid_ticks2) / 2)
        lines = self.lines = Lines(
            self._instrument,
            price_of(settings.price_lower, mid),
            price_of(settings.price_upper, mid),
            settings.lines,
            geometric=settings.spacing_kind == "geometric",
        )
        lines.may_rise = settings.trailing in ("up", "both")
        lines.may_fall = settings.trailing in ("down", "both")
        lines.base = self._recalled_base
        if self._bounds is not None:
            self._bounds.begin(mid)
            self._bounds.shift(lines.price(lines.base) - lines.price(0))

    def begin_anew(self) -> None:
        """Forget where the lines lay: the next mid is the first one."""
        super().begin_anew()
        self.lines = None
        self._recalled_base = self._lots = 0

    def facts(self) -> dict[str, str]:
        """Return what must outlive whoever looks after the grid."""
        base = self._recalled_base if self.lines is None else self.lines.base
        return {**super().facts(), "base": str(base)}

    def recall(self, facts: Mapping[str, str]) -> None:
        """Take what ``facts`` returned before."""
        super().recall(facts)
        self._recalled_base = int(facts.get("base", "0"))

    def centre(self, mid_ticks2: int, position_lots: int) -> None:
        """Move the lines, and the empty one, if they may and must."""
        instrument = self._instrument
        mid = instrument.price(mid_ticks2) / 2
        self.begin(mid_ticks2)
        lines = self.lines
        assert lines is not None
        is_flat = position_lots == 0
        has_changed = self._built_for is not self.followed or self.geometry is None
        if self._is_paired:
            has_changed = (is_flat and self._follow_market(lines, mid)) or has_changed
            lines.gap = lines.top if self._settings.direction == "long" else lines.base
        elif is_flat:
            has_changed = self._follow_market(lines, mid) or has_changed
            # An order that the market has passed is filled, or soon known to be.
            has_changed = (not self._is_passed(mid_ticks2) and lines.recentre(mid)) or has_changed
        elif lines.gap is None:
            has_changed = lines.recentre(mid)
        if has_changed:
            self._build_lines(lines, mid_ticks2)
        low, high = lines.calm(mid, is_flat=is_flat, is_settled=self._is_paired)
        self._calm2 = (
            ticks2_of(low, instrument),
            FAR if high is None else ticks2_of(high, instrument),
        )

    def _is_passed(self, mid_ticks2: int) -> bool:
        return any(
            (2 * one.price_ticks - mid_ticks2) * one.side.sign >= 0
            for one in self._holdings.by_id.values()
            if not one.reduce_only
        )

    def _follow_market(self, lines: Lines, mid: Decimal) -> bool:
        before = lines.price(lines.base)
        steps = lines.shift(mid)
        if steps and self._bounds is not None:
            self._bounds.shift(lines.price(lines.base) - before)
        return steps != 0

    def _build_lines(self, lines: Lines, mid_ticks2: int) -> None:
        gap = lines.base if lines.gap is None else lines.gap
        anchor2 = ticks2_of(lines.price(gap), self._instrument)
        spacing_bps = float(lines.step_at(gap) / lines.price(gap) * 10_000)
        self._anchor(anchor2)
        self.geometry = Geometry(anchor_ticks2=anchor2, spacing_bps=spacing_bps)
        self._built_for = self.followed
        self.wanted_at = None
        if not self._lots or self._settings.reinvest:
            self._lots = self._level_lots(mid_ticks2, lines.count)
        tolerance = Tolerance(qty_pct=self._settings.qty_epsilon_pct)
        self._buys, self._sells = (
            self._limited(
                settle(
                    self._placeable(self._line_places(lines, side, mid_ticks2), side, mid_ticks2),
                    side,
                    self._holdings,
                    tolerance,
                )
            )
            for side in Side
        )
        self._reset = ResetAction.NONE

    def _placeable(self, places: list[Place], side: Side, mid_ticks2: int) -> list[Place]:
        """Return what the venue would take; lines beyond the market are not for the venue."""
        count = sum(1 for one in places if self._is_beyond(one.price_ticks, side, mid_ticks2))
        rest = placeable(places[count:], side, self._instrument, mid_ticks2)
        return [*places[:count], *rest] if count else rest

    def _is_beyond(self, ticks: int, side: Side, mid_ticks2: int) -> bool:
        """Return whether an entry there would take, and is not placed because of pairs."""
        return self._is_paired and (2 * ticks - mid_ticks2) * side.sign > 0

    def _line_places(self, lines: Lines, side: Side, mid_ticks2: int) -> list[Place]:
        prices, plan = lines.prices(side), self.followed
        whole = [Place(price_ticks=price, qty_lots=self._lots) for price in prices]
        if plan is None:
            return whole
        # Lines beyond the market are as big as ever: they stand for what is held.
        count = sum(1 for price in prices if self._is_beyond(price, side, mid_ticks2))
        sized = places_of(plan, Geometry(anchor_ticks2=FAR, spacing_bps=1), side, self._instrument)
        return whole[:count] + [
            Place(price_ticks=price, qty_lots=one.qty_lots)
            for price, one in zip(prices[count:], sized, strict=False)
        ]

    # What a grid with an initial position has of each pair of lines.

    @property
    def line_lots(self) -> int:
        """Of each line, in lots."""
        return self._lots

    def lots_beyond(self, mid_ticks2: int, side: Side) -> int:
        """Return what the lines beyond the one nearest to the market are to turn over, in lots."""
        lines = self.lines
        assert lines is not None
        nearest = lines.nearest(self._instrument.price(mid_ticks2) / 2)
        return self._lots * (lines.top - nearest if side is Side.BUY else nearest - lines.base)

    def exit_places(self, position_lots: int) -> tuple[tuple[int, int], ...]:
        """Return price in ticks and lots of every exit of the position; empty without pairs."""
        if not self._is_paired or self.lines is None:
            return ()
        side = Side.BUY if position_lots > 0 else Side.SELL
        rungs = self._buys if side is Side.BUY else self._sells
        left, places = abs(position_lots), []
        for rung in rungs:
            lots = min(left, rung.qty_lots)
            left -= lots
            if lots:
                places.append((self.beyond(side, rung.price_ticks), lots))
        return tuple(places)
