"""What must be true of what the venue shows, looked at once a second of virtual time."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from grinder.actors.wiring import RISK
from grinder.actors.world import ACCOUNT
from grinder.execution.identity import decode
from grinder.model.grid import GridPlan
from grinder.model.legs import HEDGE, by_market
from grinder.model.order import Side
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.risk.surplus import AGAIN_NS
from grinder.worlds.invariants import TOLD_MAX, Watch

if TYPE_CHECKING:
    from grinder.simulation.orders import Order
    from grinder.worlds.world import FaultWorld

LASTS_MAX_S: Final = {
    "cap": 20, "cap-heard": 5, "reach": 45, "cover": 60, "opposite-held": 45, "stale": 45,
    "barred": 45,
}  # fmt: skip
"""How long something may be wrong while nobody can know it, or nobody can do anything about it:
more at risk than the cap, or than one ladder; more than the cap, as RiskSupervisor knows, and
nobody is told to cancel any; no exit for what is held; an order that could turn the position;
quotes on a market that is not heard, or while there are to be none."""
CAP_SLACK: Final = Decimal("1.02")
"""Prices move between the judgement and the venue."""
SURPLUS_MAX: Final = 30
"""Exits refused in a minute because they would close more than is held."""

LOOKED: Final = (*LASTS_MAX_S, "frozen", "heeded")
EACH_MINUTE: Final = ("churn",)


@attrs.frozen
class _Anchor:
    """Where a policy has its ladder while it holds something."""

    actor: Any
    ticks2: int
    held: int
    fills: int


class Looks:
    """Looks at the venue of one world, and remembers since when something is not as it must be."""

    def __init__(self, world: FaultWorld, watch: Watch) -> None:
        self._world = world
        self._watch = watch
        self._lasts_s: Counter[tuple[str, str]] = Counter()
        self._anchors: dict[str, _Anchor] = {}
        cap = world.config.risk.position_notional_max
        self._reaches = dict.fromkeys(world.instruments, cap)
        self._earned = dict.fromkeys(world.instruments, Decimal(0))
        # The most that each symbol has ever earned.

    def look(self) -> None:
        """Judge what the venue shows now."""
        world = self._world
        cap = world.config.risk.position_notional_max
        ended = world.process.runtime.root_exit
        if ended is not None:
            self._watch.violate("tree", f"the system gave up: {ended.detail}")
        self._watch.judged["heeded"] += 1
        for text in world.operator.unheeded():
            self._watch.violate("heeded", text)
        for symbol in world.instruments:
            self._judge_anchor(symbol)
            is_well = {
                # What filled unheard is held and can't be undone; it must not be added to.
                "cap": self._is_gross_within(symbol, cap) or not adds_to(world, symbol),
                "cap-heard": self._is_cap_heeded(symbol, cap),
                "reach": self._is_within(symbol, self._reach(symbol)) or not adds_to(world, symbol),
                "cover": self._watch.is_killed or is_covered(world, symbol),
                "opposite-held": may_turn(world) or not opposite_of(world, symbol),
                "stale": not self._is_stale(symbol),
                "barred": not (self._is_barred(symbol) and entries_of(world, symbol)),
            }
            for name, is_so in is_well.items():
                self._judge_lasting(name, symbol, is_well=is_so)
        if world.now_ms // 1_000 % 60 == 0:
            self._look_back()

    def _look_back(self) -> None:
        """Judge how much was done in the last minute."""
        told = self._watch.told
        self._watch.judged["churn"] += 1
        grid = self._world.config.policy
        # Twice as many orders rest at a time, or all of them follow the market all the time.
        is_hedged = self._world.config.venue.position_mode == HEDGE
        is_busy = is_hedged or may_turn(self._world) or grid.lines or not grid.freeze_in_position
        for name, most in {**TOLD_MAX, "surplus": SURPLUS_MAX}.items():
            if told[name] > most * (2 if is_busy else 1):
                self._watch.violate("churn", f"{told[name]} {name} in a minute")
        told.clear()

    def _reach(self, symbol: str) -> Decimal:
        """Return what one side of the ladder is worth, in quote units; the cap while unknown."""
        world = self._world
        policy = world.config.policy
        actor = world.process.actor(f"policy.{symbol}")
        plan: GridPlan | None = None if actor is None else actor._planner.shape.followed
        is_fixed = world.config.sizing.mode == "fixed"
        if policy.name == "static" and (is_fixed or (actor is not None and plan is None)):
            levels = policy.lines - 1 if policy.lines else policy.levels
            return policy.level_notional * levels + self._reinvested(symbol)
        if plan is not None and plan.is_active:
            levels = max(plan.levels_up, plan.levels_down)
            qty = sum((plan.size(number) for number in range(1, levels + 1)), Decimal(0))
            # The outermost buy is worth less than at the centre, and the outermost sell more.
            width = 1 + Decimal(plan.width_bps) / 10_000
            self._reaches[symbol] = qty * plan.center_price * width
        elif plan is None:
            self._reaches[symbol] = world.config.risk.position_notional_max
        # A pause may leave on the book what the plan before it had there.
        return self._reaches[symbol]

    def _reinvested(self, symbol: str) -> Decimal:
        """Return by how much levels may have grown, in quote units."""
        ledger = self._watch.ledgers.get(symbol)
        if ledger is not None and self._world.config.policy.reinvest:
            net = ledger.realized_pnl - ledger.fees + ledger.funding
            self._earned[symbol] = max(self._earned[symbol], net)
        return self._earned[symbol]

    def _is_within(self, symbol: str, notional_max: Decimal) -> bool:
        """Return whether position and what may come to it are worth at most so much."""
        world = self._world
        instrument = world.instruments[symbol]
        bid, _ = world.market.quotes[instrument.market]
        # What somebody else trades is not ours to cap.
        lots = max(0, worst_lots(world, symbol) - world.hand_lots[symbol])
        return instrument.notional(bid, lots) <= notional_max * CAP_SLACK

    def _is_gross_within(self, symbol: str, notional_max: Decimal) -> bool:
        """Return whether both legs of the market together are worth at most so much."""
        world = self._world
        market = world.instruments[symbol].market
        bid, _ = world.market.quotes[market]
        legs = by_market(world.instruments)[market]
        lots = sum(max(0, worst_lots(world, leg) - world.hand_lots[leg]) for leg in legs)
        return world.instruments[symbol].notional(bid, lots) <= notional_max * CAP_SLACK

    def _is_cap_heeded(self, symbol: str, cap: Decimal) -> bool:
        """Return whether what RiskSupervisor believes fits the cap, or it has had entries go."""
        world = self._world
        risk = world.process.actor(RISK)
        leg = world.instruments[symbol]
        now = None if risk is None else risk._facts.features.get(leg.market)
        if now is None or risk._facts.is_winding_down:
            return True
        told_ns = self._watch.withdrawn_ns.get(leg.market, 0)
        if world.now_ns - told_ns <= AGAIN_NS + NS_PER_S:
            return True
        # A price that has risen since something was let in takes nothing off.
        ticks2 = now.bid_ticks + now.ask_ticks
        ticks2 = min(ticks2, risk._facts.surplus.let_ticks2.get(leg.market, ticks2))
        legs = [risk._facts.exposure.of(one) for one in by_market(world.instruments)[leg.market]]
        worst = sum(one.worst_lots() for one in legs)
        is_over = leg.notional(ticks2, worst) / 2 > cap
        return not (is_over and any(one.worst_lots() > abs(one.position_lots) for one in legs))

    def _judge_lasting(self, name: str, symbol: str, *, is_well: bool) -> None:
        self._watch.judged[name] += 1
        key = (name, symbol)
        self._lasts_s[key] = 0 if is_well else self._lasts_s[key] + 1
        if self._lasts_s[key] == LASTS_MAX_S[name] + 1:
            held = held_lots(self._world, symbol)
            self._watch.violate(name, f"{symbol}, {held} lots held: for {LASTS_MAX_S[name]} s")

    def _is_stale(self, symbol: str) -> bool:
        """Return whether orders rest that follow a market that nobody has heard of."""
        world = self._world
        market = world.instruments[symbol].market
        heard_ns = world.process.weather.heard_ns.get(market, world.process.started_ns)
        limit_ns = world.config.feed.book_stale_after_ms * NS_PER_MS + NS_PER_S
        return world.now_ns - heard_ns > limit_ns and bool(entries_of(world, symbol))

    def _is_barred(self, symbol: str) -> bool:
        """Return whether nothing may be entered, as far as has been said."""
        watch, market = self._watch, self._world.instruments[symbol].market
        is_held = watch.is_killed or watch.state in ("PAUSED", "EMERGENCY")
        return is_held or market in watch.banned_ns

    def _judge_anchor(self, symbol: str) -> None:
        """See that a policy that holds something leaves its ladder where it is."""
        world = self._world
        policy = world.process.actor(f"policy.{symbol}")
        before = self._anchors.pop(symbol, None)
        self._watch.judged["frozen"] += 1
        if policy is None or not policy._planner.position_lots:
            return
        if not self._world.config.policy.freeze_in_position:
            return
        planner = policy._planner
        fills = world.exchange.ledger(ACCOUNT).fills
        now = _Anchor(policy, planner.anchor_ticks2, planner.position_lots, fills)
        self._anchors[symbol] = now
        is_same = before is not None and before.actor is policy and before.ticks2 > 0
        if before is None or not is_same or (before.held, before.fills) != (now.held, fills):
            return
        if before.ticks2 != now.ticks2:
            self._watch.violate("frozen", f"{symbol}: the ladder moved at {now.held} lots")


def held_lots(world: FaultWorld, symbol: str) -> int:
    """Return the position that the venue shows, in lots."""
    leg = world.instruments[symbol]
    return world.exchange.position(ACCOUNT, leg.market, leg.position_side).qty_lots


def orders_of(world: FaultWorld, symbol: str) -> tuple[Order, ...]:
    """Return the open orders of one leg, ours or not, as the venue shows them."""
    leg = world.instruments[symbol]
    return tuple(
        one
        for one in world.exchange.open_orders(ACCOUNT, leg.market)
        if one.position_side is leg.position_side
    )


def entries_of(world: FaultWorld, symbol: str) -> tuple[Order, ...]:
    """Return our open orders that may add risk, as the venue shows them."""
    return tuple(
        one
        for one in orders_of(world, symbol)
        if not one.reduce_only and decode(one.client_order_id) is not None
    )


def pending_lots(world: FaultWorld, symbol: str) -> dict[Side, int]:
    """Return what our entries may still fill, in lots."""
    pending = dict.fromkeys(Side, 0)
    for order in entries_of(world, symbol):
        pending[order.side] += order.qty_lots - order.filled_lots
    return pending


def worst_lots(world: FaultWorld, symbol: str, buys: int = 0, sells: int = 0) -> int:
    """Return the largest position that what rests, with ``buys`` and ``sells``, can lead to.

    Exits fill, too: what is held may be gone before entries of the other side do.
    """
    held, pending = held_lots(world, symbol), pending_lots(world, symbol)
    buys, sells = buys + pending[Side.BUY], sells + pending[Side.SELL]
    return max(buys, sells, held + buys, sells - held)


def opposite_of(world: FaultWorld, symbol: str) -> list[str]:
    """Return the entries that could turn the position, by name."""
    held = held_lots(world, symbol)
    towards = Side.BUY if held > 0 else Side.SELL
    return [
        one.client_order_id for one in entries_of(world, symbol) if held and one.side is not towards
    ]


def may_turn(world: FaultWorld) -> bool:
    """Return whether entries may rest that turn a position: where the settings ask for them."""
    return world.config.policy.opposite == "keep"


def adds_to(world: FaultWorld, symbol: str) -> bool:
    """Return whether an entry could make the position larger than it is."""
    held, pending = held_lots(world, symbol), pending_lots(world, symbol)
    return bool(pending[Side.BUY if held > 0 else Side.SELL] if held else any(pending.values()))


def is_covered(world: FaultWorld, symbol: str) -> bool:
    """Return whether reduce-only orders cover the position."""
    held = held_lots(world, symbol)
    side = Side.SELL if held > 0 else Side.BUY
    lots = sum(
        one.qty_lots - one.filled_lots
        for one in orders_of(world, symbol)
        if one.reduce_only and one.side is side
    )
    return lots >= abs(held)
