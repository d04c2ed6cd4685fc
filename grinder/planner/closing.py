"""A position that has to go: offered first, then sold into the book, then at any price.

Post-only at the touch for a while, as ``Exits`` does it; then orders that take and expire, each of
them reaching further beyond the touch, up to a bound; then market orders. All of them are
reduce-only, and never for more than is held less what else of ours may still reduce it. One try in
each interval, for as long as anything is held: a close that takes too long is told of, again and
again.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from grinder.execution.filters import PARTS_MAX, parts_of
from grinder.messages.grid import CloseStage, Intent, IntentAction, Manner
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.safety import CloseSettings
from grinder.model.units import BPS, NS_PER_MS
from grinder.planner.exits import SLOTS, Scene
from grinder.planner.holdings import Holdings

TOXIC = "EMERGENCY_TOX_EXTREME"
TAKE_PROFIT = "TAKE_PROFIT"


class Closing:
    """One symbol's close: how long it has lasted, and what is tried next."""

    __slots__ = (
        "_holdings",
        "_instrument",
        "_reach",
        "_settings",
        "_since_ns",
        "_told",
        "_told_ns",
        "_tried_ns",
        "attempts",
        "mark_price",
        "reason",
    )

    def __init__(self, instrument: Instrument, settings: CloseSettings, holdings: Holdings) -> None:
        self._instrument = instrument
        self._settings = settings
        self._holdings = holdings
        self.mark_price: Decimal | None = None
        """Where the venue's price band hangs; None while unknown."""
        self.reason = ""
        """Why the position has to go; empty while nothing has to."""
        self.attempts = 0
        """How often orders that take have been sent since it had to go."""
        self._reach = "off"
        self._since_ns = self._tried_ns = self._told_ns = 0
        self._told: CloseStage | None = None

    # How far it has gone.

    def look(self, reason: str, position_lots: int, now_ns: int) -> tuple[CloseStage, ...]:
        """Note why the position has to go, if it has; return what is news about that."""
        if not reason or not position_lots:
            was_told, self.reason, self._told = self._told is not None, "", None
            return (CloseStage.OVER,) if was_told else ()
        self._note(reason, now_ns)
        news = []
        stage = self.stage(now_ns)
        if stage is not self._told:
            self._told = stage
            news.append(stage)
        if now_ns - self._told_ns >= self._settings.overdue_ms * NS_PER_MS:
            self._told_ns = now_ns
            news.append(CloseStage.OVERDUE)
        return tuple(news)

    def _note(self, reason: str, now_ns: int) -> None:
        if not self.reason:
            self._since_ns = self._told_ns = now_ns
            self._tried_ns = self.attempts = 0
        self.reason = reason
        self._reach = self._reach_of(reason)

    def _reach_of(self, reason: str) -> str:
        settings = self._settings
        special = {TAKE_PROFIT: settings.on_take_profit, TOXIC: settings.on_toxic_flow}
        return special.get(reason, settings.on_stop)

    def age_ns(self, now_ns: int) -> int:
        """Return how long ago the position had to go first; 0 while it has not."""
        return max(0, now_ns - self._since_ns) if self.reason else 0

    def stage(self, now_ns: int) -> CloseStage:
        """Return what may be done now."""
        settings, age_ns = self._settings, self.age_ns(now_ns)
        if self._reach == "off" or age_ns < settings.patience_ms * NS_PER_MS:
            return CloseStage.OFFERED
        if self._reach == "market" and age_ns >= settings.market_after_ms * NS_PER_MS:
            return CloseStage.MARKET
        return CloseStage.CROSSING

    def due_ns(self, now_ns: int) -> int:
        """Return when something is to be done that nobody else will call for; 0 if never."""
        if not self.reason or self._reach == "off":
            return 0
        settings = self._settings
        times = [
            self._since_ns + settings.patience_ms * NS_PER_MS,
            self._since_ns + settings.market_after_ms * NS_PER_MS,
            self._tried_ns + settings.interval_ms * NS_PER_MS,
        ]
        return min((one for one in times if one > now_ns), default=0)

    # What is tried.

    def plan(self, scene: Scene) -> list[Intent] | None:
        """Return what is to be done in place of offering it; None while it is offered.

        What rests is cancelled first, and counts until it is known to be gone: reduce-only orders
        can't turn the position, but two of them for the same lots would be one too many.
        """
        self._note(scene.closing, scene.now_ns)
        stage = self.stage(scene.now_ns)
        if stage is CloseStage.OFFERED:
            return None
        if stage is CloseStage.MARKET:
            manner, ticks, reason = Manner.MARKET, 0, f"CLOSE_MARKET {self.reason}"
        else:
            bps = self._slippage_bps()
            manner, reason = Manner.CROSS, f"CLOSE_CROSS {self.reason} {bps}bps"
            ticks = self._reaching(scene, bps)
        resting = [one for one in self._holdings.exits() if not one.is_taking]
        offered = [one for one in resting if not one.is_cancelling(scene.now_ns)]
        if offered:
            return [one.cancelled(reason) for one in offered]
        since_ns = max([self._tried_ns, *(one.cancelling_ns for one in resting)])
        if scene.now_ns - since_ns < self._settings.interval_ms * NS_PER_MS or ticks < 0:
            return []
        model = Intent(
            action=IntentAction.PLACE,
            level="",
            side=scene.side,
            price_ticks=ticks,
            reduce_only=True,
            reason=reason,
            manner=manner,
        )
        return self._try(model, scene)

    def _try(self, model: Intent, scene: Scene) -> list[Intent]:
        """Return orders like ``model`` for what nothing else of ours may still reduce."""
        holdings = self._holdings
        missing = abs(scene.position_lots) - holdings.exit_lots(scene.side)
        if missing <= 0:
            return []
        self._tried_ns = scene.now_ns
        self.attempts += 1
        free = [one for one in SLOTS if not holdings.is_taken(one)]
        orders = []
        for slot, lots in zip(free, self._parts(missing, model.manner), strict=False):
            holdings.propose(slot, scene.now_ns, lots)
            orders.append(attrs.evolve(model, level=slot, qty_lots=lots))
        return orders

    def _slippage_bps(self) -> int:
        settings = self._settings
        wanted = settings.slippage_bps + self.attempts * settings.slippage_step_bps
        return min(wanted, settings.slippage_max_bps)

    def _reaching(self, scene: Scene, bps: int) -> int:
        """Return the worst price of an order that takes, in ticks; -1 where none may take.

        The venue takes no sell far below the mark price and no buy far above it: in a crash that
        band may end before the touch.
        """
        instrument, mark = self._instrument, self.mark_price
        if scene.side is Side.SELL:
            worst = instrument.price(scene.bid_ticks) * (BPS - bps) / BPS
            ticks = max(instrument.ticks_up(worst), instrument.price_ticks_min)
            if mark is not None:
                ticks = max(ticks, instrument.ticks_up(mark * instrument.multiplier_down))
            return ticks if ticks <= scene.bid_ticks else -1
        worst = instrument.price(scene.ask_ticks) * (BPS + bps) / BPS
        ticks = min(instrument.ticks_down(worst), instrument.price_ticks_max)
        if mark is not None:
            ticks = min(ticks, instrument.ticks_down(mark * instrument.multiplier_up))
        return ticks if ticks >= scene.ask_ticks else -1

    def _parts(self, lots: int, manner: Manner) -> list[int]:
        instrument = self._instrument
        most = instrument.qty_lots_max
        if manner is Manner.MARKET:
            most = min(most, instrument.market_qty_lots_max)
        return parts_of(lots, most, instrument.qty_lots_min)[:PARTS_MAX]
