"""Views of a market for the tests of policies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
from hypothesis import strategies as st

from grinder.model.grid import MarketRegime, ToxicityLevel
from grinder.model.grid_settings import GridSettings
from grinder.model.instrument import Instrument
from grinder.model.settings import Config
from grinder.policy.base import MarketView

BTC = Instrument(
    symbol="BTCUSDT",
    base_asset="BTC",
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
    notional_min=Decimal(5),
)
SECOND_NS = 1_000_000_000
NAMES = (
    "spread_bps",
    "natr_bps",
    "natr_z",
    "warmup_bars",
    "momentum_1m",
    "momentum_5m",
    "cvd_change_1m",
    "cvd_change_5m",
    "ofi_zscore",
    "depth_imbalance_bps",
    "funding_rate",
    "liq_surge",
)
"""What some policy reads."""


def view(at: int = 1, **given: Any) -> MarketView:
    """Return a calm market at second ``at``; features are given by name, the rest by field."""
    fields: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "now_ns": at * SECOND_NS,
        "mid": Decimal(50_000),
        "instrument": BTC,
        "is_warm": True,
        "regime": MarketRegime.RANGE,
        "level_notional": Decimal(1_000),
        "position_notional_max": Decimal(5_000),
    }
    fields.update((key, given.pop(key)) for key in tuple(given) if key in VIEW_FIELDS)
    return MarketView(features=given, **fields)


VIEW_FIELDS = frozenset(one.name for one in attrs.fields(MarketView))


def held(share: float, mid: int = 50_000, cap: int = 5_000) -> dict[str, Decimal]:
    """Return the fields of a position worth ``share`` of the cap, negative when short."""
    return {"position_qty": Decimal(str(share)) * cap / mid, "entry_price": Decimal(mid)}


def settings(name: str = "static", *options: str) -> Config:
    """Return the defaults with this policy and these options."""
    return Config(policy=GridSettings(name=name, options=options))


VIEWS = st.builds(
    MarketView,
    symbol=st.just("BTCUSDT"),
    now_ns=st.integers(0, 2**62),
    mid=st.decimals("0.2", 200_000, places=1),
    instrument=st.just(BTC),
    features=st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(
            st.floats(-6, 6),
            st.sampled_from([0.0, 1.0, -1.0]),
            st.floats(-1e9, 1e9),
            st.sampled_from([float("nan"), float("inf"), float("-inf")]),
        ),
    ),
    is_warm=st.booleans(),
    regime=st.sampled_from(MarketRegime),
    toxicity=st.sampled_from(ToxicityLevel),
    position_qty=st.decimals(-10, 10, places=3),
    entry_price=st.decimals("0.1", 200_000, places=1),
    level_notional=st.decimals(0, 10_000, places=2),
    position_notional_max=st.decimals(0, 100_000, places=2),
    is_killed=st.booleans(),
    session_drawdown=st.floats(0, 1),
    daily_drawdown=st.floats(0, 1),
    drawdown_limit=st.floats(0.001, 1),
)
"""Any market at all, also one that makes no sense."""
