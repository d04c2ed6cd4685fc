from __future__ import annotations

import time
from typing import Any

import pytest

from grinder.simulation.market import Quote, Trade
from grinder.venues.sim.allmarket import AllMarket
from grinder.venues.sim.book import PublicBook
from grinder.venues.sim.catalog import exchange_info, instruments
from grinder.venues.sim.klines import CandleStreams
from grinder.venues.sim.streams import Route, carries
from venue.clients import World
from venue.shapes import differences

START_MS = 1_704_067_200_000


@pytest.mark.parametrize(
    ("route", "stream", "expected"),
    [
        (Route.PUBLIC, "!bookTicker", True),
        (Route.MARKET, "!bookTicker", False),
        (Route.PUBLIC, "!contractInfo", False),
        (Route.MARKET, "!contractInfo", True),
        (Route.MARKET, "!markPrice@arr@1s", True),
        (Route.MARKET, "!ticker@arr", True),
        (Route.MARKET, "btcusdt@kline_1m", True),
        (Route.PUBLIC, "btcusdt@kline_1m", False),
    ],
)
def test_routes_carry_the_all_market_streams_that_are_theirs(
    route: Route, stream: str, expected: bool
) -> None:
    assert carries(route, stream) is expected


class Listener:
    """Takes the frames of the streams that it names."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.frames: list[Any] = []

    def has_listeners(self, stream: str) -> bool:
        return stream in self.names

    def publish(self, stream: str, frame: Any) -> None:
        self.frames.append(frame)


@pytest.fixture
def book() -> PublicBook:
    found = PublicBook(instruments(exchange_info(), ("BTCUSDT",))["BTCUSDT"], START_MS)
    quote = Quote(at_ms=0, symbol="BTCUSDT", bid_ticks=1000, bid_lots=1, ask_ticks=1001, ask_lots=1)
    found.apply_quote(quote, START_MS)
    return found


def take(book: PublicBook, ticks: int, at_ms: int) -> None:
    trade = Trade(at_ms=0, symbol="BTCUSDT", price_ticks=ticks, lots=2, buyer_is_maker=False)
    book.tape.take(trade, book.apply_trade(trade, book.trade_id + 1), at_ms)


def test_candle_is_told_when_it_changes_and_once_when_it_closes(book: PublicBook) -> None:
    listener = Listener("btcusdt@kline_1m")
    streams = CandleStreams(book, listener)
    take(book, 1000, START_MS)
    for at_ms in (0, 100, 300):
        streams.tick(START_MS + at_ms)
    take(book, 1003, START_MS + 400)
    for at_ms in (600, 60_000, 60_300, 120_001):
        streams.tick(START_MS + at_ms)

    told = [(each["k"]["t"] - START_MS, each["k"]["c"], each["k"]["x"]) for each in listener.frames]

    low, high = book.price(1000), book.price(1003)
    assert told == [
        (0, low, False),
        (0, high, False),
        (0, high, True),
        (60_000, high, False),
        (60_000, high, True),
        (120_000, high, False),
    ]
    assert differences("event kline", listener.frames[0]) == []


def test_nothing_is_told_of_a_symbol_that_never_traded(book: PublicBook) -> None:
    listener = Listener("btcusdt@kline_1m")
    CandleStreams(book, listener).tick(START_MS)

    assert listener.frames == []


def test_tickers_are_told_every_two_seconds(book: PublicBook) -> None:
    listener = Listener("btcusdt@ticker", "btcusdt@miniTicker")
    streams = CandleStreams(book, listener)
    take(book, 1000, START_MS)
    take(book, 1100, START_MS + 1)
    for at_ms in (10, 1000, 2010):
        streams.tick(START_MS + at_ms)

    full, mini = listener.frames[:2]

    assert len(listener.frames) == 4
    assert (full["P"], full["n"], mini["c"]) == ("10.000", 2, book.price(1100))
    assert differences("event 24hrTicker", full) == []
    assert differences("event 24hrMiniTicker", mini) == []


class Seen:
    """What AllMarket needs of a venue: its books and a listener for everything."""

    def __init__(self, book: PublicBook, *names: str) -> None:
        self.books = {book.instrument.symbol: book}
        self.publisher = Listener(*names)


def test_all_market_streams_keep_their_pace(book: PublicBook) -> None:
    venue = Seen(book, "!ticker@arr", "!miniTicker@arr", "!bookTicker")
    board = AllMarket(venue)  # type: ignore[arg-type]
    for second in range(10):
        board.step(START_MS + second * 1000)

    kinds = [
        each[0]["e"] if isinstance(each, list) else each["e"] for each in venue.publisher.frames
    ]

    assert (kinds.count("24hrTicker"), kinds.count("24hrMiniTicker")) == (10, 10)
    assert kinds.count("bookTicker") == 1


def test_marks_of_all_symbols_come_in_one_frame(world: World) -> None:
    stream = world.stream("/market/ws/!markPrice@arr@1s")

    assert {row["s"] for row in stream.next()} == {"BTCUSDT", "ETHUSDT"}


def test_contract_news_and_liquidations_of_others_are_told(world: World) -> None:
    news = world.stream("/market/ws/!contractInfo")
    forced = world.stream("/market/ws/btcusdt@forceOrder")
    world.server.control("status", symbol="BTCUSDT", status="SETTLING")
    world.server.control("liquidation", symbol="BTCUSDT", side="BUY", price="61000", qty="0.5")

    assert news.next()["cs"] == "SETTLING"
    assert forced.next()["o"]["S"] == "BUY"


def test_candles_of_the_live_venue_are_streamed(world: World) -> None:
    stream = world.stream("/market/stream?streams=btcusdt@kline_1m")
    world.server.control("trade", symbol="BTCUSDT", price="61700", qty="1")

    # The candle may be told before the trade, too, as earlier tests have left it.
    frame = stream.until(lambda each: each["data"]["k"]["c"] == "61700.00")[-1]["data"]

    assert (frame["e"], frame["k"]["i"]) == ("kline", "1m")


@pytest.mark.parametrize(
    ("route", "name"),
    [
        ("market", "kline_1m"),
        ("market", "ticker"),
        ("market", "aggTrade"),
        ("public", "depth@100ms"),
        ("public", "depth5@100ms"),
    ],
)
def test_a_stream_goes_on_when_the_clock_is_set_back(world: World, route: str, name: str) -> None:
    stream = world.stream(f"/{route}/stream?streams=btcusdt@{name}")
    later_ms = time.time_ns() // 10**6 + 1_800_000
    world.server.control("clock", offset_ms=3_600_000)
    trade(world, "61700")
    stream.until(lambda each: each["data"]["E"] > later_ms)

    world.server.control("clock", offset_ms=0)
    trade(world, "61701")
    stream.until(lambda each: each["data"]["E"] < later_ms)


def trade(world: World, price: str) -> None:
    """Let the market stand at a price, with a trade there."""
    world.quote(price, f"{price}.10")
    world.server.control("trade", symbol="BTCUSDT", price=price, qty="1")


def test_liquidation_of_an_account_is_told_and_listed(world: World) -> None:
    forced = world.stream("/market/ws/!forceOrder@arr")
    key = {"symbol": "BTCUSDT"}
    world.rest.call("POST", "/fapi/v1/leverage", **key, leverage=20)
    bought = world.rest.market("BUY", "1.000", newOrderRespType="RESULT")
    world.quote("40000.00", "40000.10", "100")

    told = forced.next()
    listed = world.rest.call("GET", "/fapi/v1/forceOrders", **key)

    assert bought["status"] == "FILLED"
    assert (told["o"]["S"], told["o"]["s"]) == ("SELL", "BTCUSDT")
    assert listed[0]["clientOrderId"].startswith("autoclose-")
