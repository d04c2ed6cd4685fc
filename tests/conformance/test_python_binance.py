"""python-binance, a client that knows nothing of Grinder, trades on the simulated venue."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.server import VenueServer

binance = pytest.importorskip("binance", reason="needs the extra 'conformance'")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    server = VenueServer(VenueConfig(paused=True))
    rest_url, _ = server.start()
    client = binance.Client("sim-key", "sim-secret", ping=False)
    client.FUTURES_URL = rest_url + "/fapi"
    yield client
    client.close_connection()
    server.stop()


def test_market_data_is_read(client: Any) -> None:
    symbols = {row["symbol"] for row in client.futures_exchange_info()["symbols"]}
    book = client.futures_order_book(symbol="BTCUSDT", limit=5)
    ticker = client.futures_orderbook_ticker(symbol="BTCUSDT")

    assert client.futures_ping() == {}
    assert client.futures_time()["serverTime"] > 0
    assert symbols == {"BTCUSDT", "ETHUSDT"}
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
    assert ticker["bidPrice"] == "61701.70"
    assert Decimal(client.futures_mark_price(symbol="BTCUSDT")["markPrice"]) > 0
    assert Decimal(client.futures_symbol_ticker(symbol="BTCUSDT")["price"]) > 0


def test_an_order_is_placed_found_amended_and_canceled(client: Any) -> None:
    placed = client.futures_create_order(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTX",
        quantity="0.01",
        price="60000",
        newClientOrderId="conformance-1",
    )
    found = client.futures_get_order(symbol="BTCUSDT", orderId=placed["orderId"])
    amended = client.futures_modify_order(
        symbol="BTCUSDT", side="BUY", orderId=placed["orderId"], quantity="0.02", price="60100"
    )
    open_orders = client.futures_get_open_orders(symbol="BTCUSDT")
    canceled = client.futures_cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])

    assert (placed["status"], found["clientOrderId"]) == ("NEW", "conformance-1")
    assert Decimal(amended["price"]) == 60100
    assert [order["orderId"] for order in open_orders] == [placed["orderId"]]
    assert canceled["status"] == "CANCELED"


def test_refusals_arrive_as_the_clients_own_errors(client: Any) -> None:
    with pytest.raises(binance.exceptions.BinanceAPIException) as refused:
        client.futures_cancel_order(symbol="BTCUSDT", origClientOrderId="nobody")
    assert refused.value.code == -2011
    with pytest.raises(binance.exceptions.BinanceAPIException) as refused:
        client.futures_create_order(
            symbol="BTCUSDT",
            side="BUY",
            type="LIMIT",
            timeInForce="GTC",
            quantity="0.001",
            price="60000",
        )
    assert refused.value.code == -4164


def test_batch_orders_are_placed_and_all_canceled(client: Any) -> None:
    order = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
    }
    answers = client.futures_place_batch_order(
        batchOrders=[order | {"price": "60000"}, order | {"price": "60000.05"}]
    )
    client.futures_cancel_all_open_orders(symbol="BTCUSDT")

    assert (answers[0]["status"], answers[1]["code"]) == ("NEW", -4014)
    assert client.futures_get_open_orders(symbol="BTCUSDT") == []


def test_account_is_read_after_a_fill(client: Any) -> None:
    client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")

    account = client.futures_account()
    positions = client.futures_position_information(symbol="BTCUSDT")
    trades = client.futures_account_trades(symbol="BTCUSDT")
    balance = client.futures_account_balance()
    income = client.futures_income_history(incomeType="COMMISSION")

    assert Decimal(positions[0]["positionAmt"]) == Decimal("0.01")
    assert Decimal(trades[0]["commission"]) == -Decimal(income[0]["income"])
    assert Decimal(account["totalWalletBalance"]) == Decimal(balance[0]["balance"]) < 10_000
    assert client.futures_get_position_mode() == {"dualSidePosition": False}
    assert client.futures_change_leverage(symbol="BTCUSDT", leverage=10)["leverage"] == 10


def test_listen_key_is_made_kept_and_closed(client: Any) -> None:
    key = client.futures_stream_get_listen_key()

    assert len(key) == 64
    client.futures_stream_keepalive(key)
    client.futures_stream_close(key)
