"""A market that falls silent without closing: no quote outlives what it was based on."""

from __future__ import annotations

from pathlib import Path

import pytest

from system.conftest import Site
from system.processes import FIXTURES, Run, settings
from system.waiting import until
from system.witness import accepted, doubles

pytestmark = pytest.mark.unmeasured

STALE_MS = 1_500
MARGIN_MS = 30_000
"""For noticing the silence and for taking twenty orders off, on a machine however busy."""
LASTING_MS = 2_000
"""For so long nothing is entered once the book is clear."""
LADDER = 2 * 5
OPTIONS = (
    *("--config", str(FIXTURES / "restless.toml")),
    *settings(feed__book_stale_after_ms=STALE_MS),
)


def entries_after(site: Site, ms: int) -> list[int]:
    """Return the lines of entries that the venue accepted later than ``ms``."""
    lines = accepted(site.witness.log())
    return [line["n"] for line in lines if line["ts"] > ms and not line["reduce_only"]]


def clear_after(site: Site, ms: int) -> int:
    """Return the time if it is later than ``ms`` and no entry rests, else 0."""
    now_ms: int = site.server.control("state")["now_ms"]
    return now_ms if now_ms > ms and site.witness.entries() == 0 else 0


def test_quoting_ends_with_the_stream_and_returns_with_it(tmp_path: Path, site: Site) -> None:
    control = site.server.control
    with Run(tmp_path, *OPTIONS, *site.options) as run:
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders")
        silent_ms = control("state")["now_ms"]
        control("stall", routes=["public", "market"])

        cleared = until(lambda: clear_after(site, silent_ms + STALE_MS), "no entry rests")
        until(
            lambda: control("state")["now_ms"] > cleared + LASTING_MS,
            "the silence lasts",
        )
        late = entries_after(site, cleared)
        still_resting = site.witness.entries()
        control("stall", routes=[])
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders again")
        report = run.stop()

    assert cleared - silent_ms < STALE_MS + MARGIN_MS
    assert late == []
    assert still_resting == 0
    assert report["restarts"] == 0
    assert not doubles(site.witness.log())


def test_one_silent_book_takes_only_its_own_quotes_away(tmp_path: Path, site: Site) -> None:
    control = site.server.control
    with Run(tmp_path, *OPTIONS, *site.options) as run:
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders")
        silent_ms = control("state")["now_ms"]
        control("pause", symbol="BTCUSDT")

        cleared = until(
            lambda: site.witness.resting("BTCUSDT") == 0 and control("state")["now_ms"],
            "no order rests on the silent book",
        )
        others = until(lambda: site.witness.resting("ETHUSDT"), "orders on the other book")
        control("resume", symbol="BTCUSDT")
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders again")
        run.stop()

    assert cleared - silent_ms < STALE_MS + MARGIN_MS
    assert others > 0
    assert not doubles(site.witness.log())
