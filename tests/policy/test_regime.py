"""What the market is taken for, and how slowly that changes."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.model.grid import MarketRegime, ToxicityLevel
from grinder.model.settings import RiskSettings
from grinder.model.strategy import RegimeSettings
from grinder.policy.regime import (
    GRAVITY,
    Hysteresis,
    Persistence,
    RegimeLimits,
    Verdict,
    classify,
    thin_of,
)

# A spread limit of the gate above that of the table, so that every row can be reached.
LIMITS = RegimeLimits.of(RegimeSettings(), RiskSettings(spread_spike_bps=150.0))
CALM = {
    "spread_bps": 1.0,
    "thin_l1_notional": 90_000.0,
    "natr_bps": 20.0,
    "signed_return_bps": 10.0,
    "range_score": 12.0,
    "price_jump_bps_1m": 3.0,
}
TRENDING = {"signed_return_bps": 201.0, "range_score": 3.0}

ROWS: list[tuple[dict[str, Any], dict[str, Any], tuple[str, str, int]]] = [
    ({}, {}, ("RANGE", "DEFAULT", 80)),
    ({}, {"is_warm": False}, ("RANGE", "DEFAULT", 60)),
    ({}, {"is_killed": True}, ("EMERGENCY", "KILL_SWITCH", 100)),
    ({"spread_bps": 150.0}, {}, ("THIN_BOOK", "WIDE_SPREAD", 90)),
    ({"spread_bps": 150.1}, {}, ("TOXIC", "SPREAD_SPIKE", 100)),
    ({"price_jump_bps_1m": 500.0}, {}, ("RANGE", "DEFAULT", 80)),
    ({"price_jump_bps_1m": 500.1}, {}, ("TOXIC", "PRICE_IMPACT", 100)),
    ({"price_jump_bps_1m": -500.1}, {}, ("TOXIC", "PRICE_IMPACT", 100)),
    ({}, {"toxicity": ToxicityLevel.MID}, ("RANGE", "DEFAULT", 80)),
    ({}, {"toxicity": ToxicityLevel.HIGH}, ("TOXIC", "TOXIC_FLOW", 100)),
    ({}, {"toxicity": ToxicityLevel.EXTREME}, ("TOXIC", "TOXIC_FLOW", 100)),
    ({"spread_bps": None}, {}, ("RANGE", "WARMUP", 50)),
    ({"thin_l1_notional": 500.0}, {}, ("RANGE", "DEFAULT", 80)),
    ({"thin_l1_notional": 499.9}, {}, ("THIN_BOOK", "THIN_LIQUIDITY", 90)),
    ({"spread_bps": 100.0}, {}, ("RANGE", "DEFAULT", 80)),
    ({"spread_bps": 100.1}, {}, ("THIN_BOOK", "WIDE_SPREAD", 90)),
    ({"natr_bps": 500.0}, {}, ("RANGE", "DEFAULT", 80)),
    ({"natr_bps": 501.0}, {}, ("VOL_SHOCK", "HIGH_VOLATILITY", 85)),
    ({**TRENDING, "signed_return_bps": 200.0}, {}, ("RANGE", "DEFAULT", 80)),
    ({**TRENDING, "range_score": 4.0}, {}, ("RANGE", "DEFAULT", 80)),
    (TRENDING, {}, ("TREND_UP", "TREND_DETECTED", 75)),
    ({**TRENDING, "signed_return_bps": -201.0}, {}, ("TREND_DOWN", "TREND_DETECTED", 75)),
    ({**TRENDING, "signed_return_bps": -200.0}, {}, ("RANGE", "DEFAULT", 80)),
    # What is not known matches nothing.
    ({"thin_l1_notional": None, "natr_bps": None}, {}, ("RANGE", "DEFAULT", 80)),
    ({**TRENDING, "range_score": None}, {}, ("RANGE", "DEFAULT", 80)),
    ({**TRENDING, "signed_return_bps": None}, {}, ("RANGE", "DEFAULT", 80)),
    # Of two that match, the upper one.
    ({"spread_bps": 200.0, "thin_l1_notional": 1.0}, {}, ("TOXIC", "SPREAD_SPIKE", 100)),
    ({"spread_bps": 120.0, "thin_l1_notional": 1.0}, {}, ("THIN_BOOK", "THIN_LIQUIDITY", 90)),
    ({"spread_bps": 120.0, "natr_bps": 900.0}, {}, ("THIN_BOOK", "WIDE_SPREAD", 90)),
    ({**TRENDING, "natr_bps": 900.0}, {}, ("VOL_SHOCK", "HIGH_VOLATILITY", 85)),
    ({"spread_bps": 200.0}, {"is_killed": True}, ("EMERGENCY", "KILL_SWITCH", 100)),
]


@pytest.mark.parametrize(("changes", "facts", "expected"), ROWS)
def test_the_first_row_that_matches_names_the_regime(
    changes: dict[str, Any], facts: dict[str, Any], expected: tuple[str, str, int]
) -> None:
    features = {name: value for name, value in {**CALM, **changes}.items() if value is not None}

    verdict = classify(features, LIMITS, thin=thin_of(features, LIMITS), **facts)

    assert (verdict.regime, verdict.reason, verdict.confidence) == expected


def test_every_row_of_the_table_is_among_the_cases() -> None:
    seen = {expected[1] for _, _, expected in ROWS}

    assert seen == {
        "KILL_SWITCH",
        "SPREAD_SPIKE",
        "PRICE_IMPACT",
        "TOXIC_FLOW",
        "WARMUP",
        "THIN_LIQUIDITY",
        "WIDE_SPREAD",
        "HIGH_VOLATILITY",
        "TREND_DETECTED",
        "DEFAULT",
    }


@given(net=st.floats(-5_000, 5_000).filter(bool), score=st.floats(0, 50), natr=st.floats(0, 1_000))
def test_a_market_in_the_mirror_is_its_mirror_image(net: float, score: float, natr: float) -> None:
    def seen(signed: float) -> MarketRegime:
        features = {**CALM, "signed_return_bps": signed, "range_score": score, "natr_bps": natr}
        return classify(features, LIMITS).regime

    mirrored = {"TREND_UP": "TREND_DOWN", "TREND_DOWN": "TREND_UP"}
    assert seen(-net) == mirrored.get(seen(net), seen(net))


# A thin book.

THIN, WIDE = (
    thin_of({**CALM, **changes}, LIMITS)
    for changes in ({"thin_l1_notional": 1.0}, {"spread_bps": 120.0})
)


def believed(persistence: Persistence, *seen: Verdict | None) -> list[str]:
    told = [persistence.follow(one) for one in seen]
    return ["" if one is None else one.reason for one in told]


def test_a_book_is_thin_after_three_samples_and_not_any_more_after_three() -> None:
    persistence = Persistence(3)

    assert believed(persistence, THIN, THIN, None, THIN, THIN) == [""] * 5
    assert believed(persistence, WIDE, THIN) == ["WIDE_SPREAD", "THIN_LIQUIDITY"]
    assert believed(persistence, None, None, WIDE) == [*["THIN_LIQUIDITY"] * 2, "WIDE_SPREAD"]
    assert believed(persistence, None, None, None, THIN) == [*["WIDE_SPREAD"] * 2, "", ""]


def test_with_one_sample_needed_each_counts() -> None:
    assert believed(Persistence(1), THIN, None, WIDE) == ["THIN_LIQUIDITY", "", "WIDE_SPREAD"]


# Hysteresis.


def verdict(regime: str) -> Verdict:
    return Verdict(regime=MarketRegime(regime), reason=regime, confidence=50)


def in_force(hysteresis: Hysteresis, *seen: str) -> list[str]:
    regimes = []
    for regime in seen:
        hysteresis.follow(verdict(regime))
        regimes.append(hysteresis.verdict.regime.value)
    return regimes


def test_the_first_change_waits_for_nothing() -> None:
    assert in_force(Hysteresis(10, 5), "TREND_UP") == ["TREND_UP"]


def test_a_regime_stays_for_as_long_as_it_is_held() -> None:
    hysteresis = Hysteresis(10, 5)
    hysteresis.follow(verdict("TREND_UP"))

    regimes = in_force(hysteresis, *["RANGE"] * 12)

    assert regimes == ["TREND_UP"] * 10 + ["RANGE"] * 2


@pytest.mark.parametrize("graver", ["VOL_SHOCK", "TOXIC", "EMERGENCY"])
def test_a_graver_regime_cuts_in_at_once(graver: str) -> None:
    hysteresis = Hysteresis(10, 5)

    assert in_force(hysteresis, "TREND_UP", graver) == ["TREND_UP", graver]


def test_graver_and_graver_and_back_by_patience_only() -> None:
    hysteresis = Hysteresis(4, 2)

    regimes = in_force(hysteresis, "VOL_SHOCK", "TOXIC", "EMERGENCY", *["TOXIC"] * 5)

    assert regimes == ["VOL_SHOCK", "TOXIC", *["EMERGENCY"] * 5, "TOXIC"]


def test_what_was_interrupted_returns_after_the_cooldown() -> None:
    hysteresis = Hysteresis(10, 5)
    in_force(hysteresis, "TREND_DOWN", "VOL_SHOCK")

    assert in_force(hysteresis, *["TREND_DOWN"] * 6) == [*["VOL_SHOCK"] * 5, "TREND_DOWN"]


def test_another_one_than_the_interrupted_waits_for_the_hold() -> None:
    hysteresis = Hysteresis(10, 5)
    in_force(hysteresis, "TREND_DOWN", "VOL_SHOCK")

    assert in_force(hysteresis, *["RANGE"] * 11) == [*["VOL_SHOCK"] * 10, "RANGE"]


def test_a_cooldown_longer_than_the_hold_is_kept() -> None:
    hysteresis = Hysteresis(2, 6)
    in_force(hysteresis, "TREND_UP")

    assert in_force(hysteresis, *["RANGE"] * 7) == [*["TREND_UP"] * 6, "RANGE"]


def test_the_reason_of_the_same_regime_is_kept_up_to_date() -> None:
    hysteresis = Hysteresis(10, 5)
    hysteresis.follow(verdict("THIN_BOOK"))
    newer = attrs.evolve(verdict("THIN_BOOK"), reason="WIDE_SPREAD")

    assert not hysteresis.follow(newer)
    assert hysteresis.verdict is newer


@given(
    seen=st.lists(st.sampled_from(list(MarketRegime)), max_size=60),
    hold=st.integers(0, 12),
    cooldown=st.integers(0, 12),
)
def test_no_ordinary_change_comes_within_the_cooldown_of_another(
    seen: list[MarketRegime], hold: int, cooldown: int
) -> None:
    hysteresis = Hysteresis(hold, cooldown)
    last_change, regime = None, hysteresis.verdict.regime
    for number, one in enumerate(seen):
        is_changed = hysteresis.follow(verdict(one))
        now = hysteresis.verdict.regime
        assert is_changed == (now is not regime)
        if is_changed:
            is_graver = GRAVITY.get(now, 0) > GRAVITY.get(regime, 0)
            assert now is one
            assert is_graver or last_change is None or number - last_change > cooldown
            last_change, regime = number, now
        elif GRAVITY.get(one, 0) > GRAVITY.get(regime, 0):
            raise AssertionError("a graver regime was kept out")
