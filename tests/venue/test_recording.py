from __future__ import annotations

import functools
import gzip
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path

import pytest

from grinder.errors import ConfigError
from grinder.model.instrument import Instrument
from grinder.simulation.captures import hftbacktest
from grinder.simulation.market import DepthDiff, Level, MarketEvent, Quote, Trade, merged
from grinder.simulation.recording import Recording, looped, mirrored
from grinder.venues.sim import catalog

INSTRUMENT = Instrument(
    symbol="BTCUSDT", base_asset="BTC", tick=Decimal("0.10"), lot=Decimal("0.001")
)
KNOWN = {"BTCUSDT": INSTRUMENT}


def quote_line(ms: int, bid: str, ask: str, symbol: str = "BTCUSDT") -> bytes:
    return (
        f'{ms * 1_000_000} {{"stream":"x","data":{{"e":"bookTicker","u":1,"s":"{symbol}",'
        f'"b":"{bid}","B":"1.000","a":"{ask}","A":"2.000"}}}}'
    ).encode()


def depth_line(ms: int, last: int, previous: int, bids: str = "[]", asks: str = "[]") -> bytes:
    return (
        f'{ms * 1_000_000} {{"stream":"x","data":{{"e":"depthUpdate","s":"BTCUSDT",'
        f'"U":{previous + 1},"u":{last},"pu":{previous},"b":{bids},"a":{asks}}}}}'
    ).encode()


def trade_line(ms: int, price: str) -> bytes:
    return (
        f'{ms * 1_000_000} {{"stream":"x","data":{{"e":"trade","s":"BTCUSDT","t":1,'
        f'"p":"{price}","q":"0.500","X":"MARKET","m":true}}}}'
    ).encode()


def snapshot_line(ms: int, last: int) -> bytes:
    return (
        f'{ms * 1_000_000} {{"lastUpdateId":{last},"bids":[["100.00","1.000"]],'
        f'"asks":[["100.10","1.000"]]}}'
    ).encode()


def opener(lines: list[bytes]) -> Callable[[], Iterator[bytes]]:
    return lambda: iter(lines)


def bundled() -> Recording:
    return catalog.recordings(("bundled",), KNOWN)["BTCUSDT"]


@functools.cache
def looped_thrice() -> tuple[MarketEvent, ...]:
    """Return what the bundled recording plays three times in a row; it is read once."""
    return tuple(looped(bundled(), passes=3))


def books(events: Iterator[MarketEvent]) -> tuple[dict[int, int], dict[int, int]]:
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}

    def apply(side: dict[int, int], levels: tuple[Level, ...]) -> None:
        for price, lots in levels:
            if lots:
                side[price] = lots
            else:
                side.pop(price, None)

    for event in events:
        if isinstance(event, DepthDiff):
            apply(bids, event.bids)
            apply(asks, event.asks)
    return bids, asks


def test_playing_starts_at_the_rest_book_and_leaves_out_what_it_contains() -> None:
    lines = [
        quote_line(1000, "99.00", "99.10"),
        depth_line(1001, 5, 1, bids='[["98.00","1.000"]]'),
        snapshot_line(1002, 7),
        depth_line(1003, 6, 5, bids='[["97.00","1.000"]]'),
        depth_line(1004, 9, 6, bids='[["99.90","3.000"]]'),
        trade_line(1005, "100.00"),
        quote_line(1006, "100.00", "100.10"),
    ]

    recording = hftbacktest("x", opener(lines), KNOWN)
    events = list(recording.play())

    assert [type(event) for event in events] == [DepthDiff, DepthDiff, Trade, Quote]
    assert [event.at_ms for event in events] == [0, 2, 3, 4]
    assert books(iter(events))[0] == {1000: 1000, 999: 3000}
    assert (recording.first, recording.duration_ms) == (events[-1], 4)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"not a line", "invalid literal"),
        (b'5 {"stream": "x", "data"', "unexpected end of data"),
        (b'5 {"stream": "x", "data": {"e": "bookTicker", "s": "BTCUSDT"}}', "missing field 'b'"),
        (b'5 {"stream": "x", "data": 7}', "expected data that are a JSON object"),
        (quote_line(5, "99.05", "99.10"), "99.05 is not a multiple of the tick 0.1"),
        (quote_line(5, "99.10", "99.00"), "expected 0 < bid < ask"),
        (quote_line(5, "-99.10", "99.00"), "expected a plain decimal number"),
        (quote_line(5, "9", "10", symbol="ETHUSDT"), "expected one symbol"),
        (depth_line(5, 9, 4), "expected depth update after 3, was after 4"),
    ],
)
def test_damaged_line_is_named_with_its_number(line: bytes, text: str) -> None:
    lines = [quote_line(1, "99.00", "99.10"), depth_line(2, 3, 1), line]

    with pytest.raises(ConfigError, match=rf"recording file\.gz, line 3: .*{text}"):
        hftbacktest("file.gz", opener(lines), KNOWN)


def test_recording_without_a_quote_or_of_an_unknown_symbol_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one bookTicker"):
        hftbacktest("x", opener([trade_line(1, "100.00")]), KNOWN)
    with pytest.raises(ConfigError, match="line 1: unknown symbol BTCUSDT"):
        hftbacktest("x", opener([quote_line(1, "9", "10")]), {})


def test_truncated_and_garbled_files_are_named(tmp_path: Path) -> None:
    whole = gzip.compress(b"\n".join(quote_line(ms, "99.00", "99.10") for ms in range(5000)))
    short, garbled = tmp_path / "short.gz", tmp_path / "garbled.gz"
    short.write_bytes(whole[: len(whole) // 2])
    garbled.write_bytes(b"this is not gzip")

    for path in (short, garbled, tmp_path / "missing.gz"):
        with pytest.raises(ConfigError, match=path.name):
            catalog.recordings((str(path),), KNOWN)


def test_bundled_recording_is_long_enough_and_real() -> None:
    recording = bundled()
    events = list(recording.play())

    assert recording.has_snapshot
    assert recording.duration_ms >= 120_000
    assert {type(event) for event in events} == {Quote, Trade, DepthDiff}
    assert catalog.BUNDLED_RECORDING.stat().st_size <= 1_048_576
    assert (catalog.DATA / "PROVENANCE.md").is_file()


def test_mirroring_twice_gives_the_same_event() -> None:
    for event in islice(bundled().play(), 1, 500):
        assert mirrored(mirrored(event, 1_240_000), 1_240_000) == event


@pytest.mark.unmeasured
def test_loop_joins_without_a_jump_and_returns_to_where_it_began() -> None:
    events = looped_thrice()
    quotes = [event for event in events if isinstance(event, Quote)]
    mids = [quote.bid_ticks + quote.ask_ticks for quote in quotes]
    within = [abs(after - before) for before, after in pairwise(mids[: len(mids) // 3])]
    overall = [abs(after - before) for before, after in pairwise(mids)]

    assert max(overall) == max(within)
    assert all(quote.bid_ticks < quote.ask_ticks for quote in quotes)
    assert mids[0] == mids[2 * len(mids) // 3]
    assert [event.at_ms for event in events] == sorted(event.at_ms for event in events)


@pytest.mark.unmeasured
def test_book_after_a_join_is_the_recorded_book_without_leftovers() -> None:
    assert books(iter(looped_thrice())) == books(looped(bundled(), passes=1))


def test_sources_are_merged_by_time() -> None:
    one = [quote_line(ms, "99.00", "99.10") for ms in (0, 10, 20)]
    first = hftbacktest("x", opener(one), KNOWN)
    second = hftbacktest("y", opener([quote_line(0, "1", "2"), quote_line(15, "1", "2")]), KNOWN)

    times = [event.at_ms for event in merged(first.play(), second.play())]

    assert times == [0, 0, 10, 15, 20]


def test_a_tick_below_a_millionth_is_read_as_it_is() -> None:
    pepe = catalog.instruments(catalog.exchange_info(), ("1000PEPEUSDT",))
    line = quote_line(0, "0.0082000", "0.0082001", "1000PEPEUSDT").replace(b".000", b"")

    recording = hftbacktest("pepe", opener([line]), pepe)

    assert (recording.first.bid_ticks, recording.first.ask_ticks) == (82_000, 82_001)
