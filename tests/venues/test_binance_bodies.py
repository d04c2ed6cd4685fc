from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from grinder.messages.venue import FundingRead
from grinder.model.order import OrderStatus, Side
from grinder.model.position import Position
from grinder.model.units import NS_PER_MS
from grinder.venues.binance_bodies import BodyDecoder
from grinder.venues.binance_instruments import instruments, weight_limit_1m
from venues.fakes import DATA, samples, traded

BODIES = BodyDecoder(traded("BTCUSDT", "ETHUSDT"))


def body(name: str) -> Any:
    return next(row["payload"] for row in samples("bodies.jsonl") if row["name"] == name)


def info() -> Any:
    return json.loads((DATA / "exchange_info.json").read_text(encoding="utf-8"))


def test_filters_become_whole_ticks_and_lots() -> None:
    bitcoin = traded("BTCUSDT")["BTCUSDT"]

    assert (bitcoin.tick, bitcoin.lot) == (Decimal("0.10"), Decimal("0.001"))
    assert (bitcoin.price_ticks_min, bitcoin.price_ticks_max) == (5_568, 45_297_640)
    assert (bitcoin.qty_lots_min, bitcoin.qty_lots_max) == (1, 1_000_000)
    assert bitcoin.market_qty_lots_max == 120_000
    assert bitcoin.notional_min == Decimal(100)
    assert (bitcoin.multiplier_up, bitcoin.multiplier_down) == (Decimal("1.05"), Decimal("0.95"))
    assert bitcoin.orders_max == 200


def test_a_symbol_without_a_needed_filter_is_named() -> None:
    broken = info()
    broken["symbols"][0]["filters"] = [
        each for each in broken["symbols"][0]["filters"] if each["filterType"] != "MIN_NOTIONAL"
    ]

    with pytest.raises(ValueError, match=r"BTCUSDT.*MIN_NOTIONAL"):
        instruments(broken, ("BTCUSDT",))
    assert len(instruments(broken, ("ETHUSDT",))) == 1


@pytest.mark.parametrize("tick", ["0", "-1", "much", 0.1, None])
def test_a_symbol_with_a_senseless_tick_is_named(tick: object) -> None:
    broken = info()
    broken["symbols"][0]["filters"][0]["tickSize"] = tick

    with pytest.raises(ValueError, match="BTCUSDT"):
        instruments(broken, ("BTCUSDT",))


def test_the_weight_limit_is_read_and_has_a_default() -> None:
    assert weight_limit_1m(info()) == 2_400
    assert weight_limit_1m({}) == 2_400


@pytest.mark.parametrize("name", ["new_order", "place_order"])
def test_placements_are_understood_with_and_without_an_average_price(name: str) -> None:
    answer = BODIES.order_answer(body(name))

    assert (answer.order_id, answer.status) == (22542179, OrderStatus.NEW)
    assert answer.filled_lots == 0


def test_a_cancel_is_understood() -> None:
    assert BODIES.order_answer(body("cancel_order")).status is OrderStatus.CANCELED


def test_ids_that_came_as_text_are_understood() -> None:
    order = BODIES.order(body("modify_order_new") | {"updateTime": "1684918800000"})

    assert order.order_id == 151007482392
    assert order.price_ticks == 240_000


def test_open_orders_of_other_symbols_are_left_out() -> None:
    rows = body("get_open_orders")
    orders = BODIES.orders([*rows, rows[0] | {"symbol": "DOGEUSDT"}])

    assert [(each.symbol, each.client_order_id, each.side) for each in orders] == [
        ("BTCUSDT", "abc", Side.BUY)
    ]
    assert orders[0].qty_lots == 400


def test_symbols_without_a_position_are_flat() -> None:
    row = body("get_positions")[0] | {"positionSide": "BOTH", "positionAmt": "-0.001"}
    positions = BODIES.positions([row])

    assert positions[0].qty_lots == -1
    assert positions[0].entry_price == Decimal("22185.2")
    assert positions[1] == Position(symbol="ETHUSDT")


def test_a_position_in_hedge_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="one-way"):
        BODIES.positions(body("get_positions"))


def test_the_wallet_is_that_of_our_quote_assets() -> None:
    account = {
        "assets": [
            {"asset": "USDT", "walletBalance": "100.5", "unrealizedProfit": "-1.5"},
            {"asset": "BNB", "walletBalance": "3", "unrealizedProfit": "0"},
        ]
    }

    assert BODIES.wallet(account) == (Decimal("100.5"), Decimal("-1.5"))
    assert BODIES.wallet(body("get_account_info_v3"))[0] == Decimal("23.72469206")


def test_trades_ascend_by_id() -> None:
    row = body("get_user_trades")[0] | {"price": "7819.0"}
    trades = BODIES.trades([row | {"id": 9}, row | {"id": 2}])

    assert [each.trade_id for each in trades] == [2, 9]
    assert trades[0].realized_pnl == Decimal("-0.91539999")


def test_funding_payments_ascend_by_time() -> None:
    row = {"symbol": "BTCUSDT", "tranId": "5", "income": "-0.1", "time": 30}
    other = {"symbol": "BTCUSDT", "tranId": 6, "income": "0.2", "time": 20}

    assert BODIES.funding([row, other]) == FundingRead(
        payments=(
            ("BTCUSDT", 6, Decimal("0.2"), 20_000_000),
            ("BTCUSDT", 5, Decimal("-0.1"), 30_000_000),
        )
    )


def test_a_full_page_of_payments_tells_where_to_read_on_whoever_they_are_of() -> None:
    strange = [{"symbol": "XYZ", "tranId": n, "income": "1", "time": n} for n in range(1, 1_001)]

    assert BODIES.funding(strange) == FundingRead(payments=(), next_ns=1_000 * NS_PER_MS)
    assert BODIES.funding(strange[1:]) == FundingRead(payments=())


@pytest.mark.parametrize("answer", [None, [], "x", {}, {"orderId": 1}, {"orderId": None}])
def test_an_answer_of_another_shape_is_a_value_error(answer: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        BODIES.order_answer(answer)
