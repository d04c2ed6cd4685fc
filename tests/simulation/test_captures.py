from __future__ import annotations

import gzip
from itertools import islice
from pathlib import Path

import orjson
import pytest

from grinder.errors import ConfigError
from grinder.model.instrument import Instrument
from grinder.simulation.captures import cryptofeed
from grinder.simulation.market import DepthDiff, Quote, Trade, merged
from grinder.simulation.recording import OpenLines, Timing, looped, together
from grinder.simulation.sources import Format, contracts, read, recognised
from grinder.venues.sim import catalog

FIXTURE = (
    Path(__file__).resolve().parents[2] / "fixtures/recordings/cryptofeed-usdm-20210417.txt.gz"
)
LINES = gzip.decompress(FIXTURE.read_bytes()).splitlines(keepends=True)
SYMBOLS = ("YFIUSDT", "KSMUSDT")


def lines(found: list[bytes]) -> OpenLines:
    return lambda: iter(found)


def known() -> dict[str, Instrument]:
    return catalog.instruments(catalog.exchange_info((str(FIXTURE),)), SYMBOLS)


def as_json(line: bytes) -> bytes:
    """Write a line of the text format in the JSON lines of version 3."""
    text = line.decode().rstrip("\n")
    if text.startswith("http"):
        url, _, rest = text.partition(" -> ")
        stamp, _, body = rest.partition(": ")
        return orjson.dumps(
            {"t": "http", "conn": "h", "ts": float(stamp), "url": url, "data": body}
        )
    if text.startswith(("ws", "configuration")):
        return orjson.dumps({"t": "header", "format": 2, "exchange": "BINANCE_FUTURES"})
    stamp, _, body = text.partition(": ")
    return orjson.dumps({"t": "recv", "conn": "w", "ts": float(stamp), "data": body})


def test_each_symbol_gets_its_contract_its_book_its_quotes_and_its_trades() -> None:
    rows = contracts("x", lines(LINES))
    found = {each.instrument.symbol: each for each in cryptofeed("x", lines(LINES), known())}

    assert set(rows) == set(found) == set(SYMBOLS)
    assert rows["YFIUSDT"]["filters"][0]["tickSize"] == "0.1"
    for recording in found.values():
        events = list(recording.play())
        assert recording.has_snapshot
        assert isinstance(events[0], DepthDiff)
        assert {type(event) for event in events} == {DepthDiff, Quote, Trade}
        assert {event.symbol for event in events} == {recording.instrument.symbol}
        assert recording.events == len(events) > 300


def test_json_lines_hold_the_same_market_as_text() -> None:
    text = cryptofeed("x", lines(LINES), known())
    json = cryptofeed("x", lines([as_json(line) + b"\n" for line in LINES]), known())

    assert [list(each.play()) for each in json] == [list(each.play()) for each in text]


def test_rest_books_count_wherever_they_stand() -> None:
    turned = [line for line in LINES if not line.startswith(b"http")]
    turned += [line for line in LINES if line.startswith(b"http")]

    text = cryptofeed("x", lines(LINES), known())
    late = cryptofeed("x", lines(turned), known())

    assert [list(each.play()) for each in late] == [list(each.play()) for each in text]


def test_symbols_of_one_recording_keep_their_mutual_timing_in_every_pass() -> None:
    found = {each.instrument.symbol: each for each in cryptofeed("x", lines(LINES), known())}
    (timings,) = together(found.values())
    asked_s = {"KSMUSDT": 1618677448.397002, "YFIUSDT": 1618677448.613415}
    apart_ms = int(asked_s["YFIUSDT"] * 1000) - int(asked_s["KSMUSDT"] * 1000)

    assert timings["YFIUSDT"].lead_ms - timings["KSMUSDT"].lead_ms == apart_ms == 216
    assert timings["YFIUSDT"].pass_ms == timings["KSMUSDT"].pass_ms
    played = list(merged(*(looped(found[s], timings[s], passes=3) for s in SYMBOLS)))
    order = [(event.symbol, type(event)) for event in played]
    third = len(order) // 3
    passes = [order[:third], order[third : 2 * third], order[2 * third :]]
    assert passes[0] == passes[1] == passes[2]


def test_recordings_apart_in_time_do_not_wait_for_each_other() -> None:
    yfi, ksm = cryptofeed("x", lines(LINES), known())
    bars = read(
        "y",
        lines([b"1600000000,10,10,10,10,1\n", b"1600000060,10,10,10,10,1\n"]),
        {"BTCUSDT": catalog.instruments(catalog.exchange_info(), ("BTCUSDT",))["BTCUSDT"]},
        symbol="BTCUSDT",
    )

    groups = together([yfi, ksm, *bars])

    assert [sorted(group) for group in groups] == [["BTCUSDT"], ["KSMUSDT", "YFIUSDT"]]
    assert groups[0]["BTCUSDT"] == Timing(lead_ms=0, pass_ms=120_050)


def test_symbols_that_are_not_traded_are_left_out_and_none_at_all_is_an_error() -> None:
    only = {"KSMUSDT": known()["KSMUSDT"]}

    assert [each.instrument.symbol for each in cryptofeed("x", lines(LINES), only)] == ["KSMUSDT"]
    with pytest.raises(ConfigError, match="x: holds KSMUSDT, YFIUSDT, but traded is BTCUSDT"):
        cryptofeed("x", lines(LINES), catalog.instruments(catalog.exchange_info(), ("BTCUSDT",)))


def without_the_update(number: int) -> list[bytes]:
    updates = [line for line in LINES if b'"ksmusdt@depth' in line]
    return [line for line in LINES if line != updates[number]]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([*LINES[:9], b"1618677449.1: {oops\n"], "line 10: unexpected character"),
        ([*LINES[:9], b"noon: {}\n"], "line 10: could not convert"),
        (without_the_update(3), r"line \d+: expected depth update after \d+, was after \d+"),
        (
            [b"https://api.bybit.com/v5 -> 1618677449.1: {}\n"],
            "line 1: recorded from api.bybit.com: only Binance USDT-M futures",
        ),
        ([b'{"t":"header","exchange":"BYBIT"}\n'], "line 1: recorded from BYBIT: only"),
        (
            [b'1618677449.1: {"stream":"x","data":{"e":"trade","s":"BTCUSD_PERP","ps":"BTCUSD"}}'],
            "line 1: frames of Binance COIN-M",
        ),
    ],
)
def test_damaged_and_foreign_recordings_are_named_with_their_line(
    found: list[bytes], reason: str
) -> None:
    with pytest.raises(ConfigError, match=f"recording x, {reason}"):
        cryptofeed("x", lines(found), known())


def test_spot_frames_are_refused() -> None:
    frame = (
        b'1723161254030000000 {"stream":"x","data":{"u":5,"s":"BTCUSDT","b":"1","B":"1","a":"2"}}'
    )
    one = catalog.instruments(catalog.exchange_info(), ("BTCUSDT",))

    with pytest.raises(ConfigError, match="line 1: frames of Binance spot: only USDT-M"):
        read("x", lines([frame]), one)


def test_books_may_hold_prices_of_an_older_tick_and_quotes_may_not() -> None:
    known_now = known()
    odd = [
        line.replace(b'"bids":[', b'"bids":[["400.00001","1.0"],', 1)
        if b"symbol=KSMUSDT" in line
        else line
        for line in LINES
    ]
    plain, with_odd = (cryptofeed("x", lines(each), known_now) for each in (LINES, odd))

    assert [list(each.play()) for each in plain] == [list(each.play()) for each in with_odd]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (b"1723161255030000000 {}", Format.HFTBACKTEST),
        (b"https://fapi.binance.com/fapi/v1/exchangeInfo -> 1618677447.2: {}", Format.CRYPTOFEED),
        (b"wss://fstream.binance.com/stream?streams=x <-> 1618677447.2", Format.CRYPTOFEED),
        (b"configuration: {}", Format.CRYPTOFEED),
        (b"1618677448.110592: {}", Format.CRYPTOFEED),
        (b'{"t":"header","format":2}', Format.CRYPTOFEED),
        (b"open_time,open,high,low,close,volume", Format.BARS),
        (b"1723161240000,1,2,0.5,1.5,3,1723161299999", Format.BARS),
    ],
)
def test_format_is_recognised_by_content(first: bytes, expected: Format) -> None:
    assert recognised("x", lines([b"\n", first + b"\n"])) is expected


@pytest.mark.parametrize("first", [b"", b"hello", b"time,id,side,price", b'{"channel": "x"}'])
def test_what_is_not_recognised_is_told_with_what_would_be(first: bytes) -> None:
    with pytest.raises(ConfigError, match=r"x: expected frames of hftbacktest .* bars as CSV, or"):
        recognised("x", lines([first]))


def test_a_loop_shares_its_clock_from_the_start() -> None:
    yfi = next(
        e for e in cryptofeed("x", lines(LINES), known()) if e.instrument.symbol == "YFIUSDT"
    )
    alone = list(islice(looped(yfi), 20))
    shared = list(islice(looped(yfi, Timing(lead_ms=500, pass_ms=60_000)), 20))

    assert [event.at_ms + 500 for event in alone] == [event.at_ms for event in shared]
