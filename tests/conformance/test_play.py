"""The play: what a trading client does in its life, each step with each client."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from conformance.conftest import stand
from conformance.steps import LIMIT, MARKET, POST_ONLY, PRICE, is_order, kinds, refused, user_frames
from conformance.trader import Row, Trader


def test_metadata_is_read(trader: Trader) -> None:
    symbols = {row["symbol"]: row for row in trader.symbols()}
    filters = {row["filterType"]: row for row in symbols["BTCUSDT"]["filters"]}

    assert set(symbols) == {"BTCUSDT", "ETHUSDT"}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.10"
    assert trader.time() > 1_700_000_000_000


def test_book_and_quote_are_read(trader: Trader) -> None:
    quote, depth = trader.quote(), trader.depth()

    assert (float(quote["bidPrice"]), float(quote["askPrice"])) == (61_700.0, 61_700.1)
    assert [float(each) for each in depth["bids"][0]] == [61_700.0, 5.0]
    assert [float(each) for each in depth["asks"][0]] == [61_700.1, 5.0]


def test_bars_are_read(trader: Trader) -> None:
    trader.server.control("trade", symbol="BTCUSDT", price="61700.1", qty="0.5")

    newest = trader.klines()[-1]

    assert len(newest) in (6, 12)
    assert float(newest[3]) <= float(newest[4]) <= float(newest[2])


@pytest.mark.parametrize("kind", ["bookTicker", "aggTrade", "markPrice", "kline"])
def test_market_streams_are_heard(trader: Trader, kind: str) -> None:
    frames = trader.listen(kind)
    name = "markPriceUpdate" if kind == "markPrice" else kind
    sizes = itertools.cycle(range(1, 100))

    def move() -> None:
        size = next(sizes)
        trader.server.control("trade", symbol="BTCUSDT", price="61700.1", qty="0.5")
        trader.server.control(
            "quote", symbol="BTCUSDT", bid="61700.0", ask="61700.1", bid_qty=size, ask_qty=5
        )

    assert frames.first(name, move)["s"] == "BTCUSDT"


def test_a_local_book_is_synchronised(trader: Trader) -> None:
    frames = trader.listen("depth")
    bids = itertools.cycle(range(61_600, 61_700))

    def move() -> None:
        stand(trader.server, bid=f"{next(bids)}.0")

    heard = frames.until(lambda frame: frame.get("e") == "depthUpdate", move)
    snapshot = trader.depth()
    book = {float(price): float(qty) for price, qty in snapshot["bids"]}
    heard += frames.until(
        lambda frame: frame.get("e") == "depthUpdate" and frame["U"] > snapshot["lastUpdateId"],
        move,
    )
    best = float(trader.depth()["bids"][0][0])
    book_bid = max(followed(book, heard, snapshot["lastUpdateId"]))
    if book_bid != best:
        # The last move may still be on its way.
        heard += frames.until(
            lambda frame: any(float(row[0]) == best for row in frame.get("b", ()))
        )
        book_bid = max(followed(book, heard, snapshot["lastUpdateId"]))
    diffs = [frame for frame in heard if frame.get("e") == "depthUpdate"]
    joined = next(frame for frame in diffs if frame["u"] >= snapshot["lastUpdateId"])

    assert book_bid == best
    assert joined["U"] <= snapshot["lastUpdateId"] + 1
    assert all(after["pu"] == before["u"] for before, after in itertools.pairwise(diffs))


def followed(snapshot: dict[float, float], heard: list[Row], update_id: int) -> list[float]:
    """Return the prices that are bid after the changes since ``update_id``."""
    book = dict(snapshot)
    for frame in heard:
        if frame.get("e") == "depthUpdate" and frame["u"] >= update_id:
            book.update({float(price): float(qty) for price, qty in frame["b"]})
    return [price for price, qty in book.items() if qty]


def test_leverage_is_set(trader: Trader) -> None:
    answer = trader.leverage(7)

    assert (int(answer["leverage"]), answer["symbol"]) == (7, "BTCUSDT")


def test_a_post_only_order_rests(trader: Trader) -> None:
    placed = trader.place(**POST_ONLY)
    found = trader.order(int(placed["orderId"]))

    assert (placed["status"], placed["timeInForce"]) == ("NEW", "GTX")
    assert not {"avgPrice", "cumQuote"} & {key for key in placed if placed[key] is not None}
    assert Decimal(found["avgPrice"]) == Decimal(found["cumQuote"]) == 0
    assert [row["orderId"] for row in trader.open_orders()] == [found["orderId"]]


def test_a_crossing_post_only_order_leaves_no_trace(trader: Trader) -> None:
    refused(-5022, trader.place, **(POST_ONLY | {"price": 61_700.1}))

    assert trader.open_orders() == []


def test_an_order_is_amended_and_an_unchanged_amendment_refused(trader: Trader) -> None:
    order_id = int(trader.place(**LIMIT)["orderId"])

    amended = trader.amend(order_id, "BUY", 0.02, PRICE + 100)

    assert (float(amended["price"]), float(amended["origQty"])) == (PRICE + 100, 0.02)
    assert int(amended["orderId"]) == order_id
    refused(-5027, trader.amend, order_id, "BUY", 0.02, PRICE + 100)


def test_an_order_is_canceled_once(trader: Trader) -> None:
    order_id = int(trader.place(**LIMIT)["orderId"])

    assert trader.cancel(order_id)["status"] == "CANCELED"
    assert trader.order(order_id)["status"] == "CANCELED"
    refused(-2011, trader.cancel, order_id)


def test_an_order_that_never_was_is_not_found(trader: Trader) -> None:
    refused(-2013, trader.order, 123_456_789)


def test_a_batch_with_a_bad_order_places_the_others(trader: Trader) -> None:
    answers = trader.batch([LIMIT, LIMIT | {"quantity": 0.001}, POST_ONLY])

    # One client sorts the answers by their times, and a refusal has none.
    assert [row["code"] for row in answers if row.get("code")] == [-4164]
    assert [row["status"] for row in answers if row.get("status")] == ["NEW", "NEW"]
    assert len(trader.open_orders()) == 2
    trader.cancel_all()
    assert trader.open_orders() == []


def test_a_reduce_only_order_without_a_position_is_refused(trader: Trader) -> None:
    sell = LIMIT | {"side": "SELL", "price": 62_000.0, "reduceOnly": "true"}

    refused(-2022, trader.place, **sell)
    trader.place(**MARKET)

    assert trader.order(int(trader.place(**sell)["orderId"]))["reduceOnly"] is True


def test_a_market_round_trip_ends_flat(trader: Trader) -> None:
    trader.place(**MARKET)
    held = trader.positions()
    trader.place(**(MARKET | {"side": "SELL", "reduceOnly": "true"}))

    assert [float(row["positionAmt"]) for row in held] == [0.01]
    assert trader.positions() == []
    assert 9_999 < float(trader.balance()["balance"]) < 10_000


def test_own_trades_are_read(trader: Trader) -> None:
    bought = trader.place(**MARKET)
    sold = trader.place(**(MARKET | {"side": "SELL"}))
    trades = trader.trades()

    assert [int(row["orderId"]) for row in trades] == [int(bought["orderId"]), int(sold["orderId"])]
    assert [float(row["price"]) for row in trades] == [61_700.1, 61_700.0]
    assert Decimal(trades[1]["realizedPnl"]) == Decimal("-0.001")


def test_a_fill_is_told_in_the_venues_order(trader: Trader) -> None:
    frames = user_frames(trader)

    trader.place(**MARKET)
    heard = frames.until(lambda frame: is_order(frame, "TRADE", "FILLED"))

    assert kinds(heard) == [
        "TRADE_LITE",
        "ORDER_TRADE_UPDATE NEW",
        "ACCOUNT_UPDATE",
        "ORDER_TRADE_UPDATE TRADE",
    ]


def test_the_life_of_an_order_is_told(trader: Trader) -> None:
    frames = user_frames(trader)

    order_id = int(trader.place(**LIMIT)["orderId"])
    trader.amend(order_id, "BUY", 0.02, PRICE)
    trader.cancel(order_id)
    heard = frames.until(lambda frame: is_order(frame, "CANCELED", "CANCELED"))

    assert kinds(heard) == [f"ORDER_TRADE_UPDATE {x}" for x in ("NEW", "AMENDMENT", "CANCELED")]


def test_the_dead_mans_switch_cancels_everything(trader: Trader) -> None:
    frames = user_frames(trader)
    trader.place(**LIMIT)

    assert str(trader.countdown(200)["countdownTime"]) == "200"
    frames.until(lambda frame: is_order(frame, "CANCELED", "CANCELED"))
    assert trader.open_orders() == []


def test_a_wrong_secret_is_refused(trader: Trader) -> None:
    stranger = trader.stranger()
    try:
        refused(-1022, stranger.place, **LIMIT)
    finally:
        stranger.close()


@pytest.mark.parametrize("offset_ms", [60_000, -60_000])
def test_a_timestamp_out_of_the_window_is_refused(trader: Trader, offset_ms: int) -> None:
    trader.server.control("clock", offset_ms=offset_ms)

    refused(-1021, trader.place, **LIMIT)
