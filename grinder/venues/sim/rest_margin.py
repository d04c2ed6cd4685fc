"""REST calls about the margin of isolated positions."""

from __future__ import annotations

from typing import Any

from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.reports import MarginMove
from grinder.venues.sim.params import position_side_of
from grinder.venues.sim.refusing import not_valid
from grinder.venues.sim.rendering import eight
from grinder.venues.sim.rest import Call, Endpoint, Table

ADD, REDUCE = 1, 2


def move(call: Call) -> Any:
    """Add margin to an isolated position, or take it out."""
    params = call.params
    symbol = call.venue.book(params.text("symbol")).instrument.symbol
    amount, kind = params.decimal("amount"), params.integer("type")
    if kind not in (ADD, REDUCE):
        raise not_valid("type")
    if amount <= 0:
        raise Refusal(Rule.AMOUNT)
    call.venue.exchange.move_margin(
        call.account,
        symbol,
        position_side_of(params),
        amount if kind == ADD else -amount,
        call.now_ms,
    )
    return {
        "amount": float(amount),
        "code": 200,
        "msg": "Successfully modify position margin.",
        "type": kind,
    }


def history(call: Call) -> Any:
    """Return what was moved: the first rows from a time on, else the last."""
    params = call.params
    symbol = call.venue.book(params.text("symbol")).instrument.symbol
    kind = params.maybe_integer("type")
    start_ms, end_ms = params.window()
    limit = params.limit(500, 500)
    rows = [
        _row(each)
        for each in call.venue.exchange.margin_moves(call.account)
        if each.symbol == symbol
        and kind in (None, _kind(each))
        and (start_ms is None or each.ts_ms >= start_ms)
        and (end_ms is None or each.ts_ms <= end_ms)
    ]
    return rows[-limit:] if start_ms is None else rows[:limit]


def _kind(each: MarginMove) -> int:
    return ADD if each.amount > 0 else REDUCE


def _row(each: MarginMove) -> dict[str, Any]:
    return {
        "symbol": each.symbol,
        "type": _kind(each),
        "deltaType": "USER_ADJUST",
        "amount": eight(abs(each.amount)),
        "asset": each.asset,
        "time": each.ts_ms,
        "positionSide": each.position_side.value,
    }


TABLE: Table = {
    ("POST", "/fapi/v1/positionMargin"): Endpoint(handler=move),
    ("GET", "/fapi/v1/positionMargin/history"): Endpoint(handler=history),
}
