"""What the steps of the play share: orders, refusals and user data."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from conformance.trader import Frames, RefusedError, Row, Trader

PRICE = 61_000.0
LIMIT = {
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": 0.01,
    "price": PRICE,
}
POST_ONLY = LIMIT | {"timeInForce": "GTX"}
LEVELS = itertools.count()
MARKET = {"side": "BUY", "type": "MARKET", "quantity": 0.01}


def refused(code: int, call: Any, *wanted: Any, **named: Any) -> None:
    with pytest.raises(RefusedError) as info:
        call(*wanted, **named)
    assert info.value.code == code


def user_frames(trader: Trader) -> Frames:
    """Listen to user data; what it tells of settings proves that it hears."""
    frames = trader.listen_user()
    asked: list[int] = []

    def ask() -> None:
        asked.append(2 + next(LEVELS) % 100)
        trader.leverage(asked[-1])

    frames.until(lambda frame: frame.get("ac", {}).get("l") in asked[-1:], ask)
    return frames


def kinds(frames: list[Row]) -> list[str]:
    """Return what was told of orders and money; market data may come between."""
    return [
        f"{frame['e']} {frame['o']['x']}" if frame["e"] == "ORDER_TRADE_UPDATE" else frame["e"]
        for frame in frames
        if frame.get("e") in ("TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE")
    ]


def is_order(frame: Row, execution: str, status: str) -> bool:
    return frame.get("e") == "ORDER_TRADE_UPDATE" and (frame["o"]["x"], frame["o"]["X"]) == (
        execution,
        status,
    )
