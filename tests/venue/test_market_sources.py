"""Markets of every source, heard from outside."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from grinder.errors import ConfigError
from grinder.venues.sim import catalog
from grinder.venues.sim.clock import VenueClock
from grinder.venues.sim.command import serve
from grinder.venues.sim.config import BUNDLED, VenueConfig, recordings
from grinder.venues.sim.feeder import Timeline
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest, Stream

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/recordings"
CAPTURE = str(FIXTURES / "cryptofeed-usdm-20210417.txt.gz")
BARS = f"BTCUSDT={FIXTURES / 'bars-btcusdt-20221213.csv'}"

Started = Callable[..., VenueServer]


@pytest.fixture
def started() -> Iterator[Started]:
    servers: list[VenueServer] = []

    def start(**settings: Any) -> VenueServer:
        server = VenueServer(VenueConfig(control_port=0, **settings))
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()


def order(server: VenueServer, name: str, **fields: Any) -> Any:
    """Give an order at the control endpoint, as a test in another language would."""
    answer = requests.post(f"{server.control_url}/{name}", json=fields, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def market(server: VenueServer, symbol: str) -> Any:
    return order(server, "state")["markets"][symbol]


def test_capture_brings_its_contracts_its_books_and_its_prices(started: Started) -> None:
    server = started(data=(CAPTURE,), symbols=("YFIUSDT", "KSMUSDT"), speed=50.0)
    rest = Rest(server.rest_url)
    names = "yfiusdt@bookTicker/ksmusdt@bookTicker/ksmusdt@trade"
    stream = Stream(server.ws_url, f"/public/stream?streams={names}")
    wanted = set(names.split("/"))
    prices: list[Decimal] = []

    def is_last(frame: Any) -> bool:
        wanted.discard(frame["stream"])
        if frame["stream"] == "yfiusdt@bookTicker":
            prices.append(Decimal(frame["data"]["b"]))
        return not wanted and len(prices) > 50

    stream.until(is_last)
    stream.close()
    info = {row["symbol"]: row for row in rest.get("/fapi/v1/exchangeInfo")["symbols"]}
    placed = rest.limit("BUY", "45000.0", "0.001", symbol="YFIUSDT")

    assert all(Decimal(49_900) < price < Decimal(50_100) for price in prices)
    assert info["YFIUSDT"]["filters"][0]["tickSize"] == "0.1"
    assert {"liquidationFee", "marketTakeBound"} <= info["KSMUSDT"].keys()
    assert len(rest.get("/fapi/v1/depth", symbol="KSMUSDT", limit=50)["bids"]) > 20
    assert placed["status"] == "NEW"
    assert market(server, "KSMUSDT")["source"] == "cryptofeed"


def test_bars_are_played_as_ticks(started: Started) -> None:
    server = started(data=(BARS,), symbols=("BTCUSDT",), speed=100.0, spread_ticks=5)
    stream = Stream(server.ws_url, "/public/stream?streams=btcusdt@bookTicker/btcusdt@trade")
    frames = [stream.next() for _ in range(200)]
    stream.close()
    quotes = [frame["data"] for frame in frames if frame["stream"].endswith("bookTicker")]
    trades = [frame["data"] for frame in frames if frame["stream"].endswith("trade")]

    assert {Decimal(each["a"]) - Decimal(each["b"]) for each in quotes} == {Decimal("0.5")}
    assert trades
    assert all(17_000 < float(each["p"]) < 17_500 for each in trades)
    assert market(server, "BTCUSDT")["source"] == "bars"


def test_every_packing_is_opened_by_content(tmp_path: Path) -> None:
    text = (FIXTURES / "bars-btcusdt-20221213.csv").read_bytes()
    packed = tmp_path / "BTCUSDT-1m-2022-12-13.zip"
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("BTCUSDT-1m-2022-12-13.csv", text)
    known = catalog.instruments(catalog.exchange_info(), ("BTCUSDT",))

    assert catalog.recordings((str(packed),), known)["BTCUSDT"].events == 60
    with zipfile.ZipFile(packed, "a") as file:
        file.writestr("more.csv", text)
    with pytest.raises(ConfigError, match="expected one file in it, were 2"):
        catalog.recordings((str(packed),), known)
    packed.write_bytes(packed.read_bytes()[:60])
    with pytest.raises(ConfigError, match=r"2022-12-13\.zip"):
        catalog.recordings((str(packed),), known)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ((CAPTURE,), "holds KSMUSDT, YFIUSDT, but traded is BTCUSDT, ETHUSDT"),
        ((BARS.partition("=")[2],), "bars of which symbol"),
        ((f"XRPUSDT={CAPTURE}",), "XRPUSDT is not traded here"),
        ((BUNDLED, BARS), "BTCUSDT already has a recording"),
        (("BTCUSDT=/nowhere.csv",), "/nowhere.csv: no such file"),
        ((str(FIXTURES / "PROVENANCE.md"),), "expected frames of hftbacktest"),
    ],
)
def test_unusable_sources_end_the_start_with_one_line(
    data: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(data=data) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"regimes": ("boom",)}, "unknown regime 'boom'"),
        ({"spread_ticks": 0}, "a spread of 1 tick or more"),
        ({"speed": 0.0}, "a speed above 0"),
    ],
)
def test_impossible_markets_end_the_start(
    settings: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(**settings) == 2
    assert reason in capsys.readouterr().err


def test_regime_takes_the_place_of_the_recording_that_nobody_named() -> None:
    assert recordings(None, ()) == (BUNDLED,)
    assert recordings(None, ("crash",)) == ()
    assert recordings(["x"], ("crash",)) == ("x",)


def test_market_of_a_regime_falls_when_it_is_a_crash(started: Started) -> None:
    server = started(data=(), symbols=("BTCUSDT",), regimes=("crash",), speed=20.0)
    stream = Stream(server.ws_url, "/public/ws/btcusdt@bookTicker")
    frames = stream.until(lambda frame: float(frame["b"]) < 61_800 * 0.95)
    stream.close()

    assert frames
    assert market(server, "BTCUSDT")["source"] == "generated"


@pytest.mark.parametrize("data", [(BUNDLED,), ()], ids=["recorded", "generated"])
def test_regime_is_ordered_and_the_own_market_returns_where_it_ends(
    started: Started, data: tuple[str, ...]
) -> None:
    server = started(data=data, symbols=("BTCUSDT",), speed=20.0)
    stream = Stream(server.ws_url, "/public/ws/btcusdt@bookTicker")
    start = float(stream.next()["b"])
    own = market(server, "BTCUSDT")["source"]

    order(server, "regime", symbol="BTCUSDT", regime="crash")
    stream.until(lambda frame: float(frame["b"]) < start * 0.95)
    assert market(server, "BTCUSDT")["source"] == "crash"
    order(server, "regime", symbol="BTCUSDT")
    chain = Stream(server.ws_url, "/public/ws/btcusdt@depth@0ms")
    chain.until(lambda _: market(server, "BTCUSDT")["source"] == own)
    after = [float(stream.next()["b"]) for _ in range(20)]
    depth = Rest(server.rest_url).get("/fapi/v1/depth", symbol="BTCUSDT", limit=1000)
    stream.close()
    chain.close()

    assert max(after) < start * 0.99
    assert float(depth["bids"][0][0]) < float(depth["asks"][0][0]) < start * 0.99


def test_halt_silences_the_market_says_so_and_ends(started: Started) -> None:
    server = started(symbols=("BTCUSDT",), speed=10.0)
    news = Stream(server.ws_url, "/market/ws/!contractInfo")
    quotes = Stream(server.ws_url, "/public/ws/btcusdt@bookTicker")
    rest = Rest(server.rest_url)
    news.ask("LIST_SUBSCRIPTIONS")

    order(server, "regime", symbol="BTCUSDT", regime="halt")
    assert news.next()["cs"] == "PRE_SETTLE"
    quotes.heard_before_answer()
    refused = rest.limit("BUY", "60000")
    assert quotes.heard_before_answer() == []
    order(server, "regime")
    assert news.next()["cs"] == "TRADING"
    quotes.next()
    placed = rest.limit("BUY", "50000")
    news.close()
    quotes.close()

    assert refused["code"] == -4140
    assert placed["status"] == "NEW"


def test_same_seed_gives_the_same_market_of_an_ordered_regime(started: Started) -> None:
    heard = []
    for _ in range(2):
        server = started(data=(), symbols=("BTCUSDT",), paused=True, seed=7, speed=50.0)
        stream = Stream(server.ws_url, "/public/ws/btcusdt@trade")
        stream.ask("LIST_SUBSCRIPTIONS")
        order(server, "regime", regime="shock", ms=60_000)
        order(server, "resume")
        heard.append([(each["p"], each["q"], each["m"]) for each in map(_next, [stream] * 50)])
        stream.close()

    assert heard[0] == heard[1]


def _next(stream: Stream) -> Any:
    return stream.next()


class Hand(VenueClock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.market = 0.0

    def market_ms(self) -> float:
        return self.market


def test_symbols_on_one_clock_are_late_together() -> None:
    clock = Hand()
    shared = Timeline(clock)
    clock.market = 1_000.0

    assert shared.wait_ms(0) == 0
    assert shared.wait_ms(300) == 300
    clock.market = 1_100.0
    assert (shared.wait_ms(0), shared.wait_ms(300)) == (-100, 200)
    clock.market = 20_000.0
    # Who finds itself hopelessly late sets the clock back for all.
    assert shared.wait_ms(400) == -18_600
    assert shared.wait_ms(700) == 300
