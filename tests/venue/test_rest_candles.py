"""Candles of mark price, index price and premium."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from venue.clients import World

PATHS = {"markPriceKlines": "symbol", "indexPriceKlines": "pair", "premiumIndexKlines": "symbol"}


def newest(world: World, name: str, **more: Any) -> list[Any]:
    """Return the newest minute."""
    asked = {PATHS[name]: "BTCUSDT", "interval": "1m"} | more
    return list(world.rest.get(f"/fapi/v1/{name}", **asked)[-1])


@pytest.mark.parametrize("name", ["markPriceKlines", "indexPriceKlines"])
def test_candles_of_the_mark_follow_the_middle_of_the_quote(world: World, name: str) -> None:
    world.quote("61900.00", "61900.10")
    opened, _, high, low, close, *rest = newest(world, name)
    world.quote("61700.00", "61700.10")

    row = newest(world, name)

    assert close == "61900.05000000"
    assert row[4] == "61700.05000000"
    assert Decimal(low) <= Decimal(close) <= Decimal(high)
    assert Decimal(row[3]) <= Decimal(row[4]) <= Decimal(row[2])
    assert len(row) == 12
    assert rest[1] == opened + 59_999
    assert (row[5], row[7], *row[9:]) == ("0", "0", "0", "0", "0")


def test_there_is_no_premium(world: World) -> None:
    assert newest(world, "premiumIndexKlines")[1:5] == ["0.00000000"] * 4


@pytest.mark.parametrize("name", PATHS)
def test_candles_of_nothing_are_refused(world: World, name: str) -> None:
    path, wanted = f"/fapi/v1/{name}", {PATHS[name]: "BTCUSDT"}

    assert world.rest.get(path, **wanted, interval="1s")["code"] == -1120
    assert world.rest.get(path, **{PATHS[name]: "NOUSDT"}, interval="1m")["code"] == -1121
    assert world.rest.get(path, interval="1m")["code"] == -1102
    assert world.rest.get(path, **wanted, interval="1m", limit=1501)["code"] == -1130
