"""The chain of gates between a wish and a permit: first block wins, later gates are not asked.

Arming and leadership stop everything. All other gates look only at what adds risk: a cancel and a
reduce-only exit must be possible whatever else is wrong. The order is cheapest and gravest first,
and each refusal has one deterministic reason.
"""

from __future__ import annotations

from collections.abc import Callable

from grinder.execution.denials import DenialCode, denial
from grinder.messages.grid import Denial, Intent, IntentAction
from grinder.model.order import Side
from grinder.model.units import NS_PER_MS
from grinder.risk.states import PERMISSIONS
from grinder.risk.view import RiskView

_CANCEL, _BUY = IntentAction.CANCEL, Side.BUY
Gate = Callable[[RiskView, Intent], Denial | None]


def _armed(view: RiskView, intent: Intent) -> Denial | None:
    return None if view.is_armed else denial(DenialCode.NOT_ARMED, intent)


def _leader(view: RiskView, intent: Intent) -> Denial | None:
    return None if view.is_leader else denial(DenialCode.NOT_LEADER, intent)


def _lease(view: RiskView, intent: Intent) -> Denial | None:
    return denial(DenialCode.LEASE_EXPIRING, intent) if view.is_lease_expiring else None


def _actors(view: RiskView, intent: Intent) -> Denial | None:
    if not view.actors_down:
        return None
    return denial(DenialCode.ACTOR_DOWN, intent, actors=",".join(view.actors_down))


def _winding_down(view: RiskView, intent: Intent) -> Denial | None:
    return denial(DenialCode.WINDING_DOWN, intent) if view.is_winding_down else None


def _kill_switch(view: RiskView, intent: Intent) -> Denial | None:
    return denial(DenialCode.KILL_SWITCH_ACTIVE, intent) if view.is_killed else None


def _whitelist(view: RiskView, intent: Intent) -> Denial | None:
    if view.symbol in view.symbols:
        return None
    return denial(DenialCode.SYMBOL_NOT_WHITELISTED, intent, symbol=view.symbol)


def _ban(view: RiskView, intent: Intent) -> Denial | None:
    return denial(DenialCode.SYMBOL_BANNED, intent) if view.is_banned else None


def _spread(view: RiskView, intent: Intent) -> Denial | None:
    limit, market = view.settings.spread_spike_bps, view.market
    if not view.is_spiking or market is None or market.spread_bps <= limit:
        return None
    spread_bps = round(market.spread_bps, 2)
    return denial(DenialCode.SPREAD_SPIKE, intent, spread_bps=spread_bps, limit=limit)


def _impact(view: RiskView, intent: Intent) -> Denial | None:
    limit, market = view.settings.toxicity_high_bps, view.market
    if not view.is_spiking or market is None or market.move_bps <= limit:
        return None
    move_bps = round(market.move_bps, 2)
    return denial(DenialCode.PRICE_IMPACT_HIGH, intent, move_bps=move_bps, limit=limit)


def _flow(view: RiskView, intent: Intent) -> Denial | None:
    if not view.flow.is_closed:
        return None
    score = view.flow.score
    text = "unknown" if score is None else round(score, 2)
    return denial(DenialCode.TOXICITY_HIGH, intent, level=view.flow.level, score=text)


def _cooldown(view: RiskView, intent: Intent) -> Denial | None:
    if not view.cooldown_left_ns:
        return None
    left_ms, pause_ms = -(-view.cooldown_left_ns // NS_PER_MS), view.settings.entry_cooldown_ms
    return denial(DenialCode.COOLDOWN_ACTIVE, intent, left_ms=left_ms, pause_ms=pause_ms)


def _rate(view: RiskView, intent: Intent) -> Denial | None:
    if view.proposed_entries < view.entries_left:
        return None
    most = view.settings.entries_1m_max
    used = most - view.entries_left + view.proposed_entries
    return denial(DenialCode.RATE_LIMIT_EXCEEDED, intent, entries_1m=used, max=most)


def _daily_loss(view: RiskView, intent: Intent) -> Denial | None:
    day = view.day
    if not day.is_lost:
        return None
    code = DenialCode.DAILY_LOSS_LIMIT_EXCEEDED
    return denial(code, intent, pnl=day.pnl, limit=day.limit)


def _position(view: RiskView, intent: Intent) -> Denial | None:
    cap = view.settings.position_notional_max
    if view.price_ticks2 <= 0:
        return denial(DenialCode.MAX_POSITION_EXCEEDED, intent, worst_case="unknown", cap=cap)
    if view.worst_units(intent) <= view.position_units_max:
        return None
    worst = view.worst_case(intent)
    return denial(DenialCode.MAX_POSITION_EXCEEDED, intent, worst_case=worst, cap=cap)


def _total(view: RiskView, intent: Intent) -> Denial | None:
    cap = view.settings.total_notional_max
    if view.notional_of_others is None:
        return denial(DenialCode.MAX_NOTIONAL_EXCEEDED, intent, worst_case="unknown", cap=cap)
    if not view.notional_of_others and view.worst_units(intent) <= view.total_units_max:
        return None
    worst = view.notional_of_others + view.worst_case(intent)
    if worst <= cap:
        return None
    return denial(DenialCode.MAX_NOTIONAL_EXCEEDED, intent, worst_case=worst, cap=cap)


def _order(view: RiskView, intent: Intent) -> Denial | None:
    cap = view.settings.order_notional_max
    if 2 * intent.price_ticks * intent.qty_lots <= view.order_units_max:
        return None
    notional = view.instrument.notional(intent.price_ticks, intent.qty_lots)
    return denial(DenialCode.ORDER_NOTIONAL_EXCEEDED, intent, notional=notional, cap=cap)


def _drawdown(view: RiskView, intent: Intent) -> Denial | None:
    return denial(DenialCode.DRAWDOWN_BLOCKED, intent) if view.is_drawdown_blocked else None


def _lifecycle(view: RiskView, intent: Intent) -> Denial | None:
    if PERMISSIONS[view.state].adds_risk:
        return None
    return denial(DenialCode.FSM_STATE_BLOCKED, intent, state=view.state)


def _feed(view: RiskView, intent: Intent) -> Denial | None:
    return denial(DenialCode.FEED_STALE, intent) if view.is_feed_stale else None


def _account(view: RiskView, intent: Intent) -> Denial | None:
    return denial(DenialCode.ACCOUNT_STALE, intent) if view.is_account_stale else None


def _synced(view: RiskView, intent: Intent) -> Denial | None:
    return None if view.is_synced else denial(DenialCode.NOT_SYNCED, intent)


def _throttled(view: RiskView, intent: Intent) -> Denial | None:
    return denial(DenialCode.VENUE_THROTTLED, intent) if view.is_venue_throttled else None


def _denied(view: RiskView, intent: Intent) -> Denial | None:
    return denial(DenialCode.VENUE_DENIED, intent) if view.is_venue_denied else None


def _trading(view: RiskView, intent: Intent) -> Denial | None:
    status = view.instrument.status
    if status == "TRADING":
        return None
    return denial(DenialCode.SYMBOL_NOT_TRADING, intent, status=status)


GATES_FOR_ALL: tuple[Gate, ...] = (_armed, _leader)
"""Asked for every intent, cancels and exits among them."""

GATES_FOR_RISK: tuple[Gate, ...] = (
    _lease,
    _actors,
    _winding_down,
    _kill_switch,
    _whitelist,
    _ban,
    _spread,
    _impact,
    _flow,
    _cooldown,
    _rate,
    _daily_loss,
    _position,
    _total,
    _order,
    _drawdown,
    _lifecycle,
    _feed,
    _account,
    _synced,
    _throttled,
    _denied,
    _trading,
)

"""Asked, after those, for what adds risk. All but the rate and the three caps look at facts alone.

Whether the flow is harmful comes before how often we send, and that before what may be lost."""


def judge(view: RiskView, intent: Intent) -> Denial | None:
    """Return the first block of ``intent``, or None."""
    for gate in GATES_FOR_ALL:
        found = gate(view, intent)
        if found is not None:
            return found
    if intent.adds_risk:
        for gate in GATES_FOR_RISK:
            found = gate(view, intent)
            if found is not None:
                return found
    return None


def facts_allow(view: RiskView) -> bool:
    """Return whether every gate but the caps lets everything pass: the gates in one look."""
    return (
        view.is_armed
        and view.is_leader
        and not view.is_lease_expiring
        and not view.actors_down
        and not view.is_winding_down
        and not view.is_killed
        and view.instrument.symbol in view.symbols
        and not view.is_banned
        and not view.is_spiking
        and not view.flow.is_closed
        and not view.cooldown_left_ns
        and not view.day.is_lost
        and not view.is_drawdown_blocked
        and PERMISSIONS[view.state].adds_risk
        and not view.is_feed_stale
        and not view.is_account_stale
        and view.is_synced
        and not view.is_venue_throttled
        and not view.is_venue_denied
        and view.instrument.status == "TRADING"
    )


def caps_allow(view: RiskView, intents: tuple[Intent, ...]) -> bool:
    """Return whether a batch keeps the caps whole, and with it each of its orders.

    The worst case grows with every order, so that of the whole batch at its dearest price is the
    worst that any of its orders can make. False may mean that only a part of it passes.
    """
    buy_lots = sell_lots = 0
    prices: list[int] = []
    order_units_max = view.order_units_max
    for intent in intents:
        if intent.reduce_only or intent.action is _CANCEL:
            continue
        ticks, lots = intent.price_ticks, intent.qty_lots
        if 2 * ticks * lots > order_units_max:
            return False
        prices.append(ticks)
        if intent.side is _BUY:
            buy_lots += lots
        else:
            sell_lots += lots
    price_ticks2 = view.price_ticks2
    worst_lots = view.own.worst_lots(buy_lots, sell_lots)
    worst_units = (worst_lots + view.twin_lots) * max(price_ticks2, 2 * max(prices, default=0))
    return (
        price_ticks2 > 0
        and len(prices) <= view.entries_left
        and view.notional_of_others == 0
        and worst_units <= view.position_units_max
        and worst_units <= view.total_units_max
    )


def evaluate(
    view: RiskView, intents: tuple[Intent, ...]
) -> tuple[tuple[Intent, ...], tuple[Denial, ...]]:
    """Judge a batch in its order; return what is approved and what is denied.

    What adds risk and is approved counts before the next one is judged, so that a batch can't
    exceed a cap together that each of its orders keeps alone.
    """
    if facts_allow(view) and caps_allow(view, intents):
        return intents, ()
    view.proposed_buy_lots = view.proposed_sell_lots = view.proposed_entries = 0
    approved: list[Intent] = []
    denials: list[Denial] = []
    for intent in intents:
        found = judge(view, intent)
        if found is not None:
            denials.append(found)
            continue
        approved.append(intent)
        if intent.adds_risk:
            view.proposed_entries += 1
            if intent.side is Side.BUY:
                view.proposed_buy_lots += intent.qty_lots
            else:
                view.proposed_sell_lots += intent.qty_lots
    return tuple(approved), tuple(denials)
