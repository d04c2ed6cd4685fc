"""Whoever reads the log and stops (a pager, a stalled collector) does not stop the trading."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from system.conftest import Site
from system.processes import Run, settings
from system.recorded import LIVELY
from system.waiting import until
from system.witness import accepted, fills

PIPE_BYTES = 60_000
"""A pipe that holds more than this is full: it has no room for another line on Linux."""
ENOUGH = 5


class UnreadRun(Run):
    """A run whose standard error is a pipe."""

    def __init__(self, folder: Path, end: int, *arguments: str) -> None:
        self._end = end
        super().__init__(folder, *LIVELY, *arguments)

    def _open_err(self) -> BinaryIO:
        return os.fdopen(self._end, "wb")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The ends of a pipe; the first one is never read."""
    read, write = os.pipe()
    os.set_blocking(write, True)
    yield read, write
    os.close(read)


def test_a_run_whose_log_nobody_reads_trades_and_stops(
    tmp_path: Path, site: Site, pipe: tuple[int, int]
) -> None:
    with UnreadRun(tmp_path, pipe[1], *site.options, *settings(run__log_level="debug")) as run:
        until(lambda: len(fills(site.witness.log())) >= ENOUGH, "fills")
        # The pipe is full by now; what follows is done without it.
        mark = site.witness.last()
        until(lambda: len(accepted(site.witness.log(mark))) >= ENOUGH, "orders")
        report = run.stop()

    assert len(os.read(pipe[0], 10 * PIPE_BYTES)) > PIPE_BYTES
    assert report["restarts"] == 0
    assert report["stop"]["confirmed"] is True
    assert site.witness.open_orders() == []
