"""Whoever reads the log and stops (a pager, a stalled collector) does not stop the trading."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from system.conftest import Site
from system.processes import Run, settings
from system.recorded import LIVELY
from system.waiting import until
from system.witness import accepted, fills

ENOUGH = 5


class UnreadRun(Run):
    """A run whose standard error is a pipe."""

    def __init__(self, folder: Path, end: int, *arguments: str) -> None:
        self._end = end
        super().__init__(folder, *LIVELY, *arguments)

    def _open_err(self) -> BinaryIO:
        return os.fdopen(self._end, "wb")


def is_full(end: int) -> bool:
    """Return whether who writes into a pipe would have to wait."""
    return not select.select([], [end], [], 0)[1]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Two handles of the end that is written of a pipe that nobody reads; the first one is kept."""
    read, kept = os.pipe()
    write = os.dup(kept)
    os.set_blocking(write, True)
    yield kept, write
    os.close(kept)
    os.close(read)


def test_a_run_whose_log_nobody_reads_trades_and_stops(
    tmp_path: Path, site: Site, pipe: tuple[int, int]
) -> None:
    with UnreadRun(tmp_path, pipe[1], *site.options, *settings(run__log_level="debug")) as run:
        until(lambda: is_full(pipe[0]), "a pipe that is full")
        before, mark = len(fills(site.witness.log())), site.witness.last()
        until(lambda: len(fills(site.witness.log())) >= before + ENOUGH, "fills")
        until(lambda: len(accepted(site.witness.log(mark))) >= ENOUGH, "orders")
        report = run.stop()

    assert is_full(pipe[0])
    assert report["restarts"] == 0
    assert report["stop"]["confirmed"] is True
    assert site.witness.open_orders() == []
