from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.errors import ConfigError
from grinder.model.instrument import Instrument
from grinder.simulation.bars import Bar, Style, bars, ticks
from grinder.simulation.market import MarketEvent, Quote, Trade
from grinder.simulation.recording import OpenLines, Recording, looped

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures/recordings/bars-btcusdt-20221213.csv"
INSTRUMENT = Instrument(
    symbol="BTCUSDT", base_asset="BTC", tick=Decimal("0.10"), lot=Decimal("0.001")
)
KLINE = "1723161240000,61800.0,61810.0,61790.5,61805.1,12.345,1723161299999,1,2,3,4,0"
HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore"
)


def lines(text: str) -> OpenLines:
    return lambda: iter(text.encode().splitlines(keepends=True))


def read(text: str, spread_ticks: int = 1) -> Recording:
    return bars("bars.csv", lines(text), INSTRUMENT, spread_ticks=spread_ticks)


@st.composite
def bar(draw: st.DrawFn) -> Bar:
    low = draw(st.integers(100, 10_000))
    high = low + draw(st.integers(0, 300))
    inside = st.integers(low, high)
    return Bar(
        open_ms=0,
        open=draw(inside),
        high=high,
        low=low,
        close=draw(inside),
        lots=draw(st.integers(0, 10_000)),
    )


def trades(events: list[MarketEvent]) -> list[Trade]:
    return [event for event in events if isinstance(event, Trade)]


def quotes(events: list[MarketEvent]) -> list[Quote]:
    return [event for event in events if isinstance(event, Quote)]


@given(
    found=bar(),
    spread=st.integers(1, 5),
    span_ms=st.sampled_from([1000, 5000, 30_000]),
)
def test_ticks_of_a_bar_are_inside_it_and_add_up(found: Bar, spread: int, span_ms: int) -> None:
    style = Style(instrument=INSTRUMENT, span_ms=span_ms, spread_ticks=spread)
    events = list(ticks((found,), style))
    prices = [trade.price_ticks for trade in trades(events)]

    assert sum(trade.lots for trade in trades(events)) == found.lots
    assert all(trade.lots > 0 for trade in trades(events))
    assert all(found.low <= price <= found.high for price in prices)
    assert all(0 <= event.at_ms < span_ms for event in events)
    assert [event.at_ms for event in events] == sorted(event.at_ms for event in events)
    assert all(quote.ask_ticks - quote.bid_ticks == spread for quote in quotes(events))
    if found.high - found.low >= 2 * spread:
        assert all(found.low <= quote.bid_ticks for quote in quotes(events))
        assert all(quote.ask_ticks <= found.high for quote in quotes(events))
    if found.lots >= 4:
        ends = (found.low, found.high) if found.close >= found.open else (found.high, found.low)
        assert (prices[0], prices[-1]) == (found.open, found.close)
        assert (min(prices), max(prices)) == (found.low, found.high)
        assert prices.index(ends[0]) <= len(prices) - 1 - prices[::-1].index(ends[1])
    assert events == list(ticks((found,), style))


def test_every_trade_is_at_the_quote_that_stands() -> None:
    recording = bars("x", lambda: iter(FIXTURE.read_bytes().splitlines()), INSTRUMENT)
    quote: Quote | None = None
    for event in recording.play():
        if isinstance(event, Quote):
            quote = event
        elif isinstance(event, Trade):
            assert quote is not None
            near = quote.bid_ticks if event.buyer_is_maker else quote.ask_ticks
            assert event.price_ticks == near


def test_real_bars_come_back_out_of_their_ticks() -> None:
    rows = [line.split(",") for line in FIXTURE.read_text().splitlines()[1:]]
    recording = bars("x", lambda: iter(FIXTURE.read_bytes().splitlines()), INSTRUMENT)
    made: dict[int, list[Trade]] = {}
    for trade in trades(list(recording.play())):
        made.setdefault(trade.at_ms // 60_000, []).append(trade)

    assert len(rows) == recording.events == len(made) == 60
    for row, found in zip(rows, made.values(), strict=True):
        prices = [INSTRUMENT.price(trade.price_ticks) for trade in found]
        assert (prices[0], max(prices), min(prices), prices[-1]) == tuple(map(Decimal, row[1:5]))
        assert INSTRUMENT.qty(sum(trade.lots for trade in found)) == Decimal(row[5])


def test_loop_of_bars_joins_without_a_jump() -> None:
    recording = bars("x", lambda: iter(FIXTURE.read_bytes().splitlines()), INSTRUMENT)
    mids = [
        quote.bid_ticks + quote.ask_ticks for quote in quotes(list(looped(recording, passes=2)))
    ]
    half = len(mids) // 2

    assert abs(mids[half] - mids[half - 1]) <= 1
    assert max(abs(after - before) for before, after in pairwise(mids[half:])) <= max(
        abs(after - before) for before, after in pairwise(mids[:half])
    )


def test_bars_that_cannot_be_mirrored_begin_again() -> None:
    rows = ("00,10,10,10,10,1", "05,10,40,10,30,1", "10,30,30,9,10,1")
    recording = read("\n".join(f"16000000{row}" for row in rows))
    found = quotes(list(looped(recording, passes=2)))

    assert found[len(found) // 2].bid_ticks == found[0].bid_ticks
    assert all(quote.bid_ticks > 0 for quote in found)


@pytest.mark.parametrize(
    "text",
    [
        f"{KLINE}\n",
        f"{HEADER}\n{KLINE}\n",
        f"\ufeff{HEADER}\r\n{KLINE}\r\n\r\n",
        KLINE.replace("1723161240000", "1723161240000000") + "\n",
        KLINE.replace("1723161240000", "1723161240") + "\n",
        "Close,Volume,Open,Date,High,Low\n61805.1,12.345,61800,2024-08-08 23:54:00,61810,61790.5\n",
        "volume,time,open,high,low,close\n12.345,2024-08-08T23:54:00Z,61800,61810,61790.5,61805.1",
    ],
)
def test_columns_and_times_are_found_in_many_forms(text: str) -> None:
    recording = read(text)

    assert (recording.start_ms, recording.duration_ms) == (1_723_161_240_000, 60_000)
    assert sum(trade.lots for trade in trades(list(recording.play()))) == 12_345
    assert (recording.first.bid_ticks, recording.highest_ticks) == (618_000, 618_101)


def test_bars_without_volume_are_quoted_and_not_traded() -> None:
    events = list(read("time,open,high,low,close,volume\n0,10,12,9,11,\n").play())

    assert trades(events) == []
    assert {quote.bid_ticks for quote in quotes(events)} >= {90, 119}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time,open,high,low,volume\n", "line 1: expected a column close"),
        ("0,10,12,9,11,1\n0,10,12,9,11,1\n", "line 2: expected bars in order of time"),
        ("0,10,12,11,11,1\n", "line 1: expected 0 < low <= open, close <= high"),
        ("0,10,12,9,11.05,1\n", "line 1: 11.05 is not a multiple of the tick 0.1"),
        ("0,10,12,9,11,0.0001\n", "line 1: 0.0001 is not a multiple of the lot 0.001"),
        ("0,10,12,9,11,-1\n", "line 1: expected a plain decimal number"),
        ("0,10,12,9,11,1\n60000,10\n", "line 2: list index out of range"),
        ("time,open,high,low,close,volume\nnoon,1,1,1,1,1", "line 2: Invalid isoformat"),
        ("time,open,high,low,close,volume\n", "expected at least one bar"),
        (f"{HEADER}\n2019-10-17 09-AM,1,1,1,1,1\n", "line 2: Invalid isoformat"),
    ],
)
def test_damaged_bars_are_named_with_their_line(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=rf"recording bars\.csv.*{reason}"):
        read(text)


def test_spread_is_at_least_a_tick() -> None:
    with pytest.raises(ValueError, match="a spread of 1 tick or more"):
        read(KLINE, spread_ticks=0)
    wide = read(KLINE, spread_ticks=7)
    assert wide.first.ask_ticks - wide.first.bid_ticks == 7


def test_reading_is_lazy() -> None:
    opened: list[Iterator[bytes]] = []

    def counting() -> Iterator[bytes]:
        lines_now = iter(f"{KLINE}\n".encode().splitlines())
        opened.append(lines_now)
        return lines_now

    recording = bars("x", counting, INSTRUMENT)
    before = len(opened)
    next(recording.play())

    assert len(opened) == before + 1
