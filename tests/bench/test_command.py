"""The command measures in processes of their own and tells what they found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from grinder.bench import command, main
from grinder.bench.command import MeasurementError, measured
from grinder.bench.table import MEASUREMENTS, Measurement, find

NAMES = [one.name for one in MEASUREMENTS]
MAY_BE_ZERO = {
    "targets",
    "orders",
    "orders_tenfold",
    "incomplete",
    "bytes_per_tick",
    "bytes_per_order",
    "age_ms",
}
"""Parts of results in which a short run may find nothing, and targets, which judge."""


def numbers(value: Any) -> Iterator[float]:
    """Give every number in a result that must be above zero."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in MAY_BE_ZERO:
                yield from numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


@pytest.mark.parametrize("name", NAMES)
def test_a_short_measurement_finds_positive_numbers(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--json", "--short", "--only", name])

    report = json.loads(capsys.readouterr().out)
    result = report["measurements"][name]
    found = list(numbers(result))
    assert code == 0
    assert report["is_short"] is True
    assert found
    assert all(number > 0 for number in found)
    for one in result["targets"]:
        assert set(one) == {"name", "value", "bound", "must_be", "is_met"}


def test_the_table_shows_figures_and_targets(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--short", "--only", "a,d"])

    shown = capsys.readouterr().out
    assert code == 0
    assert "replay: quotes_per_s" in shown
    assert "replay: target share of the unit" in shown
    assert "codec: messages BookTicked" in shown


def test_an_unknown_measurement_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "speed"])

    assert ended.value.code == 2
    assert "no measurement is called 'speed'" in capsys.readouterr().err


def test_the_help_names_every_measurement(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(name in shown for name in NAMES)


def test_a_child_that_fails_is_told_with_its_last_line() -> None:
    missing = Measurement("z", "nothing", "", find("a").run)

    with pytest.raises(MeasurementError, match="no measurement is called 'nothing'"):
        measured(missing, is_short=True)


def test_a_failed_measurement_is_a_failed_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(one: Measurement, *, is_short: bool) -> dict[str, object]:
        raise MeasurementError("broken")

    monkeypatch.setattr(command, "measured", fail)

    code = main(["--json", "--short", "--only", "d"])

    shown = capsys.readouterr()
    assert code == 1
    assert "codec: broken" in shown.err
    assert json.loads(shown.out)["measurements"] == {}


def test_letters_and_names_find_the_same() -> None:
    assert [find(one.letter) for one in MEASUREMENTS] == [find(name) for name in NAMES]
