"""Depth of a live run on a line that loses, doubles and delays frames: the book is the venue's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import requests

from grinder.features.localbook import LocalBook
from grinder.journal.reading import JournalReader
from grinder.messages.codec import CODEC
from grinder.messages.market import (
    DepthChanged,
    DepthSynced,
    LiquidationPrinted,
    MarketStatsChanged,
)
from grinder.messages.venue import ReadDepth
from system.conftest import Site
from system.processes import HTTP_S, Run
from system.recorded import FOLDER, recorded_run
from system.waiting import until

TICKS = {"BTCUSDT": Decimal("0.1"), "ETHUSDT": Decimal("0.01")}
LOTS = {"BTCUSDT": Decimal("0.001"), "ETHUSDT": Decimal("0.001")}
COMPARED = 100
"""Levels of a side: a snapshot has a thousand, and what lies beyond it nobody has told."""
REPORTS = 3
"""After so many reports everything that had gone wrong before has been told."""
LAST_MS = 1_500
"""The venue tells changes of depth every 100 ms; after this the last ones have been heard."""
TOLD = (DepthSynced, DepthChanged, LiquidationPrinted, MarketStatsChanged, ReadDepth)


def metric(run: Run, name: str, *labels: str) -> int:
    """Return a metric of one set of labels, given as they are written; 0 when there is none."""
    of = rf"\{{{','.join(labels)}\}}" if labels else ""
    wanted = re.compile(rf"^{name}{of} (\S+)$", re.MULTILINE)
    found = wanted.search(run.get("/metrics").text)
    return int(float(found.group(1))) if found else 0


def broken(run: Run) -> int:
    return metric(run, "grinder_data_gap_total", 'bucket="sequence"', 'stream="public"')


def snapshots(run: Run) -> int:
    """Return how many snapshots the venue has answered."""
    return metric(run, "grinder_http_requests_total", 'op="read_depth"', 'status_class="2xx"')


def unsynced(run: Run) -> int:
    return metric(run, "grinder_data_unsynced_books")


def ticks(run: Run) -> int:
    return metric(run, "grinder_ticks_received_total", 'connector="public"')


def await_whole(run: Run) -> None:
    """Wait until reports that were made from now on say that both books are whole."""
    seen: list[int] = []

    def has_reported() -> bool:
        seen.append(ticks(run))
        return len(set(seen)) > REPORTS

    until(has_reported, "some reports")
    until(lambda: unsynced(run) == 0, "both books whole")


def said(folder: Path) -> Iterator[object]:
    """Yield what FeedActor has said of the market beside ticks and trades, in order."""
    rows = {}
    names = {one.__name__ for one in TOLD}
    for record in JournalReader(folder / FOLDER).records():
        if record[0] == "o" and record[3] == "feed":
            rows[record[1]] = record[6]
        elif record[0] == "t" and record[2] == "feed":
            heard = rows.pop(record[1], None)
            for _, _, said_row in record[6]:
                row = said_row or heard
                if row is not None and row[0] in names:
                    yield CODEC.from_row(row)


def books(folder: Path) -> dict[str, LocalBook]:
    """Return the books that whoever heard it all has built."""
    found = {symbol: LocalBook() for symbol in TICKS}
    for message in said(folder):
        if isinstance(message, DepthSynced):
            found[message.symbol].sync(message)
        elif isinstance(message, DepthChanged):
            found[message.symbol].change(message)
    return found


def venues_book(site: Site, symbol: str) -> tuple[list[tuple[int, int]], ...]:
    """Return the venue's own best levels in ticks and lots."""
    query = {"symbol": symbol, "limit": "1000"}
    url = f"{site.server.rest_url}/fapi/v1/depth"
    body = requests.get(url, params=query, timeout=HTTP_S).json()
    return tuple(
        [
            (int(Decimal(price) / TICKS[symbol]), int(Decimal(qty) / LOTS[symbol]))
            for price, qty in body[side][:COMPARED]
        ]
        for side in ("bids", "asks")
    )


def ended(run: Run, site: Site) -> dict[str, tuple[list[tuple[int, int]], ...]]:
    """Let the market stand still, end the run, and return the venue's books as they were then."""
    control = site.server.control
    control("pause")
    paused_ms = control("state")["now_ms"]
    until(lambda: control("state")["now_ms"] > paused_ms + LAST_MS, "the last changes have come")
    wanted = {symbol: venues_book(site, symbol) for symbol in TICKS}
    run.stop()
    return wanted


def assert_equal(folder: Path, wanted: dict[str, tuple[list[tuple[int, int]], ...]]) -> None:
    for symbol, book in books(folder).items():
        assert book.is_synced
        assert list(book.bids.best(COMPARED)) == wanted[symbol][0]
        assert list(book.asks.best(COMPARED)) == wanted[symbol][1]


def test_a_book_that_lost_a_change_is_whole_again(tmp_path: Path, site: Site) -> None:
    control = site.server.control
    with recorded_run(tmp_path, site) as run:
        until(lambda: snapshots(run) == 2, "both books")
        await_whole(run)
        assert broken(run) == 0
        control("stream-fault", fault="gap", pattern="btcusdt@depth*", times=1)
        until(lambda: broken(run) == 1, "the break is noticed")
        until(lambda: snapshots(run) == 3, "the book is read again")
        await_whole(run)
        control("liquidation", symbol="BTCUSDT", side="SELL", price="60000.0", qty="0.5")
        assert metric(run, "grinder_data_stale_symbols", 'stream="depth"') == 0
        wanted = ended(run, site)
    told = list(said(tmp_path))
    synced = [one.symbol for one in told if isinstance(one, DepthSynced)]
    forced = [one for one in told if isinstance(one, LiquidationPrinted)]
    stats = {one.symbol: one for one in told if isinstance(one, MarketStatsChanged)}

    assert sorted(synced) == ["BTCUSDT", "BTCUSDT", "ETHUSDT"]
    assert [(one.side, one.price_ticks, one.qty_lots) for one in forced] == [("SELL", 600_000, 500)]
    assert set(stats) == set(TICKS)
    assert_equal(tmp_path, wanted)


def test_books_are_whole_on_a_bad_line_and_while_snapshots_fail(tmp_path: Path, site: Site) -> None:
    control = site.server.control
    control("fault", fault="unavailable-503", method="GET", path="/fapi/v1/depth", times=5)
    values = {"feed__reconnect_delay_ms": 200, "feed__reconnect_delay_max_ms": 1_000}
    with recorded_run(tmp_path, site, **values) as run:
        until(lambda: snapshots(run) == 2, "both books, after failures")
        rates = {"gap": 0.02, "duplicate": 0.05, "reorder": 0.02, "delay": 0.05}
        for fault, rate in rates.items():
            control("stream-fault", fault=fault, pattern="*@depth*", rate=rate, seed=7)
        until(lambda: broken(run) >= 5, "chains break")
        control("clear-faults")
        await_whole(run)
        wanted = ended(run, site)
        report = run.report()

    assert report["restarts"] == 0
    assert_equal(tmp_path, wanted)
