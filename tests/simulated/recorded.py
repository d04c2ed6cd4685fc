"""Journals of small worlds, written in the stepped runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from grinder.journal.reading import JournalReader
from grinder.messages.codec import CODEC
from grinder.model.settings import JournalSettings
from grinder.replay.command import runtime_of
from grinder.replay.engine import Engine, Outcome
from simulated.worlds import BTC, START_TICKS, Stage, Walk, quick

RecordWorld = Callable[..., Path]
"""Name, seconds, seed, what happens after them, and settings of the journal."""


def replayed(directory: Path, *, until: int = 0, only: str = "") -> tuple[Outcome, Engine]:
    """Return how the replay of a journal went, and what it was played in, ended."""
    reader = JournalReader(directory)
    engine = Engine(runtime_of(reader), CODEC, only=only)
    try:
        return engine.replay(reader, until=until), engine
    finally:
        engine.runtime.end()


def recorder(folder: Path) -> RecordWorld:
    """Return what runs a world for some virtual seconds and returns its journal, in a folder."""

    def record(
        name: str = "journal",
        *,
        seconds: int = 20,
        seed: int | None = None,
        during: Callable[[Stage], None] | None = None,
        **settings: Any,
    ) -> Path:
        directory = folder / name
        journal = attrs.evolve(
            JournalSettings(directory=str(directory), compress=False, flush_ms=50, fsync="never"),
            **settings,
        )
        tree = attrs.evolve(quick(BTC), journal=journal)
        stage = Stage(tree, market=Walk({BTC: START_TICKS[BTC]}, 7), seed=seed)
        stage.run(seconds)
        if during is not None:
            during(stage)
        stage.world.runtime.stop()
        return directory

    return record


@pytest.fixture
def record_world(tmp_path: Path) -> RecordWorld:
    """Return what runs worlds and returns their journals, for one test."""
    return recorder(tmp_path)
