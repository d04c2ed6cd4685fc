"""Features of trades, of the depth, of the contract, of other symbols, and what they amount to."""

from __future__ import annotations

from grinder.features.declared import ZERO, Feature, Group
from grinder.messages.market import StreamKind

TRADES = (StreamKind.AGG_TRADE, StreamKind.BOOK_TICKER)
DEPTH = (StreamKind.DEPTH,)
BOOK = (StreamKind.BOOK_TICKER,)
Z_WINDOW = "300 samples"
Z_WARM = "30 samples"
VPIN_SOURCE = "Easley, Lopez de Prado, O'Hara (2012); against: Andersen, Bondarenko (2014)"
KYLE_SOURCE = "Kyle (1985); by regression: Hasbrouck (2009)"
AMIHUD_SOURCE = "Amihud (2002)"


def _volume(name: str, meaning: str, span: str, unit: str = "quote", warm_up: str = "") -> Feature:
    return Feature(
        name=name,
        meaning=meaning,
        unit=unit,
        least=0,
        greatest=None,
        window=span,
        warm_up=warm_up or f"{span} since the first trade",
    )


def _cvd(name: str, span: str) -> Feature:
    return Feature(
        name=name,
        meaning="bought minus sold by aggressors",
        unit="base",
        least=None,
        greatest=None,
        window=span,
        warm_up=f"{span} since the first trade",
        source="classification: Lee, Ready (1991); here the venue names the aggressor",
    )


TAPE = Group(
    name="trades",
    inputs=TRADES,
    stale_after="feed.trade_stale_after_ms without a trade",
    features=(
        Feature(
            name="cvd",
            meaning="bought minus sold by aggressors since the start",
            unit="base",
            least=None,
            greatest=None,
            window="the run",
            warm_up="1 trade",
        ),
        _cvd("cvd_change_1m", "60 s, the current one included"),
        _cvd("cvd_change_5m", "300 s, the current one included"),
        Feature(
            name="cvd_price_div",
            meaning="1 when cvd_change_5m and ret_5m have opposite signs, else 0",
            unit="flag",
            least=0,
            greatest=1,
            window="5 min",
            warm_up="5 min",
        ),
        Feature(
            name="vpin",
            meaning="sum |bought - sold| / sum of sizes, over buckets of equal traded worth",
            unit="ratio",
            least=0,
            greatest=1,
            window="50 buckets of features.vpin_bucket_notional",
            warm_up="50 buckets",
            source=VPIN_SOURCE,
        ),
        Feature(
            name="kyle_lambda",
            meaning="least squares of the mid's change on bought minus sold, sample by sample",
            unit="bps per million quote",
            least=None,
            greatest=None,
            window=Z_WINDOW,
            warm_up="30 samples with trades among them",
            source=KYLE_SOURCE,
        ),
        Feature(
            name="amihud",
            meaning="mean of |return of a bar| / its volume x 1,000,000; bars below 1,000 left out",
            unit="fraction per million quote",
            least=0,
            greatest=None,
            window="60 bars",
            warm_up="10 bars",
            source=AMIHUD_SOURCE,
        ),
        _volume("volume_1m", "sum of price x quantity", "60 s, the current one included"),
        _volume("volume_1h", "sum of price x quantity", "3,600 s, the current one included"),
        Feature(
            name="volume_ratio_1m",
            meaning="volume of 60 s / mean volume of a minute in the hour, cut at the range",
            unit="ratio",
            least=0,
            greatest=20,
            window="3,600 s",
            warm_up="300 s since the first trade",
            cold="unknown; until an hour is full the mean is that of the time so far",
        ),
        _volume("trades_1m", "aggregated trades", "60 s, the current one included", "count"),
        _volume(
            "volume_bars",
            "completed bars of features.bar_volume each; the trade that fills one ends it",
            "the run",
            "count",
            "1 trade",
        ),
        _volume(
            "volume_natr_bps",
            "natr_bps on bars of features.bar_volume",
            "features.atr_period bars",
            "bps",
            "features.atr_period + 1 bars",
        ),
    ),
)


def _level(
    name: str,
    meaning: str,
    unit: str,
    least: float | None = 0,
    greatest: float | None = None,
    **more: str,
) -> Feature:
    return Feature(name=name, meaning=meaning, unit=unit, least=least, greatest=greatest, **more)


N = "features.depth_levels"

LEVELS = Group(
    name="depth",
    inputs=DEPTH,
    stale_after="3 s without a change of the depth, a broken chain, or a crossed book",
    features=(
        _level(
            "vamp_dev_bps",
            "(Pb x Qa + Pa x Qb) / (Qb + Qa) / mid - 1 in bps, P weighted over 5 levels",
            "bps",
            None,
            source="Gatheral, Oomen (2010)",
        ),
        _level(
            "mlofi_zscore",
            "z-score of the order flow imbalance added up over 5 levels and 10 s",
            "standard deviations",
            -5,
            5,
            window=Z_WINDOW,
            warm_up=Z_WARM,
            source="Xu, Gould, Howison (2018); Cont, Cucuringu, Zhang (2023)",
        ),
        _level("depth_bid_qty", f"bids of {N} levels", "base"),
        _level("depth_ask_qty", f"asks of {N} levels", "base"),
        _level(
            "depth_imbalance_bps",
            f"10,000 x (bids - asks) / (bids + asks) of {N} levels, half to even",
            "bps",
            -10_000,
            10_000,
        ),
        _level("depth_imb_5", "(bids - asks) / (bids + asks) of 5 levels", "ratio", -1, 1),
        _level("depth_imb_10", "(bids - asks) / (bids + asks) of 10 levels", "ratio", -1, 1),
        _level("depth_slope_bid", "best bid / bids of 10 levels", "ratio", 0, 1),
        _level("depth_slope_ask", "best ask / asks of 10 levels", "ratio", 0, 1),
        _level("depth_top5_usd", "price x quantity of 5 levels of both sides", "quote"),
        _level(
            "impact_buy_bps",
            "mean price of features.reference_notional against the best ask; 500 if the levels "
            "do not hold it",
            "bps",
        ),
        _level("impact_sell_bps", "the same against the best bid", "bps"),
        _level(
            "impact_buy_insufficient", "1 when the asks do not hold the order, else 0", "flag", 0, 1
        ),
        _level(
            "impact_sell_insufficient",
            "1 when the bids do not hold the order, else 0",
            "flag",
            0,
            1,
        ),
        _level("impact_1k_bps", "the dearer side's impact of 1,000 quote units", "bps"),
        _level("spread_at_1k_bps", "spread_bps and both impacts of 1,000 quote units", "bps"),
        _level("wall_bid_x1000", "1,000 x largest / median bid; 1,000 below 3 levels", "x1000"),
        _level("wall_ask_x1000", "1,000 x largest / median ask; 1,000 below 3 levels", "x1000"),
        _level(
            "wall_bid_dist_bps",
            "from mid to the nearest bid above 3 x the mean of 10, within 50 bps; 999 if none",
            "bps",
            0,
            999,
        ),
        _level("wall_ask_dist_bps", "the same of the asks", "bps", 0, 999),
        _level(
            "wall_persistence",
            "share of the samples with a wall on either side",
            "ratio",
            0,
            1,
            window="10 samples",
            cold=ZERO,
        ),
    ),
)

STATS = Group(
    name="statistics",
    inputs=(StreamKind.MARKET_STATS,),
    stale_after="feed.stats_stale_after_ms, or 600 s, without a reading",
    features=(
        _volume("volume_24h", "as the venue tells it", "24 h", warm_up="1 reading"),
        _level("open_interest", "as the venue tells it", "quote", warm_up="1 reading"),
        _level(
            "oi_change_1h",
            "open interest / last reading at or before an hour ago - 1",
            "fraction",
            -1,
            window="1 h",
            warm_up="1 h",
        ),
    ),
)

FUNDING = Group(
    name="funding",
    inputs=(StreamKind.MARK_PRICE,),
    stale_after="300 s without a mark price: the last rate holds until then",
    features=(
        _level("funding_rate", "that longs pay at the coming funding", "fraction", None),
        _level("funding_annual", "funding_rate x 3 x 365", "fraction", None),
        _level(
            "funding_direction",
            "1 when longs pay more than 0.0001, -1 when shorts do, else 0",
            "sign",
            -1,
            1,
        ),
    ),
)

LIQUIDATIONS = Group(
    name="liquidations",
    inputs=(StreamKind.LIQUIDATION, StreamKind.MARK_PRICE),
    stale_after="feed.mark_stale_after_ms without a mark price, which come by the same connection",
    features=(
        _level("liq_long_1m", "longs closed by force", "quote", window="60 s", cold=ZERO),
        _level("liq_short_1m", "shorts closed by force", "quote", window="60 s", cold=ZERO),
        _level(
            "liq_imbalance",
            "(longs - shorts) / (longs + shorts); 0 of nothing",
            "ratio",
            -1,
            1,
            window="60 s",
            cold=ZERO,
        ),
        _level(
            "liq_surge",
            "1 when a minute has more than 5 x the mean minute of the hour, and at least "
            "features.surge_min_notional",
            "flag",
            0,
            1,
            window="3,600 s",
            cold="zero: the mean is that of the time so far, so none comes in the first 300 s",
        ),
    ),
)

BETA = Group(
    name="benchmark",
    inputs=BOOK,
    stale_after="features.benchmark is not traded",
    features=(
        _level(
            "beta_btc",
            "least squares of the bars' returns on those of the benchmark, cut at the range",
            "ratio",
            -2,
            2,
            window="60 common bars",
            warm_up="30 common bars",
            cold="1",
        ),
        _level(
            "residual_ret",
            "ret_5m - beta_btc x ret_5m of the benchmark",
            "fraction",
            None,
            window="5 min",
            warm_up="5 min",
        ),
        _level(
            "r2_btc",
            "share of the variance that the regression explains",
            "ratio",
            0,
            1,
            window="60 common bars",
            warm_up="30 common bars",
        ),
    ),
)


def _component(name: str, meaning: str, source: str = "") -> Feature:
    return _level(name, meaning, "score", 0, 3, source=source)


SCALED = "in standard deviations above its mean of toxicity.window_samples, less 1"

TOXICITY = Group(
    name="toxicity",
    inputs=(*TRADES, StreamKind.LIQUIDATION),
    stale_after="never; a component whose inputs are stale is unknown and counts as nothing",
    features=(
        _level(
            "toxicity_score",
            "toxicity.gain x (0.2 vpin + 0.15 kyle + 0.15 amihud + 0.2 spread + 0.2 ofi + 0.1 "
            "liquidations); rises at once, falls by 1 - toxicity.decay of the way",
            "score",
            cold=ZERO,
        ),
        _component("toxicity_vpin", f"vpin, or |cvd_change_1m| / volume_1m; {SCALED}", VPIN_SOURCE),
        _component(
            "toxicity_kyle",
            f"kyle_lambda above 0, or |ret_1m| / (volume_ratio_1m + 0.1); {SCALED}",
            KYLE_SOURCE,
        ),
        _component(
            "toxicity_amihud",
            f"amihud, or |ret_1m| / (volume_1m / 1,000,000 + 0.01); {SCALED}",
            AMIHUD_SOURCE,
        ),
        _component(
            "toxicity_spread",
            "(spread_bps - its mean of an hour) / that mean, at least 1, or 5 while cold",
        ),
        _component("toxicity_ofi", "|ofi_zscore| / 3", "Cont, Kukanov, Stoikov (2014)"),
        _component("toxicity_liquidations", "liq_surge"),
    ),
)

GROUPS = (TAPE, LEVELS, STATS, FUNDING, LIQUIDATIONS, BETA, TOXICITY)
