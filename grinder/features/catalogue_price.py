"""Features of the best prices, of the bars made of them, and of their history."""

from __future__ import annotations

from grinder.features.declared import ZERO, Feature, Group
from grinder.messages.market import StreamKind

BOOK = (StreamKind.BOOK_TICKER,)
NEVER = "never: no sample without a change of the best prices"
ATR_BARS = "features.atr_period + 1 bars"
RANGE_BARS = "features.range_horizon + 1 bars"
Z_WINDOW = "300 samples"
Z_WARM = "30 samples"
OFI_SOURCE = "Cont, Kukanov, Stoikov (2014)"
ATR_SOURCE = "Wilder (1978), with the simple mean; normalised: Forman (2006)"

L1 = Group(
    name="best prices",
    inputs=BOOK,
    stale_after=NEVER,
    features=(
        Feature(
            name="mid_price",
            meaning="(bid + ask) / 2",
            unit="quote per base",
            least=0,
            greatest=None,
        ),
        Feature(
            name="spread_bps",
            meaning="(ask - bid) / mid x 10,000",
            unit="bps",
            least=0,
            greatest=20_000,
        ),
        Feature(
            name="spread_z",
            meaning="z-score of spread_bps",
            unit="standard deviations",
            least=-5,
            greatest=5,
            window=Z_WINDOW,
            warm_up=Z_WARM,
        ),
        Feature(
            name="imbalance_l1_bps",
            meaning="10,000 x (Qb - Qa) / (Qb + Qa), half to even; 0 of nothing",
            unit="bps",
            least=-10_000,
            greatest=10_000,
        ),
        Feature(name="thin_l1", meaning="min(Qb, Qa)", unit="base", least=0, greatest=None),
        Feature(
            name="thin_l1_notional",
            meaning="min(bid x Qb, ask x Qa)",
            unit="quote",
            least=0,
            greatest=None,
        ),
        Feature(
            name="microprice_dev_bps",
            meaning="((ask x Qb + bid x Qa) / (Qb + Qa) / mid - 1) x 10,000, cut at the range",
            unit="bps",
            least=-100,
            greatest=100,
            source="Gatheral, Oomen (2010); Stoikov (2018)",
        ),
        Feature(
            name="ofi",
            meaning="sum of [b >= b'] Qb - [b <= b'] Qb' - [a <= a'] Qa + [a >= a'] Qa', ' before",
            unit="base",
            least=None,
            greatest=None,
            window="10 s, moved sample by sample",
            cold=ZERO,
            source=OFI_SOURCE,
        ),
        Feature(
            name="ofi_zscore",
            meaning="z-score of ofi",
            unit="standard deviations",
            least=-5,
            greatest=5,
            window=Z_WINDOW,
            warm_up=Z_WARM,
            source=OFI_SOURCE,
        ),
        Feature(
            name="late_ticks",
            meaning="changes that came after their bar was over, since the start",
            unit="count",
            least=0,
            greatest=None,
            window="the run",
        ),
    ),
)

BARS = Group(
    name="bars",
    inputs=BOOK,
    stale_after=NEVER,
    features=(
        Feature(
            name="warmup_bars",
            meaning="completed bars of features.bar_interval_ms",
            unit="count",
            least=0,
            greatest=None,
            window="the run",
        ),
        Feature(
            name="natr_bps",
            meaning="mean true range / last close x 10,000, half to even",
            unit="bps",
            least=0,
            greatest=None,
            window="features.atr_period bars",
            warm_up=ATR_BARS,
            source=ATR_SOURCE,
        ),
        Feature(
            name="sum_abs_returns_bps",
            meaning="10,000 x sum of |close / close before - 1|, half to even",
            unit="bps",
            least=0,
            greatest=None,
            window="features.range_horizon returns",
            warm_up=RANGE_BARS,
        ),
        Feature(
            name="net_return_bps",
            meaning="|signed_return_bps|",
            unit="bps",
            least=0,
            greatest=None,
            window="features.range_horizon returns",
            warm_up=RANGE_BARS,
        ),
        Feature(
            name="signed_return_bps",
            meaning="10,000 x (last close / first close - 1), half to even; below 0 when it falls",
            unit="bps",
            least=-10_000,
            greatest=None,
            window="features.range_horizon returns",
            warm_up=RANGE_BARS,
        ),
        Feature(
            name="range_score",
            meaning="floor(sum_abs_returns_bps / (net_return_bps + 1)): low in a trend",
            unit="ratio",
            least=0,
            greatest=None,
            window="features.range_horizon returns",
            warm_up=RANGE_BARS,
        ),
        Feature(
            name="natr_5m_bps",
            meaning="natr_bps on bars of five times the interval, with floor-aligned borders",
            unit="bps",
            least=0,
            greatest=None,
            window="5 x features.atr_period bars",
            warm_up="5 x (features.atr_period + 1) bars",
            source=ATR_SOURCE,
        ),
        Feature(
            name="natr_z",
            meaning="z-score of natr_bps, bar by bar",
            unit="standard deviations",
            least=-5,
            greatest=5,
            window="300 bars",
            warm_up="features.atr_period + 30 bars",
        ),
        Feature(
            name="range_1m_bps",
            meaning="(high - low) / close x 10,000 of the last completed bar",
            unit="bps",
            least=0,
            greatest=None,
            window="1 bar",
            warm_up="1 bar",
        ),
    ),
)


def _return(name: str, span: str) -> Feature:
    return Feature(
        name=name,
        meaning="mid / last mid at or before then - 1; at most one mid a second is held",
        unit="fraction",
        least=-1,
        greatest=None,
        window=span,
        warm_up=span,
    )


def _momentum(name: str, of: str) -> Feature:
    return Feature(
        name=name,
        meaning=f"z-score of {of}",
        unit="standard deviations",
        least=-5,
        greatest=5,
        window=Z_WINDOW,
        warm_up=f"that of {of}, and 30 samples",
    )


HISTORY = Group(
    name="history",
    inputs=BOOK,
    stale_after=NEVER,
    features=(
        _return("ret_1m", "1 min"),
        _return("ret_5m", "5 min"),
        _return("ret_15m", "15 min"),
        _return("ret_1h", "1 h"),
        _momentum("momentum_1m", "ret_1m"),
        _momentum("momentum_5m", "ret_5m"),
        Feature(
            name="price_jump_bps_1m",
            meaning="ret_1m x 10,000",
            unit="bps",
            least=-10_000,
            greatest=None,
            window="1 min",
            warm_up="1 min",
        ),
        Feature(
            name="trend_slope_5m",
            meaning="least squares of log mid on time",
            unit="log price per minute",
            least=None,
            greatest=None,
            window="5 min of mids, at most one a second",
            warm_up="30 mids",
        ),
    ),
)

GROUPS = (L1, BARS, HISTORY)
