"""Which symbols may have entries, and how steadily."""

from __future__ import annotations

import random
from collections import deque

import attrs
import pytest

from grinder.model.grid import ToxicityLevel
from grinder.model.strategy import SelectionSettings
from grinder.model.units import NS_PER_S
from grinder.policy.selection import Selection, bans_of, correlation, standardised

SYMBOLS = ("AAAUSDT", "BBBUSDT", "CCCUSDT", "DDDUSDT", "EEEUSDT")
FIT = {
    "spread_bps": 1.0,
    "volume_24h": 1e9,
    "volume_1h": 1e7,
    "trades_1m": 500.0,
    "open_interest": 1e8,
    "thin_l1_notional": 10_000.0,
    "warmup_bars": 20.0,
    "range_score": 5.0,
    "net_return_bps": 10.0,
    "sum_abs_returns_bps": 50.0,
}
SETTINGS = SelectionSettings(enabled=True)


class Stage:
    """A selection, and a clock that is moved by hand."""

    def __init__(self, settings: SelectionSettings = SETTINGS) -> None:
        self.selection = Selection(settings, SYMBOLS, bans_of(settings))
        self.now_ns = 1_700_000_000 * NS_PER_S
        self.known = {
            symbol: FIT | {"range_score": 10.0 - number} for number, symbol in enumerate(SYMBOLS)
        }
        self.toxicity = dict.fromkeys(SYMBOLS, ToxicityLevel.LOW)

    def after(self, seconds: int) -> tuple[str, ...]:
        """Let time pass, look each ten seconds, and return who is selected, best first."""
        for _ in range(max(1, seconds // 10)):
            self.now_ns += min(seconds, 10) * NS_PER_S
            for symbol in SYMBOLS:
                self.selection.hear(symbol, self.known[symbol], self.toxicity[symbol], self.now_ns)
            self.selection.look(self.now_ns)
        ranked = [one for one in self.selection.candidates.values() if one.selected_ns]
        return tuple(one.symbol for one in sorted(ranked, key=lambda one: one.rank))

    def reasons(self, symbol: str) -> tuple[str, ...]:
        return self.selection.candidates[symbol].failed


def test_the_best_are_selected_after_they_have_dwelt() -> None:
    stage = Stage()

    assert stage.after(20) == ()
    assert stage.after(30) == SYMBOLS[:3]


def test_after_a_restart_nobody_waits_again() -> None:
    stage = Stage()
    stage.selection.must_dwell = False

    assert stage.after(10) == SYMBOLS[:3]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"spread_bps": 15.01}, "SPREAD_TOO_HIGH"),
        ({"volume_24h": 9_999_999.0}, "VOL_24H_TOO_LOW"),
        ({"volume_1h": 499_999.0}, "VOL_1H_TOO_LOW"),
        ({"trades_1m": 99.0}, "ACTIVITY_TOO_LOW"),
        ({"open_interest": 4_999_999.0}, "OI_TOO_LOW"),
        ({"thin_l1_notional": 499.0}, "THIN_BOOK"),
        ({"warmup_bars": 14.0}, "WARMUP_INSUFFICIENT"),
    ],
)
def test_each_gate_keeps_a_symbol_out(changed: dict[str, float], reason: str) -> None:
    stage = Stage()
    stage.known[SYMBOLS[0]] = stage.known[SYMBOLS[0]] | changed

    assert SYMBOLS[0] not in stage.after(60)
    assert stage.reasons(SYMBOLS[0]) == (reason,)


@pytest.mark.parametrize(
    ("name", "limit"),
    [("spread_bps", 15.0), ("volume_24h", 1e7), ("trades_1m", 100.0), ("open_interest", 5e6)],
)
def test_a_limit_itself_passes(name: str, limit: float) -> None:
    stage = Stage()
    stage.known[SYMBOLS[0]] = stage.known[SYMBOLS[0]] | {name: limit}

    assert SYMBOLS[0] in stage.after(60)


def test_an_unknown_day_volume_blocks_and_other_unknowns_pass() -> None:
    stage = Stage()
    stage.known[SYMBOLS[0]] = {"warmup_bars": 20.0, "volume_24h": 1e9, "range_score": 999.0}
    stage.known[SYMBOLS[1]] = {key: FIT[key] for key in FIT if key != "volume_24h"}

    assert SYMBOLS[0] in stage.after(60)
    assert stage.reasons(SYMBOLS[1]) == ("VOL_24H_TOO_LOW",)


def test_toxic_flow_turns_a_symbol_out_at_once() -> None:
    stage = Stage()
    assert SYMBOLS[0] in stage.after(60)
    stage.toxicity[SYMBOLS[0]] = ToxicityLevel.HIGH

    assert SYMBOLS[0] not in stage.after(10)


def test_without_samples_nobody_stays() -> None:
    stage = Stage()
    stage.after(60)

    news, _ = stage.selection.look(stage.now_ns + 31 * NS_PER_S)

    assert {one.symbol: one.reasons for one in news if not one.is_selected} == dict.fromkeys(
        SYMBOLS, ("NO_SAMPLE",)
    )


def test_who_is_selected_is_held_although_another_is_better_now() -> None:
    stage = Stage()
    stage.after(60)
    stage.known[SYMBOLS[0]] = FIT | {"range_score": 0.0}

    assert SYMBOLS[0] in stage.after(120)
    assert SYMBOLS[0] not in stage.after(240)
    assert stage.after(10) == (SYMBOLS[1], SYMBOLS[2], SYMBOLS[3])


def test_a_ban_ends_at_its_time() -> None:
    stage = Stage(
        attrs.evolve(SETTINGS, bans=("AAAUSDT=2023-11-14T22:15:00", "BBBUSDT"))
    )  # 100 seconds after the stage begins

    assert stage.after(90) == SYMBOLS[2:]
    assert stage.reasons(SYMBOLS[0]) == ("BLACKLISTED",)
    assert SYMBOLS[0] in stage.after(400)
    assert stage.reasons(SYMBOLS[1]) == ("BLACKLISTED",)


def test_one_sector_does_not_take_every_place() -> None:
    sectors = tuple(f"{symbol}=meme" for symbol in SYMBOLS[:4])
    stage = Stage(attrs.evolve(SETTINGS, sectors=sectors, sector_max=2))

    assert stage.after(60) == (SYMBOLS[0], SYMBOLS[1], SYMBOLS[4])


def test_a_twin_of_somebody_selected_is_passed_over() -> None:
    stage = Stage()
    chance = random.Random(7)
    for _ in range(40):
        shared = chance.gauss(0, 1e-3)
        for symbol in SYMBOLS:
            is_twin = symbol in SYMBOLS[:2]
            move = shared if is_twin else chance.gauss(0, 1e-3)
            stage.known[symbol] = stage.known[symbol] | {"ret_1m": move}
        stage.after(60)
    for one in stage.selection.candidates.values():
        one.selected_ns = 0
    stage.selection.must_dwell = False

    assert stage.after(60) == (SYMBOLS[0], SYMBOLS[2], SYMBOLS[3])


@pytest.mark.parametrize(
    ("score", "feature"),
    [("volatility", "sum_abs_returns_bps"), ("in-play", "trades_1m")],
)
def test_other_scores_rank_by_other_features(score: str, feature: str) -> None:
    stage = Stage(attrs.evolve(SETTINGS, score=score))
    for number, symbol in enumerate(SYMBOLS):
        stage.known[symbol] = FIT | {feature: 200.0 + 100 * number}

    assert stage.after(60) == (SYMBOLS[4], SYMBOLS[3], SYMBOLS[2])


def test_only_the_past_decides() -> None:
    whole, cut = Stage(), Stage()

    assert whole.after(60) == cut.after(60)
    told = [attrs.asdict(one)["score"] for one in whole.selection.candidates.values()]
    whole.known[SYMBOLS[4]] = FIT | {"range_score": 500.0}
    whole.after(600)
    assert told == [one.score for one in cut.selection.candidates.values()]


def test_each_change_is_said_once() -> None:
    stage = Stage()
    stage.selection.must_dwell = False
    for symbol in SYMBOLS:
        stage.selection.hear(symbol, stage.known[symbol], ToxicityLevel.LOW, stage.now_ns)

    first, ranking = stage.selection.look(stage.now_ns)
    again, none = stage.selection.look(stage.now_ns + NS_PER_S)

    assert [one.symbol for one in first] == list(SYMBOLS)
    assert ranking is not None
    assert ranking.selected == SYMBOLS[:3]
    assert (again, none) == ((), None)


def test_correlation_and_scores_are_the_textbook_ones() -> None:
    x = deque(float(number % 7) for number in range(40))
    y = deque(3 - 2 * one for one in x)

    assert correlation(x, x) == pytest.approx(1)
    assert correlation(x, y) == pytest.approx(-1)
    assert correlation(x, deque([1.0] * 29)) is None
    assert standardised([1.0, 1.0]) == [0.0, 0.0]
    assert standardised([1.0, 3.0]) == [-1.0, 1.0]
