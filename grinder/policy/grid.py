"""The symmetric grid: what should rest, against what does.

While flat, ``levels`` post-only orders wait on each side of an anchor. While a position is open the
ladder stays where it is: the innermost levels that the position consumed stay empty, the rest of
that side waits on, the other side holds only reduce-only exits. An exit is placed at the average
entry price plus one step and never moved, so no moment is without it. When an exit fills, the
innermost empty level returns, between ladder and mid.
"""

from __future__ import annotations

from decimal import Decimal

from grinder.messages.grid import Intent, IntentAction, LadderPlanned
from grinder.model.grid import GridPlan
from grinder.model.grid_settings import GridSettings
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.units import NS_PER_MS
from grinder.policy.holdings import Holding, Holdings
from grinder.policy.ladder import buy_prices, has_moved, sell_prices, step_ticks

BUY_LEVELS = tuple(f"b{number}" for number in range(100))
SELL_LEVELS = tuple(f"s{number}" for number in range(100))
EXIT_SLOTS = tuple("x" + digit for digit in "0123456789abcdefghijklmnopqrstuvwxyz")
"""Levels for exits; a position of more parts has its smallest exits made into one."""
EXITS_MERGED = 8
"""Exits made into one at a time."""


class GridPlanner:
    """Plan of one symbol. Pure: every method is told the time."""

    def __init__(self, instrument: Instrument, settings: GridSettings) -> None:
        self.instrument = instrument
        self.settings = settings
        self.holdings = Holdings()
        self.position_lots = 0
        self.entry_price = Decimal(0)
        self.followed: GridPlan | None = None
        self.is_synced = False
        """True once the venue has said what rests."""
        self.may_enter = False
        """True while the lifecycle, the feed and leadership let risk be added."""
        self.must_clear = False
        """True when resting entries have to go."""
        self.anchor_ticks2 = 0
        self.step = 1
        self.is_dirty = True
        """True when something but the price calls for a new plan."""
        self.was_in_position = False
        self.paused_until_ns: dict[str, int] = {}
        """Levels that were refused, by the venue or by our own, until when they rest."""
        self.waits_for_price = False
        """True when a wanted level would cross and has been left out."""
        self._level_lots = 0
        self._buys: tuple[Intent, ...] = ()
        """What a whole ladder of buys is, best first, since the anchor was last set."""
        self._sells: tuple[Intent, ...] = ()
        self._ladder: dict[str, Intent] = {}
        self._wanted_at: int | None = None
        """The position for which ``_ladder`` holds; None when it has to be made anew."""
        self._is_tidy = False
        """True when no entry that rests was out of place, and none has come since."""

    def follow(self, plan: GridPlan | None, now_ns: int) -> bool:
        """Take another plan, or None for the ladder of the settings.

        Return whether what is wanted has changed.
        """
        if plan == self.followed:
            return False
        self.followed = plan
        return True

    def is_quiet(self, mid_ticks2: int) -> bool:
        """Return whether a change of price alone leaves the plan as it is: the fast path."""
        if self.is_dirty or self.waits_for_price:
            return False
        if self.position_lots and self.settings.freeze_in_position:
            return True
        return not self.may_enter or not has_moved(
            mid_ticks2, self.anchor_ticks2, self.settings.recentre_bps
        )

    def plan(self, bid_ticks: int, ask_ticks: int, now_ns: int) -> tuple[Intent, ...]:
        """Return what to do now, cancels first, then exits, then entries."""
        self.is_dirty = False
        self.waits_for_price = False
        if not self.is_synced:
            return ()
        self._forget_pauses(now_ns)
        cancels: list[Intent] = []
        entries: list[Intent] = []
        if self.must_clear:
            cancels = self._cancel_entries("CANCEL_ONLY", now_ns)
            self._is_tidy = False
        elif self.may_enter:
            self._centre(bid_ticks + ask_ticks)
            wanted = self._wanted()
            cancels = self._cancel_misplaced(wanted, now_ns)
            entries = self._missing(wanted, bid_ticks, ask_ticks, now_ns)
        exits = self._exits(bid_ticks, ask_ticks, now_ns)
        return (*cancels, *exits, *entries)

    def _centre(self, mid_ticks2: int) -> None:
        """Move the anchor if it may and must."""
        in_position = self.position_lots != 0
        if self.anchor_ticks2:
            if in_position and self.settings.freeze_in_position:
                self.was_in_position = True
                return
            # Just flat again: one step of distance is enough, the old anchor holds nothing back.
            limit = self.settings.recentre_bps
            if self.was_in_position and not in_position:
                limit = min(limit, self.settings.spacing_bps)
            self.was_in_position = in_position
            if not has_moved(mid_ticks2, self.anchor_ticks2, limit):
                return
        self.anchor_ticks2 = mid_ticks2
        settings = self.settings
        self.step = step_ticks(mid_ticks2, settings.spacing_bps)
        self._level_lots = self.instrument.lots_for_notional(
            settings.level_notional, mid_ticks2 // 2
        )
        buys = buy_prices(mid_ticks2, self.step, settings.levels)
        sells = sell_prices(mid_ticks2, self.step, settings.levels)
        self._buys = _rungs(Side.BUY, BUY_LEVELS, buys, self._level_lots)
        self._sells = _rungs(Side.SELL, SELL_LEVELS, sells, self._level_lots)
        self._wanted_at = None

    def _wanted(self) -> dict[str, Intent]:
        """Return the entries that should rest, by level; made anew when something has changed."""
        position = self.position_lots
        if self._wanted_at != position:
            self._wanted_at = position
            self._is_tidy = False
            rungs: tuple[Intent, ...] = ()
            if self._level_lots > 0:
                consumed = -(-abs(position) // self._level_lots)
                buys = self._buys[consumed:] if position >= 0 else ()
                sells = self._sells[consumed:] if position <= 0 else ()
                rungs = buys + sells
            self._ladder = {one.level: one for one in rungs}
        return self._ladder

    def _cancel_misplaced(self, wanted: dict[str, Intent], now_ns: int) -> list[Intent]:
        holdings = self.holdings
        if self._is_tidy and not holdings.has_grown:
            return []
        holdings.has_grown = False
        self._is_tidy = True
        cancels = []
        for holding in holdings.by_id.values():
            if holding.reduce_only:
                continue
            if holding.is_cancelling(now_ns):
                self._is_tidy = False
                continue
            is_double = holdings.by_level.get(holding.level) != holding.client_order_id
            reason = _why_misplaced(holding, None if is_double else wanted.get(holding.level))
            if reason:
                cancels.append(_cancel(holding, reason))
        if cancels:
            self._is_tidy = False
        return cancels

    def _cancel_entries(self, reason: str, now_ns: int) -> list[Intent]:
        return [
            _cancel(holding, reason)
            for holding in self.holdings.by_id.values()
            if not (holding.reduce_only or holding.is_cancelling(now_ns))
        ]

    def _missing(
        self, wanted: dict[str, Intent], bid_ticks: int, ask_ticks: int, now_ns: int
    ) -> list[Intent]:
        places = []
        taken, proposed = self.holdings.by_level, self.holdings.proposed
        paused = self.paused_until_ns
        since = (now_ns, self._level_lots)
        for level, intent in wanted.items():
            if level in taken or level in proposed or level in paused:
                continue
            ticks = intent.price_ticks
            if ticks >= ask_ticks if intent.side is Side.BUY else ticks <= bid_ticks:
                self.waits_for_price = True
                continue
            proposed[level] = since
            places.append(intent)
        return places

    def _exits(self, bid_ticks: int, ask_ticks: int, now_ns: int) -> list[Intent]:
        """Cover what no exit covers yet; nothing of the covered part is touched."""
        if not self.position_lots:
            return []
        side = Side.SELL if self.position_lots > 0 else Side.BUY
        uncovered = abs(self.position_lots) - self.holdings.exit_lots(side)
        if uncovered <= 0 or self.entry_price <= 0 or "x" in self.paused_until_ns:
            return []
        slot = next((one for one in EXIT_SLOTS if not self.holdings.is_taken(one)), None)
        merging = [one for one in self.holdings.exits() if one.is_cancelling(now_ns)]
        if merging:
            return []
        if slot is None:
            smallest = sorted(self.holdings.exits(), key=lambda one: one.remaining_lots)
            return [_cancel(one, "TP_MERGE") for one in smallest[:EXITS_MERGED]]
        self.holdings.propose(slot, now_ns, uncovered)
        return [
            Intent(
                action=IntentAction.PLACE,
                level=slot,
                side=side,
                price_ticks=self._exit_price(side, bid_ticks, ask_ticks),
                qty_lots=uncovered,
                reduce_only=True,
                reason="TP_CLOSE",
            )
        ]

    def _exit_price(self, side: Side, bid_ticks: int, ask_ticks: int) -> int:
        """One step beyond the average entry, but never where it would take."""
        distance = self.entry_price * self.settings.exit_spacing_bps / 10_000
        if side is Side.SELL:
            return max(self.instrument.ticks_up(self.entry_price + distance), bid_ticks + 1)
        return min(self.instrument.ticks_down(self.entry_price - distance), ask_ticks - 1)

    def refuse(self, level: str, reduce_only: bool, now_ns: int) -> int:
        """Note that the venue refused a placement; return the pause in ns before the next try."""
        pause_ns = self.settings.refused_level_pause_ms * NS_PER_MS
        self.is_dirty = True
        return self.deny(level, reduce_only, pause_ns, now_ns)

    def deny(self, level: str, reduce_only: bool, pause_ns: int, now_ns: int) -> int:
        """Let a level rest that was refused; return for how long in ns.

        An exit rests for its own time, whatever an entry would have to wait.
        """
        self.holdings.withdraw(level)
        if reduce_only:
            level, pause_ns = "x", self.settings.exit_retry_ms * NS_PER_MS
        self.paused_until_ns[level] = now_ns + pause_ns
        return pause_ns

    def forget_denials(self) -> None:
        """Let every level for entries return at once: what stood against them is over."""
        paused = self.paused_until_ns
        self.paused_until_ns = {"x": paused["x"]} if "x" in paused else {}

    def _forget_pauses(self, now_ns: int) -> None:
        if self.paused_until_ns:
            self.paused_until_ns = {
                level: until for level, until in self.paused_until_ns.items() if until > now_ns
            }

    def picture(self, symbol: str, reason: str) -> LadderPlanned:
        """Return the plan for people to see."""
        wanted = self._wanted() if self.may_enter and self.anchor_ticks2 else {}
        return LadderPlanned(
            symbol=symbol,
            anchor_ticks2=self.anchor_ticks2,
            step_ticks=self.step,
            bids=tuple(one.price_ticks for one in wanted.values() if one.side is Side.BUY),
            asks=tuple(one.price_ticks for one in wanted.values() if one.side is Side.SELL),
            exits=tuple(one.price_ticks for one in self.holdings.by_id.values() if one.reduce_only),
            position_lots=self.position_lots,
            average_price=self.entry_price,
            reason=reason,
        )


def _why_misplaced(holding: Holding, place: Intent | None) -> str:
    if place is None:
        return "GRID_TRIM"
    is_shifted = place.side is not holding.side or place.price_ticks != holding.price_ticks
    return "GRID_SHIFT" if is_shifted else ""


def _rungs(
    side: Side, levels: tuple[str, ...], prices: tuple[int, ...], lots: int
) -> tuple[Intent, ...]:
    return tuple(
        Intent(
            action=IntentAction.PLACE,
            level=levels[number],
            side=side,
            price_ticks=price,
            qty_lots=lots,
            reason="GRID_FILL",
        )
        for number, price in enumerate(prices, 1)
    )


def _cancel(holding: Holding, reason: str) -> Intent:
    return Intent(
        action=IntentAction.CANCEL,
        level=holding.level,
        side=holding.side,
        client_order_id=holding.client_order_id,
        reason=reason,
    )
