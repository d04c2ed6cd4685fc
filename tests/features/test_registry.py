from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from features.page import PAGE, page
from grinder import cli
from grinder.features.registry import FEATURES, INDEX, NAMES, described, known


def test_names_are_unique_and_stand_where_the_index_says() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(NAMES[at] == name for name, at in INDEX.items())


def test_every_feature_declares_everything() -> None:
    for row in described():
        needed = ("meaning", "unit", "window", "warm_up", "cold", "inputs", "stale_after")
        assert all(row[key] for key in needed), row["name"]
    for feature in FEATURES:
        if feature.least is not None and feature.greatest is not None:
            assert feature.least < feature.greatest


def test_known_leaves_out_what_is_not() -> None:
    values: list[float | None] = [None] * len(NAMES)
    values[INDEX["natr_bps"]] = 0.0

    assert known(values) == {"natr_bps": 0.0}
    with pytest.raises(ValueError, match="shorter"):
        known([1.0])


def test_the_page_is_that_of_the_registry() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m features.page"


def test_the_command_prints_every_feature() -> None:
    told = CliRunner().invoke(cli.app, ["features"], env={"COLUMNS": "300"})
    assert told.exit_code == 0
    assert all(name in told.stdout for name in NAMES)
    assert "[b >= b'] Qb" in told.stdout

    rows = json.loads(CliRunner().invoke(cli.app, ["features", "--json"]).stdout)
    assert [row["name"] for row in rows] == list(NAMES)
    assert rows[INDEX["vpin"]]["inputs"] == ["aggTrade", "bookTicker"]
