from __future__ import annotations

import statistics
from itertools import pairwise
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import batch
from grinder.features.toxicity import WEIGHTS, Composite, Measures
from grinder.model.grid import ToxicityLevel
from grinder.model.strategy import ToxicitySettings
from grinder.model.units import NS_PER_S

CALM = Measures(
    vpin=None,
    kyle=None,
    amihud=None,
    spread_bps=5.0,
    ofi_z=0.0,
    surge=0.0,
    ret_1m=None,
    cvd_1m=None,
    volume_1m=None,
    volume_ratio=None,
)


def measured(**changes: Any) -> Measures:
    return CALM._replace(**changes)


def composite(**settings: Any) -> Composite:
    return Composite(attrs.evolve(ToxicitySettings(gain=1.0), **settings), 3_600)


def test_the_weights_add_up_to_one() -> None:
    assert sum(WEIGHTS) == pytest.approx(1.0)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1), st.floats(-9, 9), st.floats(0, 3), st.floats(0, 30), st.floats(-5, 5)
        ),
        min_size=1,
        max_size=140,
    )
)
def test_the_score_is_the_smoothed_weighted_sum(rows: list[tuple[float, ...]]) -> None:
    room = composite(window_samples=50)
    told: tuple[float | None, ...] = ()
    score = 0.0
    for at, (vpin, kyle, amihud, spread, ofi_z) in enumerate(rows):
        told = room.values(
            at * NS_PER_S,
            measured(
                vpin=vpin, kyle=kyle, amihud=amihud, spread_bps=spread, ofi_z=ofi_z, surge=1.0
            ),
        )
        columns = zip(*[(row[0], max(0.0, row[1]), row[2]) for row in rows[: at + 1]], strict=True)
        scores = [batch.zscore(column, 50, 8) for column in columns]
        scaled = [None if score is None else score - 1.0 for score in scores]
        spreads = [row[3] for row in rows[: at + 1]]
        if at >= 30:
            mean = max(1.0, statistics.fmean(spreads[:-1]))
        else:
            mean = max(5.0, statistics.fmean(spreads))
        wide = max(0.0, spread - mean) / mean
        parts = [*scaled, wide, abs(ofi_z) / 3, 1.0]
        cut = [None if part is None else min(3.0, max(0.0, part)) for part in parts]
        raw = sum(w * part for w, part in zip(WEIGHTS, cut, strict=True) if part is not None)
        score = max(raw, 0.95 * score + 0.05 * raw)
        assert told[0] == pytest.approx(score, abs=1e-4)
        for said, part in zip(told[1:], cut, strict=True):
            assert said == (None if part is None else pytest.approx(part, abs=1e-3))


def test_a_simpler_measure_stands_in_for_a_cold_one() -> None:
    room = composite(window_samples=60)
    for at in range(59):
        room.values(at * NS_PER_S, measured(cvd_1m=float(at % 2), volume_1m=99.0, ret_1m=1e-4))
    told = room.values(
        59 * NS_PER_S,
        measured(cvd_1m=-90.0, volume_1m=99.0, ret_1m=0.02, volume_ratio=1.0),
    )

    # There has been no ratio of volumes before, so nothing stands in for the price impact.
    assert told[1] == 3.0
    assert told[2] is None
    assert told[3] == 3.0


def levels(scores: list[float], **settings: Any) -> list[ToxicityLevel]:
    """Levels at one raw score a second, made by the flow alone."""
    room = composite(gain=5.0, decay=0.0, **settings)
    said = []
    for at, score in enumerate(scores):
        room.values(at * NS_PER_S, measured(ofi_z=score * 3))
        assert room.score == pytest.approx(score)
        said.append(room.level)
    return said


def test_levels_begin_at_their_scores() -> None:
    low, mid, high, extreme = ToxicityLevel
    assert levels([0.0, 0.99, 1.0, 1.99]) == [low, low, mid, mid]
    assert levels([2.0]) == [high]
    assert levels([2.99]) == [high]
    assert levels([2.99, 2.9], extreme=2.95) == [extreme, high]


def test_after_high_it_stays_until_the_cooldown_is_over_and_the_score_is_low() -> None:
    low, mid, high, _ = ToxicityLevel

    assert levels([2.0, *[0.5] * 61])[59:] == [high, low, low]
    # Over, but not low: it stays.
    assert levels([2.0, *[1.5] * 70, 0.5])[-2:] == [high, low]
    # Another high begins the cooldown anew.
    assert levels([2.0, *[0.5] * 30, 2.0, *[0.5] * 60])[-2:] == [high, low]
    assert levels([1.5, 0.9]) == [mid, low]


def test_it_rises_at_once_and_falls_slowly() -> None:
    room = composite()
    room.values(0, measured(surge=1.0, ofi_z=5.0))
    top = room.score
    scores = [top]
    for at in range(1, 20):
        room.values(at * NS_PER_S, CALM)
        scores.append(room.score)

    assert top == pytest.approx(0.2 * 5 / 3 + 0.1)
    assert all(b == pytest.approx(0.95 * a) for a, b in pairwise(scores))


def test_everything_at_once_is_extreme_with_the_gain_as_delivered() -> None:
    room = Composite(ToxicitySettings(window_samples=60), 3_600)
    said = []
    for at in range(101):
        calm = measured(vpin=0.2 + at % 2 / 100, kyle=at % 2, amihud=at % 2, spread_bps=1.0)
        storm = measured(vpin=0.9, kyle=50.0, amihud=50.0, spread_bps=9.0, ofi_z=-5.0, surge=1.0)
        room.values(at * NS_PER_S, calm if at < 100 else storm)
        said.append(room.level)

    assert said == [ToxicityLevel.LOW] * 100 + [ToxicityLevel.EXTREME]
