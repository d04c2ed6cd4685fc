"""Every reason for which we ourselves refuse an intent, and how a refusal is written."""

from __future__ import annotations

from enum import StrEnum

from grinder.messages.grid import Denial, Intent


class DenialCode(StrEnum):
    """Closed: the first part is the risk chain in its order, the second the router's checks."""

    NOT_ARMED = "NOT_ARMED"
    NOT_LEADER = "NOT_LEADER"
    LEASE_EXPIRING = "LEASE_EXPIRING"
    ACTOR_DOWN = "ACTOR_DOWN"
    WINDING_DOWN = "WINDING_DOWN"
    KILL_SWITCH_ACTIVE = "KILL_SWITCH_ACTIVE"
    SYMBOL_NOT_WHITELISTED = "SYMBOL_NOT_WHITELISTED"
    SYMBOL_BANNED = "SYMBOL_BANNED"
    SPREAD_SPIKE = "SPREAD_SPIKE"
    PRICE_IMPACT_HIGH = "PRICE_IMPACT_HIGH"
    TOXICITY_HIGH = "TOXICITY_HIGH"
    COOLDOWN_ACTIVE = "COOLDOWN_ACTIVE"
    RATE_LIMIT_EXCEEDED = "RATE_LIMIT_EXCEEDED"
    DAILY_LOSS_LIMIT_EXCEEDED = "DAILY_LOSS_LIMIT_EXCEEDED"
    MAX_POSITION_EXCEEDED = "MAX_POSITION_EXCEEDED"
    MAX_NOTIONAL_EXCEEDED = "MAX_NOTIONAL_EXCEEDED"
    ORDER_NOTIONAL_EXCEEDED = "ORDER_NOTIONAL_EXCEEDED"
    DRAWDOWN_BLOCKED = "DRAWDOWN_BLOCKED"
    FSM_STATE_BLOCKED = "FSM_STATE_BLOCKED"
    FEED_STALE = "FEED_STALE"
    ACCOUNT_STALE = "ACCOUNT_STALE"
    NOT_SYNCED = "NOT_SYNCED"
    VENUE_THROTTLED = "VENUE_THROTTLED"
    VENUE_DENIED = "VENUE_DENIED"
    SYMBOL_NOT_TRADING = "SYMBOL_NOT_TRADING"

    WOULD_CROSS_SPREAD = "WOULD_CROSS_SPREAD"
    FILTER_VIOLATION_TICK_SIZE = "FILTER_VIOLATION_TICK_SIZE"
    FILTER_VIOLATION_STEP_SIZE = "FILTER_VIOLATION_STEP_SIZE"
    FILTER_VIOLATION_MIN_QTY = "FILTER_VIOLATION_MIN_QTY"
    FILTER_VIOLATION_MAX_QTY = "FILTER_VIOLATION_MAX_QTY"
    FILTER_VIOLATION_MIN_NOTIONAL = "FILTER_VIOLATION_MIN_NOTIONAL"
    FILTER_VIOLATION_PRICE_RANGE = "FILTER_VIOLATION_PRICE_RANGE"
    RATE_LIMIT_THROTTLE = "RATE_LIMIT_THROTTLE"
    MAX_OPEN_ORDERS = "MAX_OPEN_ORDERS"


PASSING = frozenset(
    {
        DenialCode.ACTOR_DOWN,
        DenialCode.SPREAD_SPIKE,
        DenialCode.PRICE_IMPACT_HIGH,
        DenialCode.COOLDOWN_ACTIVE,
        DenialCode.RATE_LIMIT_EXCEEDED,
        DenialCode.FSM_STATE_BLOCKED,
        DenialCode.NOT_SYNCED,
        DenialCode.VENUE_THROTTLED,
        DenialCode.RATE_LIMIT_THROTTLE,
    }
)
"""What passes by itself within seconds: a level denied for it may be tried again soon."""


def render(code: DenialCode, **values: object) -> str:
    """Return ``CODE: key=value key=value``; the code alone when there are no values."""
    if not values:
        return str(code)
    return f"{code}: " + " ".join(f"{key}={value}" for key, value in values.items())


def denial(code: DenialCode, intent: Intent, **values: object) -> Denial:
    """Return the refusal of ``intent``, with the numbers that explain it."""
    return Denial(
        code=str(code),
        level=intent.level,
        side=intent.side,
        action=intent.action,
        detail=render(code, **values),
    )
