"""Settings of what decides where the grid goes. Numbers without a source are our own choice."""

from __future__ import annotations

from decimal import Decimal

import attrs


@attrs.frozen(kw_only=True)
class AdaptiveSettings:
    """[adaptive]: the policy called adaptive."""

    step_min_bps: int = 5
    step_alpha: int = 30
    """Share of the normalised true range that is a step, in hundredths."""
    horizon_minutes: int = 60
    bar_interval_minutes: int = 1
    k_tail: int = 200
    """Width of the grid in standard deviations over the horizon, in hundredths."""
    x_min_bps: int = 20
    x_cap_bps: int = 500
    levels_min: int = 2
    levels_max: int = 20
    vol_shock_step_mult: int = 150
    """In hundredths; so are the next two."""
    thin_book_step_mult: int = 200
    trend_width_mult: int = 130


@attrs.frozen(kw_only=True)
class RegimeSettings:
    """[regime]: what the market is taken for, and how quickly that changes."""

    thin_notional_min: Decimal = Decimal(500)
    """Smaller worth of the thinner best quote is a thin book, in quote units."""
    spread_max_bps: float = 100.0
    """A wider spread is a thin book too."""
    thin_samples: int = 3
    """So many samples in a row have to say that a book is thin, or that it is not any more."""
    natr_shock_bps: int = 500
    trend_net_return_bps: int = 200
    trend_range_score_max: int = 3
    hold_samples: int = 10
    """A regime stays at least so long, unless a graver one comes."""
    cooldown_samples: int = 5
    """After a change, so long until the next one."""
    step_ema: float = 0.2
    """Weight of the newest step."""
    recentre_min_bps: float = 15.0
    """A drift of the centre by so much rebuilds the ladder."""
    step_reset_bps: float = 6.0
    """A change of the step by so much rebuilds the ladder."""
    quality_orders: int = 20
    """Entries over which the quality of executions is judged, or half as many fills; 0: never."""
    quality_refused_max: float = 0.5
    """Where the venue refuses this share of them the ladder is built anew."""
    quality_markout_bps: float = 15.0
    """The same where the market runs on by so much after the mean fill, hold_samples later; 0 is
    off."""
    quality_pause_samples: int = 30
    """Where that does not help entries pause for so long."""


@attrs.frozen(kw_only=True)
class ToxicitySettings:
    """[toxicity]: what is done about harmful flow."""

    enabled: bool = True
    mid: float = 1.0
    """Score from which quoting is wider, smaller and thinner."""
    high: float = 2.0
    """Score from which nothing new is placed."""
    extreme: float = 3.0
    """Score above which every entry is taken off."""
    cooldown_ms: int = 60_000
    """After HIGH nothing new is placed for so long."""
    decay: float = 0.95
    """Weight of the old score when the new one is lower; a higher one counts at once."""
    window_samples: int = 3_600
    """Samples among which VPIN, price impact and illiquidity are compared with their mean; a sixth
    of them has to be there."""
    gain: float = 2.5
    """The weighted sum is multiplied by this. With 1 it can't pass 2.54, and nothing is extreme."""


@attrs.frozen(kw_only=True)
class SelectorSettings:
    """[selector]: which policy has a symbol when policy.name is auto."""

    policies: tuple[str, ...] = (
        "emergency",
        "pause",
        "liquidation-catcher",
        "funding-harvester",
        "mean-reversion",
        "trend",
        "adaptive",
    )
    confirm_samples: int = 3
    cooldown_samples: int = 5


@attrs.frozen(kw_only=True)
class SelectionSettings:
    """[selection]: which symbols may have entries."""

    enabled: bool = False
    score: str = "range"
    """range: choppy and deep before trending; volatility: absolute returns; in-play: activity,
    volatility, cost and independence against the other symbols."""
    top_k: int = 3
    rerank_ms: int = 60_000
    dwell_ms: int = 30_000
    """So long a candidate before it is selected."""
    hold_ms: int = 300_000
    """So long selected before it is let go; a failed gate ends it at once."""
    sector_max: int = 3
    """Selected symbols of one sector at most."""
    correlation_max: float = 0.8
    sectors: tuple[str, ...] = ()
    """SYMBOL=SECTOR; a symbol that is not named has a sector of its own."""
    bans: tuple[str, ...] = ()
    """SYMBOL or SYMBOL=TIME (ISO 8601): never selected, or not before that time."""
    spread_max_bps: float = 15.0
    volume_24h_min: Decimal = Decimal(10_000_000)
    volume_1h_min: Decimal = Decimal(500_000)
    trades_1m_min: float = 100.0
    open_interest_min: Decimal = Decimal(5_000_000)
    thin_notional_min: Decimal = Decimal(500)
    """Least worth of the thinner best quote, in quote units."""
    warmup_bars_min: int = 15
    range_weight: int = 100
    """Per cent; so are the other weights."""
    liquidity_weight: int = 50
    liquidity_scale: int = 100
    """Points for each order of magnitude of the thinner best quote's worth."""
    trend_weight: int = 100


@attrs.frozen(kw_only=True)
class SizingSettings:
    """[sizing]: how big each level is."""

    mode: str = "fixed"
    """fixed: policy.level_notional; auto: from equity, budget and adverse move."""
    drawdown_budget: Decimal = Decimal("0.20")
    """Share of the equity that all grids together may lose."""
    adverse_move: Decimal = Decimal("0.25")
    """Move against a full grid that the budget has to bear."""
    weights: str = "uniform"
    """uniform, pyramid (outer levels larger) or inverse-pyramid."""
    tiers: tuple[str, ...] = ()
    """SYMBOL=LOW, MED or HIGH: how risky a symbol is; LOW unless named."""


@attrs.frozen(kw_only=True)
class BooksSettings:
    """[books]: fills, funding and round trips, kept beyond the run."""

    url: str = ""
    """SQLAlchemy URL, such as sqlite:///grinder.db or postgresql://USER@HOST/NAME; empty keeps
    nothing. No password: PostgreSQL takes it from PGPASSWORD or from a .pgpass file."""
    account: str = ""
    """Name of this account in the books; empty: the name of the venue. The embedded one is another
    account with each start."""
    pending_max: int = 10_000
    """Rows that may wait for the store; more are lost and reported."""
