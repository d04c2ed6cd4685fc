"""Commission, break-even prices and test orders as a client meets them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from grinder.errors import ConfigError
from grinder.venues.sim.command import account
from venue.clients import World


def test_level_shows_in_rates_account_and_fills(world: World) -> None:
    world.order(name="fees", fee_tier=4)
    user = world.stream(f"/private/ws/{world.rest.listen_key()}")

    world.rest.market("BUY", "0.010")

    rates = world.rest.call("GET", "/fapi/v1/commissionRate", symbol="BTCUSDT")
    assert (rates["makerCommissionRate"], rates["takerCommissionRate"]) == ("0.000100", "0.000300")
    for path in ("/fapi/v2/account", "/fapi/v1/accountConfig"):
        assert world.rest.call("GET", path)["feeTier"] == 4
    assert "feeTier" not in world.rest.call("GET", "/fapi/v3/account")
    fee = Decimal("61800.10") * Decimal("0.010") * Decimal("0.0003")
    frames = user.until(lambda frame: frame.get("o", {}).get("x") == "TRADE")
    assert Decimal(frames[-1]["o"]["n"]) == fee
    (trade,) = world.rest.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert Decimal(trade["commission"]) == fee
    (charged,) = world.rest.call("GET", "/fapi/v1/income", incomeType="COMMISSION")
    assert Decimal(charged["income"]) == -fee


def test_break_even_price_is_the_same_in_stream_and_reads(world: World) -> None:
    user = world.stream(f"/private/ws/{world.rest.listen_key()}")

    world.rest.market("BUY", "0.010")

    expected = Decimal("61800.10") * Decimal("1.0005")
    frames = user.until(lambda frame: frame["e"] == "ACCOUNT_UPDATE")
    assert Decimal(frames[-1]["a"]["P"][0]["bep"]) == expected
    for path in ("/fapi/v2/positionRisk", "/fapi/v3/positionRisk"):
        (row,) = world.rest.call("GET", path, symbol="BTCUSDT")
        assert Decimal(row["breakEvenPrice"]) == expected
        assert Decimal(row["entryPrice"]) == Decimal("61800.10")


def test_rates_of_its_own_are_shown_with_all_their_digits(world: World) -> None:
    world.order(name="fees", maker="-0.00005", taker="0.000333333")

    rates = world.rest.call("GET", "/fapi/v1/commissionRate", symbol="BTCUSDT")

    assert rates["makerCommissionRate"] == "-0.000050"
    assert rates["takerCommissionRate"] == "0.000333333"
    with pytest.raises(ValueError, match="fee_tier"):
        world.order(name="fees", fee_tier=10)


def test_account_of_the_command_line_may_name_its_level() -> None:
    plain, vip = account("key:secret:100"), account("key:ed25519=AB=:2.5:vip7")

    assert (plain.fee_tier, vip.fee_tier) == (0, 7)
    assert (vip.key, vip.secret, vip.balance) == ("key", "ed25519=AB=", Decimal("2.5"))
    with pytest.raises(ConfigError):
        account("key:secret:vip7")


def test_account_of_the_command_line_may_begin_in_hedge_mode() -> None:
    plain, both = account("key:secret:100"), account("key:secret:100:vip2:hedge")

    assert (plain.is_hedged, both.is_hedged) == (False, True)
    assert (both.fee_tier, both.balance) == (2, Decimal(100))
    with pytest.raises(ConfigError):
        account("key:secret:hedge")


def test_a_test_order_is_judged_like_a_real_one_and_leaves_nothing(world: World) -> None:
    terms = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}

    def code(**more: str) -> int:
        answer = world.rest.call("POST", "/fapi/v1/order/test", **terms | more)
        return int(answer.get("code", 0))

    assert code(quantity="0.010", price="60000") == 0
    assert code(quantity="5.000", price="60000") == -2019
    assert code(quantity="0.001", price="60000") == -4164
    assert code(quantity="0.010", price="61800.10", timeInForce="GTX") == -5022
    assert code(quantity="0.010", price="60000", reduceOnly="true") == -2022
    assert world.rest.call("GET", "/fapi/v1/allOrders", symbol="BTCUSDT") == []
