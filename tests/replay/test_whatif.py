"""The same market with other settings, from the command line as somebody would ask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grinder.cli import app
from simulated.recorded import RecordWorld, recorder


def ask(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def compared(directory: Path, *more: str) -> dict[str, dict[str, object]]:
    code, output = ask("replay", str(directory), "--json", *more)
    assert code == 0
    second: dict[str, dict[str, object]] = json.loads(output[output.rindex("\n{") :])
    return second


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the journal of a minute, which nobody changes."""
    return recorder(tmp_path_factory.mktemp("minute"))(seconds=60)


def test_the_recorded_settings_do_what_they_did(minute: Path) -> None:
    found = compared(minute, "--set", "risk.cooldown_ms=2000")

    assert found["recorded_settings"] == found["changed_settings"]
    assert found["recorded_settings"]["orders"]


def test_another_step_trades_differently(minute: Path) -> None:
    narrow = compared(minute, "--set", "policy.spacing_bps=1", "--set", "policy.levels=8")

    assert narrow["changed_settings"]["orders"] != narrow["recorded_settings"]["orders"]


def test_it_begins_in_the_middle_with_what_was_held(minute: Path) -> None:
    whole = compared(minute, "--set", "policy.levels=2")
    half = compared(minute, "--set", "policy.levels=2", "--until", "4000")

    assert half["events"] < whole["events"]  # type: ignore[operator]
    assert half["from"] == 4000  # type: ignore[comparison-overlap]


def test_a_run_of_one_mode_is_played_in_the_other(minute: Path) -> None:
    for until in ("1", "4000"):
        found = compared(minute, "--set", "venue.position_mode=hedge", "--until", until)[
            "changed_settings"
        ]
        assert found["orders"]
        assert set(found["positions"]) <= {"BTCUSDT", "BTCUSDT:LONG", "BTCUSDT:SHORT"}  # type: ignore[call-overload]


def test_a_setting_that_does_not_exist_is_refused(record_world: RecordWorld) -> None:
    code, output = ask("replay", str(record_world(seconds=2)), "--set", "policy.nonsense=1")

    assert code == 2
    assert "unknown setting" in output


def test_every_command_reads_a_journal(record_world: RecordWorld) -> None:
    directory = str(record_world(seconds=10))

    code, output = ask("replay", directory)
    assert code == 0
    assert "identical" in output
    code, output = ask("journal", "verify", directory)
    assert (code, output.startswith("sound:")) == (0, True)
    code, output = ask("journal", "cat", directory, "--type", "PlaceOrders", "--json")
    names = [json.loads(line)["values"] for line in output.splitlines()]
    assert code == 0
    assert names
    code, output = ask("journal", "stats", directory, "--json")
    assert json.loads(output)["turns"] > 100
    code, output = ask("journal", "ls", directory, "--json")
    assert json.loads(output)[0]["run"] == 1
    code, output = ask("why", "--refused", "--journal", directory, "--json")
    assert code == 0
    code, output = ask("why", "--journal", directory)
    assert code == 2
    code, output = ask("journal", "cat", directory, "--from", "yesterday")
    assert code == 2
