from __future__ import annotations

import pytest

from grinder.features.registry import NAMES
from grinder.messages.features import FeaturesSampled
from grinder.model.grid import ToxicityLevel
from grinder.risk.flow import FlowGate


def sample(level: ToxicityLevel, score: float | None = None) -> FeaturesSampled:
    return FeaturesSampled(
        symbol="BTCUSDT",
        values=tuple(score if name == "toxicity_score" else None for name in NAMES),
        toxicity=level,
        is_warm=True,
        event_ns=1,
    )


@pytest.mark.parametrize("level", ToxicityLevel)
def test_high_and_extreme_close_the_gate(level: ToxicityLevel) -> None:
    gate = FlowGate()
    is_closing = level in ("HIGH", "EXTREME")

    assert gate.hear(sample(level)) is is_closing
    assert gate.is_closed is is_closing


def test_it_tells_when_it_has_closed_and_opens_with_the_level() -> None:
    gate = FlowGate()
    heard = [
        gate.hear(sample(ToxicityLevel[name]))
        for name in ("HIGH", "EXTREME", "HIGH", "MID", "LOW", "HIGH")
    ]

    assert heard == [True, False, False, False, False, True]


def test_the_score_is_that_of_the_sample() -> None:
    gate = FlowGate()
    gate.hear(sample(ToxicityLevel.HIGH, 2.5))

    assert gate.score == 2.5
