"""A run on one page."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from grinder.cli import app
from grinder.plot.page import figure_of
from grinder.plot.story import Thinned, story_of
from simulated.recorded import RecordWorld


def test_the_page_shows_the_market_the_ladder_and_what_came_of_it(
    record_world: RecordWorld,
) -> None:
    directory = record_world(seconds=60)

    story = story_of(directory, None, "BTCUSDT")

    assert len(story.mids) > 20
    assert len(story.orders) >= 10
    assert all(one.from_ns <= one.to_ns <= story.last_ns for one in story.orders)
    prices = [mid for _, mid in story.mids]
    entries = [one for one in story.orders if not one.is_exit]
    assert {float(one.price) < max(prices) for one in entries if one.side.sign > 0} == {True}
    figure = figure_of(story)
    names = {trace.name for trace in figure.data}
    assert {"mid", "bids", "asks", "profit", "position", "bought", "sold"} <= names
    assert story.fills
    sold = next(trace for trace in figure.data if trace.name == "sold")
    bought = next(trace for trace in figure.data if trace.name == "bought")
    assert len(sold.x) + len(bought.x) == len(story.fills)


def test_the_command_writes_a_page_that_needs_nothing_else(
    record_world: RecordWorld, tmp_path: Path
) -> None:
    directory = record_world(seconds=10)
    page = tmp_path / "x.html"

    done = CliRunner().invoke(
        app, ["plot", str(directory), "--symbol", "BTCUSDT", "--out", str(page)]
    )

    assert (done.exit_code, done.output) == (0, "")
    text = page.read_text(encoding="utf-8")
    assert "BTCUSDT" in text
    assert "<script src=" not in text


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--symbol", "DOGEUSDT"], 1, "knows no DOGEUSDT"),
        (["--symbol", "BTCUSDT", "--out", "/nowhere/x.html"], 2, "/nowhere/x.html"),
    ],
)
def test_what_can_not_be_drawn_is_one_line(
    record_world: RecordWorld, options: list[str], code: int, said: str
) -> None:
    arguments = ["plot", str(record_world(seconds=2)), "--out", "x.html", *options]

    done = CliRunner().invoke(app, arguments)

    assert done.exit_code == code
    assert said in done.output


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=2_000))
def test_thinning_keeps_the_ends_and_the_extremes_within_its_bound(values: list[float]) -> None:
    series = Thinned(100)
    for at_ns, value in enumerate(values):
        series.add(1_000_000 + at_ns * 7, value)

    points = series.points()

    assert len(points) <= 100
    kept = [value for _, value in points]
    assert (kept[0], kept[-1]) == (values[0], values[-1])
    assert (min(kept), max(kept)) == (min(values), max(values))
