"""Every body and frame of the venue against the shape of the venue's own, and no way around it.

The clients of these tests hold everything that they hear, in any test, against its shape
(``hearing.py``). Here one walk hears everything once, and nothing may be left out.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import grinder.venues.sim
from grinder.simulation.market import DepthDiff, Mark, Quote, Trade
from grinder.venues.sim.allmarket import AllMarket
from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.site import TABLES
from grinder.venues.sim.venue import Venue
from grinder.venues.sim.wsapi import SESSIONS
from grinder.venues.sim.wsmethods import METHODS
from venue import shapes, walk
from venue.hearing import ASKED, ENVELOPE, WRAPPER, in_frame
from venue.words import FREE, names

ENDPOINTS = tuple(f"{method} {path}" for method, path in TABLES["usdm"])
SOCKET_METHODS = tuple(f"ws {method}" for method in (*METHODS["usdm"], *SESSIONS))
FORMS = ("error", ASKED, ENVELOPE, WRAPPER)
"""What surrounds bodies and frames, and refusals, which are alike everywhere."""

NEVER_HEARD = {
    "POST /fapi/v1/multiAssetsMargin": "always refused: the venue has one margin mode",
}
"""Kinds with a shape that nobody can hear, each with the reason."""
ALWAYS_EMPTY: dict[str, str] = {}
"""Kinds that are lists and never have a row, each with the reason."""


def events() -> set[str]:
    """Return the name of each event that the source of the venue can word, but for spot's."""
    found = set()
    for file in Path(grinder.venues.sim.__file__).parent.glob("*.py"):
        if file.name == "spotframes.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Dict):
                continue
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "e":
                    assert isinstance(value, ast.Constant), f"{file.name}:{value.lineno}"
                    found.add(str(value.value))
    return found


EVENTS = tuple(f"event {name}" for name in sorted(events()))


@pytest.fixture(scope="module")
def heard() -> walk.Heard:
    return walk.walked()


@pytest.mark.parametrize("kind", [*ENDPOINTS, *SOCKET_METHODS, *EVENTS, *FORMS])
def test_everything_the_venue_says_has_the_shape_of_the_samples(
    heard: walk.Heard, kind: str
) -> None:
    assert kind in shapes.SHAPES, f"{kind}: add samples of it to {shapes.DATA.name}"
    found = heard.values.get(kind, [])
    differences = [each for value in found for each in shapes.differences(kind, value)]

    assert differences == []
    assert bool(found) is (kind not in NEVER_HEARD), "the walk does not hear it"
    if any(isinstance(value, list) for value in found):
        assert any(found) is (kind not in ALWAYS_EMPTY), "the walk hears no row of it"


def test_no_shape_is_of_something_that_is_not_there() -> None:
    known = {*ENDPOINTS, *SOCKET_METHODS, *EVENTS, *FORMS}

    assert set(shapes.SHAPES) == known
    assert set(NEVER_HEARD) | set(ALWAYS_EMPTY) <= known


def test_every_sample_says_where_it_is_from() -> None:
    assert all(row["origin"] and row["real"] for row in shapes.rows())


class Asked:
    """Takes the place of the hub's methods: everybody listens to everything."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.frames: dict[str, list[Any]] = {}

    def has_listeners(self, stream: str) -> bool:
        self.names.add(stream)
        return True

    def publish(self, stream: str, frame: Any) -> None:
        self.frames.setdefault(stream, []).append(frame)


def news(symbol: str, number: int) -> Iterator[Any]:
    """Yield one of each market event."""
    bid, mark = 600_000 + number, Decimal(60_000)
    yield Quote(at_ms=0, symbol=symbol, bid_ticks=bid, bid_lots=5, ask_ticks=bid + 9, ask_lots=5)
    yield DepthDiff(at_ms=0, symbol=symbol, bids=((bid, 5 + number),), asks=((bid + 10, 7),))
    yield Trade(at_ms=0, symbol=symbol, price_ticks=bid, lots=3, buyer_is_maker=bool(number))
    yield Mark(
        at_ms=0,
        symbol=symbol,
        mark_price=mark,
        index_price=mark,
        funding_rate=Decimal(0),
        next_funding_ms=1,
    )


def test_every_stream_that_somebody_can_hear_has_the_shape_of_the_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked()
    venue = Venue(VenueConfig(symbols=("BTCUSDT",), paused=True, data=()))
    # This venue's alone: others serve in threads of this process.
    monkeypatch.setattr(venue.hub, "has_listeners", asked.has_listeners)
    monkeypatch.setattr(venue.hub, "publish", asked.publish)
    board = AllMarket(venue)
    for number in range(6):
        for event in news("BTCUSDT", number):
            venue.apply(event)
        venue.clock.offset_ms = 5_000 * number
        venue.tick()
        board.step(venue.clock.now_ms())
    frames = [each for told in asked.frames.values() for frame in told for each in in_frame(frame)]

    assert asked.names - set(asked.frames) == set()
    assert [each for kind, frame in frames for each in shapes.differences(kind, frame)] == []
    assert len(asked.names) > 40


def mutations(value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield path, wrong thing and whole of copies of a value, each with one thing wrong."""
    if isinstance(value, dict):
        for name, each in value.items():
            inner = f"{path}.{name}".lstrip(".")
            yield inner, ABSENT, {key: value[key] for key in value if key != name}
            for where, what, wrong in mutations(each, inner):
                yield where, what, {**value, name: wrong}
        yield path, "an unknown field", {**copy.deepcopy(value), "neverHeardOf": 1}
    elif isinstance(value, list) and value:
        for where, what, wrong in mutations(value[0], f"{path}[]"):
            yield where, what, [wrong, *value[1:]]
    elif isinstance(value, str):
        for wrong in (TEXT, "1E+3", "", 1, None):
            yield path, repr(wrong), wrong
    elif value is not None:
        yield path, "a text", str(value)


ABSENT = "absence"
TEXT = "no such word"


def is_excused(kind: str, path: str, what: str) -> bool:
    """Tell whether the shape rightly does not mind."""
    shape = shapes.SHAPES[kind]
    seen = {repr(each) for sample in shape.samples for each in at(sample, path)}
    seen.add(repr(shape.adds.get(path)))
    if what == ABSENT:
        return path in shape.optional
    is_free = any(name in FREE for name in names(kind, path))
    return (is_free and what in (repr(TEXT), "'1E+3'")) or what in seen


def at(value: Any, path: str) -> Iterator[Any]:
    """Yield what a sample has at a path."""
    if not path:
        yield value
    elif path.startswith("[]"):
        for row in value if isinstance(value, list) else ():
            yield from at(row, path[2:])
    else:
        name = re.split(r"[.\[]", path.lstrip("."))[0]
        if isinstance(value, dict) and name in value:
            yield from at(value[name], path.lstrip(".").removeprefix(name))


def test_a_shape_notices_what_is_wrong(heard: walk.Heard) -> None:
    unnoticed = []
    count = 0
    for kind, found in heard.values.items():
        for path, what, wrong in mutations(max(found, key=weight)):
            count += 1
            if not shapes.differences(kind, wrong) and not is_excused(kind, path, what):
                unnoticed.append(f"{kind} {path}: {what}")

    assert unnoticed == []
    assert count > 2_000


def weight(value: Any) -> int:
    """Return how much a value says."""
    return len(repr(value))
