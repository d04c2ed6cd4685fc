"""Traps of what is made of a market: its data, features, verdicts, and how a run is judged."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import pytest
from typer.testing import CliRunner

from fixtures.staged import FIXTURES, Stage, Staged, stage
from grinder import cli
from grinder.features.registry import known
from grinder.features.vector import FeatureState
from grinder.journal.reading import JournalReader
from grinder.kernel.mailbox import Item
from grinder.kernel.recorder import Turn
from grinder.messages.codec import CODEC
from grinder.messages.features import FeaturesComputed, FeaturesSampled
from grinder.messages.grid import (
    PlanChosen,
    RegimeChanged,
    SelectionRanked,
    SymbolSelected,
)
from grinder.messages.market import BookTicked, FeedHealthChanged, FeedReported
from grinder.replay.command import runtime_of
from grinder.replay.engine import Engine
from grinder.simulation.market import DepthDiff, MarketEvent, Quote
from grinder.simulation.normal import events_of, head_of
from grinder.venues.sim.catalog import opener
from simulated import worlds
from simulated.worlds import (
    BITCOIN,
    BTC,
    ETH,
    ETHER,
    MS,
    START_TICKS,
    Market,
    Walk,
    quick,
)

pytestmark = pytest.mark.unmeasured

__all__ = ["stage"]

TREND = (FeaturesSampled, RegimeChanged)
BID = START_TICKS[BTC]


# A falling market is TREND_DOWN, stepped and replayed alike, with the same features.


def test_a_falling_market_is_a_trend_down_and_replays_with_the_same_features(stage: Stage) -> None:
    run = stage("trend-down", duration_ms=20 * 60_000).run()
    reader = JournalReader(Path(run.play.settings.journal.directory))
    runtime = runtime_of(reader)
    again: list[FeaturesSampled | RegimeChanged] = []
    hand = runtime.hand

    def handed(name: str, item: Item, at_ns: int) -> Turn:
        turn = hand(name, item, at_ns)
        if name in {"feature", f"policy.{BTC}"}:
            again.extend(body for _, _, body in turn[6] if isinstance(body, TREND))
        return turn

    runtime.hand = handed  # type: ignore[method-assign]
    outcome = Engine(runtime, CODEC).replay(reader)
    runtime.end()

    assert outcome.divergence is None
    assert [one.to_regime for one in run.bodies(RegimeChanged)] == ["TREND_DOWN"]
    assert again == [one.body for one in run.said(*TREND)]
    (turned,) = (number for number, one in enumerate(again) if isinstance(one, RegimeChanged))
    sample = again[turned - 1]
    assert isinstance(sample, FeaturesSampled)
    assert known(sample.values)["signed_return_bps"] < -200
    # The static ladder is none of the regime's business.
    assert [one.plan.regime for one in run.bodies(PlanChosen)] == ["RANGE"]


# Selection and features at a time do not change when later events are removed.


class Ending(Walk):
    """A walk whose events after some time are not there."""

    end_ms = 60_000

    def __next__(self) -> MarketEvent:
        """Return the next event."""
        event = super().__next__()
        if event.at_ms > self.end_ms:
            raise StopIteration
        return event


WITHOUT_LATER = (FeaturesComputed, FeaturesSampled, RegimeChanged, SelectionRanked, SymbolSelected)


def test_features_and_selection_do_not_know_what_comes_later() -> None:
    least = ("volume_24h", "volume_1h", "trades_1m", "open_interest", "thin_notional")
    settings = quick(
        BTC,
        ETH,
        features={"bar_interval_ms": 2_000, "sample_ms": 250},
        selection={
            **dict.fromkeys((f"{one}_min" for one in least), 0),
            **{"enabled": True, "top_k": 1, "warmup_bars_min": 3},
            **{"rerank_ms": 6_000, "dwell_ms": 3_000, "hold_ms": 6_000},
        },
    )
    told = []
    for kind in (Walk, Ending):
        run = worlds.Stage(settings, instruments=(BITCOIN, ETHER), market=kind(START_TICKS, 7))
        run.run(90 if kind is Walk else 60)
        until_ns = run.runtime.now_ns() - (30 * worlds.SECOND if kind is Walk else 0)
        told.append([one for one in run.entries_of(*WITHOUT_LATER) if one.at_ns <= until_ns])

    assert told[0] == told[1]
    counts = Counter(type(one.body) for one in told[1])
    assert min(counts[kind] for kind in WITHOUT_LATER if kind is not RegimeChanged) >= 2
    assert {one.body.symbol for one in told[1] if isinstance(one.body, FeaturesSampled)} == {
        BTC,
        ETH,
    }


# Two symbols with equal timestamps are both delivered.


def test_two_symbols_with_equal_times_are_both_delivered(stage: Stage) -> None:
    run = stage("equal-times").run()
    path = run.scenario.folder / run.scenario.market.file
    lines = opener(path)
    played = list(events_of("it", lines, head_of("it", lines)))
    heard = run.bodies(BookTicked, sender="feed")

    for symbol in (BTC, ETH):
        told = [
            event.at_ms for event in played if isinstance(event, Quote) and event.symbol == symbol
        ]
        times = [
            tick.event_ns // 1_000_000 - run.scenario.start_ms
            for tick in heard
            if tick.symbol == symbol
        ]
        assert times == told
        assert len(run.orders(symbol)) == 6
    assert len({tick.event_ns for tick in heard}) * 2 == len(heard)


# Late ticks leave the forming bar untouched.


def test_late_ticks_leave_bars_alone(stage: Stage) -> None:
    late = stage("late-ticks", journal="late").run()
    plain = stage("late-ticks", journal="plain", happens=()).run()

    def told(run: Staged) -> list[FeaturesComputed]:
        return [attrs.evolve(one, move_bps=0.0, tick_ns=0) for one in run.bodies(FeaturesComputed)]

    with_late, without = told(late), told(plain)
    extra = [one for one in with_late if one not in without]
    rest = [one for one in with_late if one in without]
    assert rest == without
    assert [one.event_ns // 1_000_000 - late.scenario.start_ms for one in extra] == [15_050]
    assert rest[-1].is_warm
    assert max(one.bars for one in rest) >= 15
    assert late.bodies(FeedReported)[-1].late + late.bodies(FeedReported)[-2].late == 2
    assert [order.price_ticks for order in late.orders(BTC)] == [
        order.price_ticks for order in plain.orders(BTC)
    ]


# Depth acts at its own time and expires.


class Deep(Market):
    """Levels that are told for ten seconds, larger from the fifth on; quotes go on without them."""

    def move(self) -> None:
        """Tell the levels once a second."""
        at_ms = self._at_ms
        if at_ms % 1_000 == 0 and at_ms <= 10_000:
            lots = 9_000 if at_ms >= 5_000 else 2_000
            bids, asks = (
                tuple((best + sign * 10 * number, lots) for number in range(5))
                for best, sign in ((BID, -1), (BID + 1, 1))
            )
            self._queue.append(DepthDiff(at_ms=at_ms, symbol=BTC, bids=bids, asks=asks))


def test_depth_acts_at_its_own_time_and_expires() -> None:
    run = worlds.Stage(quick(features={"sample_ms": 100}), market=Deep({BTC: BID}))
    begun_ns = run.runtime.now_ns()
    run.run(16)
    seen = {
        (sample.event_ns - begun_ns) // MS: known(sample.values).get("depth_bid_qty")
        for sample in run.said(FeaturesSampled)
    }

    assert seen[900] is None
    assert {seen[at_ms] for at_ms in range(1_200, 5_000, 100)} == {10}
    assert {seen[at_ms] for at_ms in range(5_000, 13_001, 100)} == {45}
    assert {seen[at_ms] for at_ms in range(13_100, 16_000, 100)} == {None}


# Figures that are none, markets that do not parse, expectations that are missing.


def no_expectation(folder: Path, _: pytest.MonkeyPatch) -> None:
    (folder / "expected.json").unlink()


def no_market(folder: Path, _: pytest.MonkeyPatch) -> None:
    path = folder / "market.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("[1000,", "[1000", 1), "utf-8")


def no_number(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update = FeatureState.update

    def updated(self: FeatureState, tick: BookTicked) -> FeaturesComputed:
        return attrs.evolve(update(self, tick), move_bps=math.nan)

    monkeypatch.setattr(FeatureState, "update", updated)


@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        (no_expectation, 1, "nothing is expected: there is no expected.json"),
        (no_market, 2, "market.jsonl, line 2"),
        (no_number, 1, "FeaturesComputed.move_bps is nan"),
    ],
)
def test_a_run_that_cannot_be_judged_fails(
    spoil: Any, code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FIXTURES / "sample-day", tmp_path / "sample-day")
    spoil(tmp_path / "sample-day", monkeypatch)
    result = CliRunner().invoke(cli.app, ["fixtures", "check", "--directory", str(tmp_path)])

    assert result.exit_code == code
    assert says in result.output


# A silent feed is reported stale without a further tick.


def test_silence_is_reported_without_another_tick(stage: Stage) -> None:
    scenario = stage("silence").scenario
    (one,) = scenario.happens
    both = tuple(attrs.evolve(one, symbol=symbol) for symbol in (BTC, ETH))
    run = stage("silence", journal="both", happens=both)
    run.play.begin()
    run.play.until(26_000)
    stale = [
        one
        for one in run.said(FeedHealthChanged)
        if one.body.stream == "bookTicker" and one.body.is_stale and run.at_ms(one) > 1_000  # type: ignore[attr-defined]
    ]
    ticks = [one for one in run.said(BookTicked, sender="feed") if run.at_ms(one) >= 20_050]

    assert ticks == []
    assert {one.body.symbol for one in stale} == {BTC, ETH}  # type: ignore[attr-defined]
    assert all(24_000 < run.at_ms(one) <= 25_100 for one in stale)
    assert run.exchange.open_orders("sim", BTC) == run.exchange.open_orders("sim", ETH) == ()
