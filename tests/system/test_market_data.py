"""Depth of a live run on a line that loses, doubles and delays frames: the book is the venue's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
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

pytestmark = pytest.mark.unmeasured

TICKS = {"BTCUSDT": Decimal("0.1"), "ETHUSDT": Decimal("0.01")}
LOTS = {"BTCUSDT": Decimal("0.001"), "ETHUSDT": Decimal("0.001")}
COMPARED = 100
"""Levels of a side: a snapshot has a thousand, and what lies beyond it nobody has told."""
REPORTS = 3
"""After so many reports everything that had gone wrong before has been told."""
LAST_QTY = "7.777"
"""What is bid and offered at last; nothing of a recording is that much."""
Levels = tuple[list[tuple[int, int]], ...]
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


def venues_depth(site: Site, symbol: str) -> dict[str, Any]:
    """Return the venue's own book as it tells it."""
    query = {"symbol": symbol, "limit": "1000"}
    url = f"{site.server.rest_url}/fapi/v1/depth"
    body: dict[str, Any] = requests.get(url, params=query, timeout=HTTP_S).json()
    return body


def best_of(body: dict[str, Any], symbol: str) -> Levels:
    """Return the best levels of a book of the venue in ticks and lots."""
    return tuple(
        [
            (int(Decimal(price) / TICKS[symbol]), int(Decimal(qty) / LOTS[symbol]))
            for price, qty in body[side][:COMPARED]
        ]
        for side in ("bids", "asks")
    )


def has_heard(folder: Path, numbers: dict[str, int]) -> bool:
    """Return whether the journal of a run that goes on has a change of each book after these."""
    depths = [one for one in said(folder) if isinstance(one, DepthSynced | DepthChanged)]
    heard = {one.symbol: one.last_id for one in depths}
    return all(heard[symbol] > number for symbol, number in numbers.items())


def has_forced_and_stats(folder: Path) -> bool:
    """Return whether a run that goes on has told of a liquidation and of each market's day."""
    told = list(said(folder))
    stats = {one.symbol for one in told if isinstance(one, MarketStatsChanged)}
    return stats == set(TICKS) and any(isinstance(one, LiquidationPrinted) for one in told)


def ended(folder: Path, run: Run, site: Site) -> dict[str, Levels]:
    """Let the market stand still after a last change, end the run, and return the venue's books."""
    control = site.server.control
    control("pause")
    before = {symbol: venues_depth(site, symbol)["lastUpdateId"] for symbol in TICKS}
    for symbol, market in control("state")["markets"].items():
        quote = {"bid": market["bid"], "ask": market["ask"]}
        control("quote", symbol=symbol, bid_qty=LAST_QTY, ask_qty=LAST_QTY, **quote)
    wanted = {symbol: best_of(venues_depth(site, symbol), symbol) for symbol in TICKS}
    until(lambda: has_heard(folder, before), "the last change is heard")
    run.stop()
    return wanted


def assert_equal(folder: Path, wanted: dict[str, Levels]) -> None:
    for symbol, book in books(folder).items():
        assert book.is_synced
        assert list(book.bids.best(COMPARED)) == wanted[symbol][0]
        assert list(book.asks.best(COMPARED)) == wanted[symbol][1]


def test_a_book_that_lost_a_change_is_whole_again(tmp_path: Path, site: Site) -> None:
    control = site.server.control
    with recorded_run(tmp_path, site) as run:
        until(lambda: snapshots(run) >= 2, "both books")
        await_whole(run)
        assert broken(run) == 0
        # A snapshot that was older than the stream is read again: there may have been some.
        before = snapshots(run)
        control("stream-fault", fault="gap", pattern="btcusdt@depth*", times=1)
        until(lambda: broken(run) == 1, "the break is noticed")
        until(lambda: snapshots(run) > before, "the book is read again")
        await_whole(run)
        control("liquidation", symbol="BTCUSDT", side="SELL", price="60000.0", qty="0.5")
        until(
            lambda: metric(run, "grinder_data_stale_symbols", 'stream="depth"') == 0,
            "no depth is stale",
        )
        until(lambda: has_forced_and_stats(tmp_path), "a liquidation, and figures of both markets")
        wanted = ended(tmp_path, run, site)
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
        until(lambda: snapshots(run) >= 2, "both books, after failures")
        rates = {"gap": 0.02, "duplicate": 0.05, "reorder": 0.02, "delay": 0.05}
        for fault, rate in rates.items():
            control("stream-fault", fault=fault, pattern="*@depth*", rate=rate, seed=7)
        until(lambda: broken(run) >= 5, "chains break")
        control("clear-faults")
        await_whole(run)
        wanted = ended(tmp_path, run, site)
        report = run.report()

    assert report["restarts"] == 0
    assert_equal(tmp_path, wanted)
