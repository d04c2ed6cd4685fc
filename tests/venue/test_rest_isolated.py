"""Margin that is moved into and out of isolated positions."""

from __future__ import annotations

from typing import Any

import pytest

from venue.clients import World

BTC = {"symbol": "BTCUSDT"}
MARGIN = "/fapi/v1/positionMargin"
ADD, REDUCE = 1, 2


@pytest.fixture
def held(world: World) -> World:
    """A long position of 0.1 under isolated margin."""
    world.rest.call("POST", "/fapi/v1/marginType", **BTC, marginType="ISOLATED")
    world.rest.market("BUY", "0.100")
    return world


def moved(world: World, amount: str, kind: int, **more: Any) -> Any:
    return world.rest.call("POST", MARGIN, **BTC, amount=amount, type=kind, **more)


def wallet(world: World) -> float:
    (row,) = world.rest.call("GET", "/fapi/v3/positionRisk", **BTC)
    return float(row["isolatedWallet"])


def test_margin_is_added_taken_out_and_remembered(held: World) -> None:
    before = wallet(held)

    added = moved(held, "25.5", ADD)
    after = wallet(held)
    moved(held, "20", REDUCE)

    assert added == {
        "amount": 25.5,
        "code": 200,
        "msg": "Successfully modify position margin.",
        "type": ADD,
    }
    assert after - before == pytest.approx(25.5)
    assert wallet(held) - before == pytest.approx(5.5)
    rows = held.rest.call("GET", f"{MARGIN}/history", **BTC)
    assert [(row["type"], row["amount"], row["positionSide"]) for row in rows] == [
        (ADD, "25.50000000", "BOTH"),
        (REDUCE, "20.00000000", "BOTH"),
    ]
    assert len(held.rest.call("GET", f"{MARGIN}/history", **BTC, type=REDUCE)) == 1


def test_the_owner_is_told_of_the_move(held: World) -> None:
    stream = held.stream(f"/private/ws/{held.rest.listen_key()}")

    moved(held, "10", ADD)

    told = stream.until(lambda frame: frame["e"] == "ACCOUNT_UPDATE")[-1]["a"]
    assert told["m"] == "MARGIN_TRANSFER"
    assert float(told["P"][0]["iw"]) == pytest.approx(wallet(held))
    assert float(told["B"][0]["wb"]) - float(told["B"][0]["cw"]) == pytest.approx(wallet(held))


@pytest.mark.parametrize(
    ("amount", "kind", "code"),
    [
        ("99999", ADD, -4050),
        ("300", REDUCE, -4051),
        ("0", ADD, -4055),
        ("-1", REDUCE, -4055),
        ("1", 3, -1130),
    ],
)
def test_impossible_moves_are_refused(held: World, amount: str, kind: int, code: int) -> None:
    before = wallet(held)

    assert moved(held, amount, kind)["code"] == code
    assert moved(held, "1", ADD, positionSide="LONG")["code"] == -4061
    assert wallet(held) == before


def test_only_isolated_positions_have_margin_of_their_own(world: World) -> None:
    assert moved(world, "1", ADD)["code"] == -4049
    world.rest.call("POST", "/fapi/v1/marginType", **BTC, marginType="ISOLATED")
    assert moved(world, "1", ADD)["code"] == -4054
