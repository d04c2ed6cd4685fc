"""A journal on a disk that goes wrong."""

from __future__ import annotations

import errno
from pathlib import Path

from grinder.journal.port import SteppedJournalPort
from grinder.journal.segments import SegmentWriter
from grinder.messages.codec import CODEC
from grinder.messages.journal import RunDescribed
from grinder.model.settings import JournalSettings
from grinder.worlds.doors import Weather


class _FullDisk(SegmentWriter):
    """Takes nothing while the disk is full."""

    weather: Weather | None = None

    def _append(self, block: bytes) -> None:
        if self.weather is not None and self.weather.strikes("disk-full"):
            raise OSError(errno.ENOSPC, "No space left on device")
        super()._append(block)


class FaultyJournalPort(SteppedJournalPort):
    """Writes to a disk that is full or slow when the weather says so."""

    def __init__(
        self, directory: Path, described: RunDescribed, settings: JournalSettings, weather: Weather
    ) -> None:
        writer = _FullDisk(directory, described, CODEC, settings)
        writer.open(described.started_ns)
        writer.weather = weather
        self._weather = weather
        super().__init__(writer, settings)

    def ahead(self) -> bool:
        """Write everything said so far, unless the disk holds us up."""
        return not self._weather.strikes("disk-slow") and super().ahead()

    def _turn(self) -> None:
        if not self._weather.strikes("disk-slow"):
            super()._turn()

    def abandon(self) -> None:
        """Leave the journal as it is, as a process that is killed does."""
        self._is_closed = True
        self._writer.abandon()
