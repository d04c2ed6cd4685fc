"""The normalised form of markets, and the older one it is made from."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from grinder import cli
from grinder.errors import ConfigError
from grinder.model.instrument import Instrument
from grinder.simulation.generator import GeneratorConfig, generated
from grinder.simulation.market import DepthDiff, Mark, MarketEvent, Quote, Status, Trade
from grinder.simulation.normal import Head, events_of, head_of, normal, written
from grinder.simulation.recording import OpenLines
from grinder.simulation.snapshots import snapshots
from grinder.venues.sim import catalog
from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
RUNNER = CliRunner()

ODD = Instrument(
    symbol="ODDUSDT",
    base_asset="ODD",
    tick=Decimal("0.0005"),
    lot=Decimal(10),
    notional_min=Decimal(5),
    multiplier_up=Decimal("1.1"),
    multiplier_down=Decimal("0.9"),
)
EVEN = attrs.evolve(ODD, symbol="EVENUSDT", tick=Decimal("0.01"), lot=Decimal("0.001"))
HEAD = Head(instruments=(ODD, EVEN), start_ms=1_700_000_000_000, source="a test", licence="ours")


def lines(*parts: bytes) -> OpenLines:
    return lambda: iter(parts)


def read(events: list[MarketEvent]) -> list[MarketEvent]:
    opened = lines(*written(HEAD, events))
    head = head_of("it", opened)
    assert head == HEAD
    return list(events_of("it", opened, head))


counts = st.integers(1, 2**53)
levels = st.lists(st.tuples(counts, st.integers(0, 2**53)), max_size=4).map(tuple)
decimals = st.decimals(allow_nan=False, allow_infinity=False)
symbols = st.sampled_from(["ODDUSDT", "EVENUSDT"])
KINDS = st.one_of(
    st.builds(DepthDiff, at_ms=st.just(0), symbol=symbols, bids=levels, asks=levels),
    st.builds(
        Trade,
        at_ms=st.just(0),
        symbol=symbols,
        price_ticks=counts,
        lots=counts,
        buyer_is_maker=st.booleans(),
    ),
    st.builds(
        Mark,
        at_ms=st.just(0),
        symbol=symbols,
        mark_price=decimals,
        index_price=decimals,
        funding_rate=decimals,
        next_funding_ms=counts,
    ),
    st.builds(Status, at_ms=st.just(0), symbol=symbols, status=st.text(max_size=9)),
    st.builds(
        lambda symbol, bid, spread, lots: Quote(
            at_ms=0,
            symbol=symbol,
            bid_ticks=bid,
            bid_lots=lots,
            ask_ticks=bid + spread,
            ask_lots=lots,
        ),
        symbols,
        counts,
        counts,
        st.integers(0, 2**53),
    ),
)


@given(st.lists(st.tuples(st.integers(0, 100), KINDS), max_size=20))
def test_what_is_written_is_read_again(steps: list[tuple[int, MarketEvent]]) -> None:
    at_ms, events = 0, []
    for wait_ms, event in steps:
        at_ms += wait_ms
        events.append(attrs.evolve(event, at_ms=at_ms))

    again = read(events)

    assert again == events
    assert [type(event) for event in again] == [type(event) for event in events]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'[0,"q",0,5,1,5,1]', "expected 0 < bid < ask"),
        (b'[0,"q",0,5,1,6]', "values to unpack"),
        (b'[0,"q",2,5,1,6,1]', "index out of range"),
        (b'[0,"t",0,5,1.5,1]', "expected a whole number"),
        (b'[0,"t",0,5,true,1]', "expected a whole number"),
        (b'[0,"t",0,-5,1,1]', "expected a whole number of 0 or more"),
        (b'[0,"m",0,"1","Infinity","0",0]', "expected a decimal number"),
        (b'[0,"m",0,1.5,"1","0",0]', "expected a decimal number as text"),
        (b'{"at":0}', "unpack"),
        (b"[0,", "unexpected end"),
    ],
)
def test_a_damaged_line_is_named(line: bytes, says: str) -> None:
    opened = lines(*written(HEAD, []), b"\n", line)

    with pytest.raises(ConfigError, match="recording it, line 3: ") as caught:
        list(events_of("it", opened, HEAD))
    assert says in str(caught.value)


def test_symbols_of_a_file_keep_their_place_in_time() -> None:
    def quote(at_ms: int, symbol: str, bid: int) -> Quote:
        return Quote(
            at_ms=at_ms, symbol=symbol, bid_ticks=bid, bid_lots=1, ask_ticks=bid + 1, ask_lots=1
        )

    events = [quote(10, "ODDUSDT", 50), quote(250, "EVENUSDT", 70), quote(300, "ODDUSDT", 52)]
    opened = lines(*written(HEAD, events))
    odd, even = normal("it", opened, {"ODDUSDT": ODD, "EVENUSDT": EVEN})

    assert [event.at_ms for event in odd.play()] == [0, 290]
    assert (odd.start_ms - HEAD.start_ms, even.start_ms - HEAD.start_ms) == (10, 250)
    assert (odd.duration_ms, even.duration_ms, odd.highest_ticks) == (290, 0, 53)
    with pytest.raises(ConfigError, match=r"has tick 0\.0005"):
        normal("it", opened, {"ODDUSDT": attrs.evolve(ODD, tick=Decimal("0.001"))})


SNAPSHOT = (
    b'{"ts": %d, "type": "SNAPSHOT", "symbol": "ODDUSDT", "bid_price": "1.000", '
    b'"ask_price": "1.001", "bid_qty": "10.0", "ask_qty": "10.0", "last_price": "%s", '
    b'"last_qty": "1.0"}\n'
)
BOOK = (
    b'{"type": "l2_snapshot", "v": 0, "ts_ms": %d, "symbol": "ODDUSDT", "venue": "x", "depth": 1,'
    b' "bids": [["%s", "5.0"]], "asks": [["1.001", "5.0"]]}\n'
)


def test_books_stand_at_their_own_time_and_made_up_trades_are_left_out() -> None:
    opened = lines(
        SNAPSHOT % (3000, b"1.0005"),
        SNAPSHOT % (1000, b"1.001"),
        BOOK % (2000, b"1.000"),
        BOOK % (4000, b"0.999"),
    )
    instruments, events = snapshots("it", opened, {})

    assert (instruments["ODDUSDT"].tick, instruments["ODDUSDT"].lot) == (
        Decimal("0.001"),
        Decimal("0.1"),
    )
    assert [(event.at_ms, type(event)) for event in events] == [
        (1000, Quote),
        (1000, Trade),
        (2000, DepthDiff),
        (3000, Quote),
        (4000, DepthDiff),
    ]
    last = events[-1]
    assert isinstance(last, DepthDiff)
    assert last.bids == ((1000, 0), (999, 50))


@pytest.mark.parametrize("bid", [b"1.001", b"1.002", b"x"])
def test_a_book_that_can_not_be_is_refused_with_its_line(bid: bytes) -> None:
    with pytest.raises(ConfigError, match="line 2"):
        snapshots("it", lines(SNAPSHOT % (1, b"1.0"), BOOK % (2, bid)), {})


@pytest.mark.parametrize(
    ("source", "options", "symbols"),
    [
        ("recordings/cryptofeed-usdm-20210417.txt.gz", ["--near", "100"], "KSMUSDT YFIUSDT"),
        ("recordings/bars-btcusdt-20221213.csv", ["--symbol", "btcusdt", "--for", "90"], "BTCUSDT"),
        ("real-btcusdt/market.jsonl.gz", ["--for", "3"], "BTCUSDT"),
    ],
)
def test_any_recording_can_be_imported_and_played_by_the_venue(
    tmp_path: Path, source: str, options: list[str], symbols: str
) -> None:
    target = tmp_path / "it.jsonl.gz"
    arguments = ["import", str(FIXTURES / source), str(target), *options]
    result = RUNNER.invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    assert RUNNER.invoke(cli.app, arguments).exit_code == 2

    names = tuple(symbols.split())
    head = head_of("it", catalog.opener(target))
    assert tuple(one.symbol for one in head.instruments) == names
    server = VenueServer(VenueConfig(data=(str(target),), symbols=names))
    server.start()
    try:
        for one in head.instruments:
            ticker = Rest(server.rest_url).get("/fapi/v1/ticker/bookTicker", symbol=one.symbol)
            assert Decimal(ticker["bidPrice"]) % one.tick == 0
            assert Decimal(ticker["bidPrice"]) < Decimal(ticker["askPrice"])
    finally:
        server.stop()


def test_what_a_generator_makes_fits_the_form() -> None:
    config = GeneratorConfig(instrument=ODD, start_ticks=100_000)
    source = generated(config, Random("a seed"))
    events = [next(source) for _ in range(500)]

    assert read(events) == events
