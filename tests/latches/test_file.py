"""The file of the latches: whole or not at all, for one account, one process at a time."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from grinder.errors import LatchesError
from grinder.latches.file import LatchFile

FACTS = {"risk": {"kill_switch": "MANUAL"}, "policy.BTCUSDT": {"stopped": "STOP_LOSS"}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "latches.json"


def written(path: Path, facts: dict[str, dict[str, str]] = FACTS) -> None:
    file = LatchFile(path, "binance")
    file.write(facts)
    file.close()


def test_what_was_written_is_read_by_the_next_one(path: Path) -> None:
    written(path)
    second = LatchFile(path, "binance")
    assert second.read() == FACTS
    second.close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_new_file_holds_nothing_and_is_there_at_once(path: Path) -> None:
    file = LatchFile(path, "binance")
    assert file.read() == {}
    assert path.exists()
    file.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("MANUAL", "manual"),
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: "[]",
        lambda text: json.dumps({"version": 1, "account": "binance", "latches": 5, "check": ""}),
        lambda text: "\ud800".join(text).encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_what_does_not_hold_what_was_written_is_refused_and_left_as_it_is(
    path: Path, spoil: Any
) -> None:
    written(path)
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(LatchesError, match="does not hold what was written"):
        LatchFile(path, "binance")
    assert path.read_bytes() == before


def test_the_file_of_another_account_is_refused(path: Path) -> None:
    written(path)
    with pytest.raises(LatchesError, match="is that of binance, not of binance-testnet"):
        LatchFile(path, "binance-testnet")


def test_a_file_that_another_one_has_is_refused_until_it_lets_go(path: Path) -> None:
    first = LatchFile(path, "binance")
    with pytest.raises(LatchesError, match="in use by another process"):
        LatchFile(path, "binance")
    first.close()
    first.close()
    LatchFile(path, "binance").close()


@pytest.mark.parametrize("name", ["absent/latches.json", "."])
def test_a_place_that_takes_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LatchesError, match="can't be used"):
        LatchFile(tmp_path / name, "binance")


def test_a_write_that_fails_leaves_what_was_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(path)
    file = LatchFile(path, "binance")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            file.write({})
    file.close()
    again = LatchFile(path, "binance")
    assert again.read() == FACTS
    again.close()
