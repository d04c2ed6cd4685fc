"""Messages and actors to drive the console with."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from execution import orders
from grinder.kernel.observer import ActorSnapshot
from grinder.messages.grid import Denial, Intent, IntentAction, IntentsProposed, LadderPlanned
from grinder.messages.ledger import LedgerChanged
from grinder.messages.market import BookTicked
from grinder.messages.orders import (
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrdersSubmitted,
    Placement,
)
from grinder.messages.risk import RiskStateChanged
from grinder.messages.venue import Outcome, PlaceAnswered
from grinder.model.instrument import Instrument
from grinder.model.order import Side

S = 1_000_000_000
NOW = 1_700_000_000 * S
BTC = Instrument(symbol="BTCUSDT", base_asset="BTC", tick=Decimal("0.10"), lot=Decimal("0.001"))
INSTRUMENTS = {"BTCUSDT": BTC}


class Clock:
    def __init__(self) -> None:
        self.ns = NOW

    def __call__(self) -> int:
        return self.ns


def actor(name: str = "risk", supervisor: str = "", **values: Any) -> ActorSnapshot:
    known: dict[str, Any] = {
        "name": name,
        "kind": "RiskSupervisor",
        "supervisor": supervisor,
        "state": "ready",
        "generation": 1,
        "restarts": 0,
        "handled": 7,
        "depth": 3,
        "conflated": 5,
        "dropped": 0,
        "unhandled": 0,
        "thread": "thinking",
    }
    return ActorSnapshot(**(known | values))


def ticked(update_id: int = 1, connection: int = 1, symbol: str = "BTCUSDT") -> BookTicked:
    return BookTicked(
        symbol=symbol,
        bid_ticks=600_000,
        bid_lots=10,
        ask_ticks=600_001,
        ask_lots=12,
        update_id=update_id,
        event_ns=NOW,
        received_ns=NOW,
        connection=connection,
    )


def submitted(*names: str) -> OrdersSubmitted:
    orders = tuple(
        Placement(
            symbol="BTCUSDT",
            client_order_id=name,
            side=Side.BUY,
            price_ticks=599_000,
            qty_lots=4,
            level="b1",
            reason="GRID_FILL",
        )
        for name in names or ("o1",)
    )
    return OrdersSubmitted(symbol="BTCUSDT", orders=orders)


def accepted(name: str = "o1") -> OrderAccepted:
    return OrderAccepted(
        symbol="BTCUSDT",
        client_order_id=name,
        order_id=11,
        side=Side.BUY,
        price_ticks=599_000,
        qty_lots=4,
        reduce_only=False,
        level="b1",
    )


def filled(name: str = "o1", **values: Any) -> OrderFilled:
    known: dict[str, Any] = {
        "client_order_id": name,
        "order_id": 11,
        "trade_id": 5,
        "price_ticks": 599_000,
        "remaining_lots": 3,
        "fee": Decimal("0.01198"),
        "event_ns": NOW,
    }
    return orders.filled(1, **(known | values))


def ended(name: str = "o1", status: str = "CANCELED") -> OrderEnded:
    return orders.ended(name, status=status, filled_lots=1, reason="GRID_SHIFT")


def moved(from_state: str, to_state: str, reason: str = "FEEDS_READY") -> RiskStateChanged:
    return RiskStateChanged(from_state=from_state, to_state=to_state, reason=reason, at_ns=NOW)


def proposed(tick_ns: int = NOW) -> IntentsProposed:
    intent = Intent(action=IntentAction.PLACE, level="b1", side=Side.BUY, reason="GRID_FILL")
    return IntentsProposed(
        symbol="BTCUSDT", intents=(intent,), mid_ticks2=1_200_001, tick_ns=tick_ns
    )


def answered(sent_ns: int, tick_ns: int = NOW) -> PlaceAnswered:
    return PlaceAnswered(
        symbol="BTCUSDT",
        client_order_id="o1",
        outcome=Outcome.DONE,
        sent_ns=sent_ns,
        tick_ns=tick_ns,
    )


def denial(code: str = "MAX_POSITION") -> Denial:
    return Denial(code=code, level="b1", side=Side.BUY, detail=f"{code}: limit=5000")


def ledger(**values: Any) -> LedgerChanged:
    known: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "fills": 1,
        "position_lots": 1,
        "average_price": Decimal("59900.0"),
        "realized_pnl": Decimal("1.5"),
        "fees": Decimal("0.01198"),
        "funding": Decimal("-0.25"),
        "unrealized_pnl": Decimal("1E-8"),
    }
    return LedgerChanged(**(known | values))


def planned() -> LadderPlanned:
    return LadderPlanned(
        symbol="BTCUSDT",
        anchor_ticks2=1_200_001,
        step_ticks=300,
        bids=(599_700, 599_400, 599_100, 598_800),
        asks=(600_301,),
        exits=(),
        position_lots=0,
        average_price=Decimal(0),
        reason="GRID_SHIFT",
    )
