"""Each feature of a sample equals its definition applied to all that was heard by then."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from features import batch
from features.market import Rig, made_up, recorded
from grinder.features.bars import Bar
from grinder.features.registry import FEATURES, INDEX, NAMES, known
from grinder.features.toxicity import Composite, Measures
from grinder.kernel.message import Message
from grinder.messages.features import FeaturesSampled
from grinder.messages.market import BookTicked, DepthChanged, DepthSynced, TradePrinted
from grinder.model.settings import FeatureSettings
from grinder.model.strategy import ToxicitySettings
from grinder.model.units import NS_PER_MS, NS_PER_S

pytestmark = pytest.mark.unmeasured

EVERY = 97
"""Samples between two that are looked at."""


def real_settings() -> FeatureSettings:
    """Short bars and samples, so that twenty seconds have many."""
    return FeatureSettings(
        bar_interval_ms=500,
        atr_period=5,
        range_horizon=6,
        sample_ms=50,
        bar_volume=Decimal(200_000),
    )


class Played:
    """A run: its samples, and what had been heard at each."""

    def __init__(self, events: Sequence[Message], settings: FeatureSettings) -> None:
        self.events = events
        self.settings = settings
        self.rig = Rig(settings)
        self.samples: list[FeaturesSampled] = []
        self.ends: list[int] = []
        for at, event in enumerate(events):
            sample = self.rig.hear(event)
            if sample is not None:
                self.samples.append(sample)
                self.ends.append(at + 1)

    def looked_at(self) -> list[int]:
        """Numbers of some samples, the last one among them."""
        return [*range(EVERY, len(self.samples) - 1, EVERY), len(self.samples) - 1]

    def heard(self, number: int) -> Sequence[Message]:
        return self.events[: self.ends[number]]

    def ticks(self, number: int) -> list[BookTicked]:
        return [one for one in self.heard(number) if isinstance(one, BookTicked)]

    def trades(self, number: int) -> list[TradePrinted]:
        return [one for one in self.heard(number) if isinstance(one, TradePrinted)]

    def value(self, number: int, name: str) -> float | None:
        return self.samples[number].values[INDEX[name]]

    def series(self, number: int, name: str) -> list[float]:
        """What was known of a feature up to a sample."""
        values = [one.values[INDEX[name]] for one in self.samples[: number + 1]]
        return [one for one in values if one is not None]

    def interval_ns(self) -> int:
        return self.settings.bar_interval_ms * NS_PER_MS

    def rows(self, number: int) -> list[tuple[int, float]]:
        """Mids of the samples, the first of each second."""
        rows: dict[int, tuple[int, float]] = {}
        for one in self.samples[: number + 1]:
            mid = one.values[INDEX["mid_price"]]
            assert mid is not None
            rows.setdefault(one.event_ns // NS_PER_S, (one.event_ns, mid))
        return list(rows.values())

    def check(self, number: int, expected: dict[str, float | None]) -> None:
        for name, value in expected.items():
            said = self.value(number, name)
            if value is None:
                assert said is None, name
            else:
                assert said == pytest.approx(value, rel=1e-6, abs=1e-9), name


RUNS = {
    "real": lambda: Played(list(recorded()), real_settings()),
    "made up": lambda: Played(
        list(made_up(5, 4_200)), FeatureSettings(bar_volume=Decimal(300_000))
    ),
    "other": lambda: Played(
        list(made_up(6, 900, each_s=10)), FeatureSettings(sample_ms=300, depth_levels=7)
    ),
}


@pytest.fixture(scope="module", params=sorted(RUNS))
def played(request: pytest.FixtureRequest) -> Played:
    return RUNS[request.param]()


def test_best_prices(played: Played) -> None:
    for number in played.looked_at():
        tick = played.ticks(number)[-1]
        bid, ask, qb, qa = tick.bid_ticks, tick.ask_ticks, tick.bid_lots, tick.ask_lots
        mid = (bid + ask) / 2
        played.check(
            number,
            {
                "mid_price": mid * batch.TICK,
                "spread_bps": 10_000 * (ask - bid) / mid,
                "spread_z": batch.zscore(played.series(number, "spread_bps")),
                "imbalance_l1_bps": round(10_000 * (qb - qa) / (qb + qa)),
                "thin_l1": min(qb, qa) * batch.LOT,
                "thin_l1_notional": min(bid * qb, ask * qa) * batch.UNIT,
                "microprice_dev_bps": 10_000 * ((ask * qb + bid * qa) / (qb + qa) / mid - 1),
            },
        )


def test_order_flow(played: Played) -> None:
    for number in played.looked_at():
        now_ns = played.samples[number].event_ns
        begun = [
            end
            for end, one in zip(played.ends, played.samples, strict=True)
            if one.event_ns <= now_ns - 10 * NS_PER_S
        ]
        first = begun[-1] - 1 if begun else 0
        ticks = [
            one for one in played.events[first : played.ends[number]] if isinstance(one, BookTicked)
        ]
        played.check(
            number,
            {
                "ofi": sum(batch.flow(ticks)) * batch.LOT,
                "ofi_zscore": batch.zscore(played.series(number, "ofi")),
            },
        )


def test_bars(played: Played) -> None:
    settings = played.settings
    period, horizon = settings.atr_period, settings.range_horizon
    for number in played.looked_at():
        bars = batch.bars_of(played.ticks(number), played.interval_ns())
        total, net, signed, score = batch.returns(bars, horizon)
        natrs = [
            value
            for end in range(len(bars) + 1)
            if (value := batch.natr(bars[:end], period)) is not None
        ]
        played.check(
            number,
            {
                "warmup_bars": len(bars),
                "natr_bps": batch.natr(bars, period),
                "natr_z": batch.zscore(natrs),
                "natr_5m_bps": batch.natr(batch.rolled(bars, 5 * played.interval_ns()), period),
                "sum_abs_returns_bps": total,
                "net_return_bps": net,
                "signed_return_bps": signed,
                "range_score": score,
                "range_1m_bps": 10_000 * (bars[-1].high2 - bars[-1].low2) / bars[-1].close2
                if bars
                else None,
            },
        )
        assert played.samples[number].is_warm is (len(bars) > max(period, horizon))


def test_history(played: Played) -> None:
    spans = {"ret_1m": 60, "ret_5m": 300, "ret_15m": 900, "ret_1h": 3_600}
    for number in played.looked_at():
        now_ns = played.samples[number].event_ns
        rows = played.rows(number)
        mid = played.value(number, "mid_price")
        assert mid is not None
        expected: dict[str, float | None] = {}
        for name, span_s in spans.items():
            then = batch.then(rows, now_ns, span_s * NS_PER_S)
            expected[name] = None if then is None else mid / then - 1
        minute, five = expected["ret_1m"], expected["ret_5m"]
        expected["price_jump_bps_1m"] = None if minute is None else 10_000 * minute
        expected["momentum_1m"] = (
            None if minute is None else batch.zscore(played.series(number, "ret_1m"))
        )
        expected["momentum_5m"] = (
            None if five is None else batch.zscore(played.series(number, "ret_5m"))
        )
        played.check(number, expected)
        slope = batch.log_slope(rows, rows[-1][0])
        assert played.value(number, "trend_slope_5m") == (
            None if slope is None else pytest.approx(slope, rel=1e-5, abs=1e-12)
        )


def test_trades(played: Played) -> None:
    for number in played.looked_at():
        now_ns = played.samples[number].event_ns
        trades = played.trades(number)
        heard_s = now_ns // NS_PER_S - trades[0].event_ns // NS_PER_S + 1
        minute, five, hour = (batch.window(trades, now_ns, span) for span in (60, 300, 3_600))
        change = batch.signed_lots(five) * batch.LOT if heard_s >= 300 else None
        ret = played.value(number, "ret_5m")
        mean = batch.worth(hour) * 60 / min(heard_s, 3_600)
        played.check(
            number,
            {
                "cvd": batch.signed_lots(trades) * batch.LOT,
                "cvd_change_1m": batch.signed_lots(minute) * batch.LOT if heard_s >= 60 else None,
                "cvd_change_5m": change,
                "cvd_price_div": None if change is None or ret is None else float(change * ret < 0),
                "volume_1m": batch.worth(minute) if heard_s >= 60 else None,
                "volume_1h": batch.worth(hour) if heard_s >= 3_600 else None,
                "volume_ratio_1m": min(20.0, batch.worth(minute) / mean)
                if heard_s >= 300
                else None,
                "trades_1m": len(minute) if heard_s >= 60 else None,
                "amihud": batch.amihud(
                    batch.bars_of(played.ticks(number), played.interval_ns()),
                    trades,
                    played.interval_ns(),
                ),
            },
        )


def test_kyle_is_the_slope_of_the_change_of_the_mid_on_the_flow(played: Played) -> None:
    for number in played.looked_at():
        moves, flows = list[float](), list[float]()
        for at in range(max(1, number - 299), number + 1):
            before, now = played.value(at - 1, "mid_price"), played.value(at, "mid_price")
            assert before is not None
            assert now is not None
            moves.append(10_000 * (now / before - 1))
            came = played.events[played.ends[at - 1] : played.ends[at]]
            signed = sum(
                (-1 if one.buyer_is_maker else 1) * one.price_ticks * one.qty_lots
                for one in came
                if isinstance(one, TradePrinted)
            )
            flows.append(signed * batch.UNIT / 1e6)
        expected = batch.slope(flows, moves) if len(moves) >= 30 else None
        assert played.value(number, "kyle_lambda") == (
            None if expected is None else pytest.approx(expected, rel=1e-5, abs=1e-9)
        )


def test_volume_bars(played: Played) -> None:
    size = int(float(played.settings.bar_volume) / batch.UNIT)
    number = len(played.samples) - 1
    bars, prices, filled = [], list[int](), 0
    for one in played.trades(number) if size else ():
        prices.append(2 * one.price_ticks)
        filled += one.price_ticks * one.qty_lots
        if filled >= size:
            bars.append(Bar(0, prices[0], max(prices), min(prices), prices[-1], len(prices)))
            prices, filled = [], 0
    played.check(
        number,
        {
            "volume_bars": len(bars),
            "volume_natr_bps": batch.natr(bars, played.settings.atr_period),
        },
    )


def test_vpin_of_a_constant_size(played: Played) -> None:
    if played.rig.sampler.stats.heard_ns:
        settings = FeatureSettings(
            vpin_bucket_notional=Decimal(20_000), sample_ms=played.settings.sample_ms
        )
        played = Played(played.events, settings)
    size = played.rig.sampler.tape.bucket_size
    for number in played.looked_at()[-3:]:
        tape = [
            (one.price_ticks * one.qty_lots, one.buyer_is_maker) for one in played.trades(number)
        ]
        played.check(number, {"vpin": batch.vpin(tape, size)})
    assert played.value(number, "vpin") is not None


def test_depth(played: Played) -> None:
    checked = 0
    for number in played.looked_at():
        heard = played.heard(number)
        stamps = [one.event_ns for one in heard if isinstance(one, (DepthSynced, DepthChanged))]
        bids, asks = batch.book_of(heard)
        now_ns = played.samples[number].event_ns
        if now_ns - stamps[-1] > 3 * NS_PER_S or bids[0][0] >= asks[0][0]:
            assert played.value(number, "depth_bid_qty") is None
            continue
        checked += 1
        levels = played.settings.depth_levels
        played.check(number, dict(batch.depth(bids, asks, levels)))
        mid = (bids[0][0] + asks[0][0]) / 2 * batch.UNIT
        big = max(1, round(float(played.settings.reference_notional) / mid))
        small = max(1, round(1_000 / mid))
        buy, sell = batch.impact(asks[:levels], big), batch.impact(bids[:levels], big)
        dear = batch.impact(asks[:levels], small)[0], batch.impact(bids[:levels], small)[0]
        spread = 10_000 * (asks[0][0] - bids[0][0]) * batch.UNIT / mid
        played.check(
            number,
            {
                "impact_buy_bps": buy[0],
                "impact_sell_bps": sell[0],
                "impact_buy_insufficient": float(buy[1]),
                "impact_sell_insufficient": float(sell[1]),
                "impact_1k_bps": max(dear),
                "spread_at_1k_bps": spread + sum(dear),
            },
        )
        walls = played.series(number, "wall_bid_dist_bps")[-10:]
        others = played.series(number, "wall_ask_dist_bps")[-10:]
        seen = [min(pair) < 999 for pair in zip(walls, others, strict=True)]
        played.check(number, {"wall_persistence": sum(seen) / 10})
    assert checked > 3


def test_every_value_is_within_its_range_and_every_name_has_one(played: Played) -> None:

    for sample in played.samples:
        assert len(sample.values) == len(NAMES)
        for feature, value in zip(FEATURES, sample.values, strict=True):
            if value is not None:
                assert feature.least is None or value >= feature.least, feature.name
                assert feature.greatest is None or value <= feature.greatest, feature.name
    assert known(played.samples[-1].values)["mid_price"] > 0


def test_what_comes_later_changes_no_sample(played: Played) -> None:
    for number in played.looked_at()[::5]:
        again = Played(played.heard(number), played.settings)
        assert again.samples == played.samples[: number + 1]


def test_toxicity_is_made_of_what_the_same_samples_tell(played: Played) -> None:
    room = Composite(ToxicitySettings(), 3_600_000 // played.settings.sample_ms)
    for sample in played.samples:
        now = known(sample.values)
        cvd = now.get("cvd_change_1m")
        told = room.values(
            sample.event_ns,
            Measures(
                vpin=now.get("vpin"),
                kyle=now.get("kyle_lambda"),
                amihud=now.get("amihud"),
                spread_bps=now["spread_bps"],
                ofi_z=now.get("ofi_zscore"),
                surge=now.get("liq_surge"),
                ret_1m=now.get("ret_1m"),
                cvd_1m=None if cvd is None else cvd * now["mid_price"],
                volume_1m=now.get("volume_1m"),
                volume_ratio=now.get("volume_ratio_1m"),
            ),
        )
        names = ("score", "vpin", "kyle", "amihud", "spread", "ofi", "liquidations")
        assert [now.get(f"toxicity_{name}") for name in names] == [
            None if value is None else pytest.approx(value, abs=1e-6) for value in told
        ]
        assert sample.toxicity is room.level
