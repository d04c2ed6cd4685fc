"""What the market looks like. Said by FeatureActor."""

from __future__ import annotations

from typing import ClassVar

import attrs

from grinder.kernel.message import Message
from grinder.model.grid import ToxicityLevel


@attrs.frozen(kw_only=True)
class FeaturesComputed(Message):
    """Features of one symbol after one change of its best prices."""

    conflate_by: ClassVar[str | None] = "symbol"

    symbol: str
    bid_ticks: int
    ask_ticks: int
    spread_bps: float
    """(ask - bid) / mid x 10,000."""
    imbalance_bps: int
    """10,000 x (bid qty - ask qty) / (bid qty + ask qty), in [-10,000, 10,000]."""
    natr_bps: int
    """Mean true range of the last bars over the last close x 10,000; 0 while warming up."""
    move_bps: float
    """Absolute move of the mid against the oldest mid of the last five seconds, x 10,000."""
    bars: int
    """Completed bars so far."""
    is_warm: bool
    """True when every feature has the bars that it needs."""
    event_ns: int
    """Venue time of the change."""
    tick_ns: int
    """When the frame behind it reached us."""


@attrs.frozen(kw_only=True)
class FeaturesSampled(Message):
    """Every feature of the registry for one symbol, once in each ``features.sample_ms``.

    Said with the first change of the best prices in an interval of the venue's time, so a replay
    samples the same.
    """

    conflate_by: ClassVar[str | None] = "symbol"

    symbol: str
    values: tuple[float | None, ...]
    """In the order of ``grinder.features.registry``; None while cold or stale."""
    toxicity: ToxicityLevel
    """Of the smoothed composite score."""
    is_warm: bool
    """True when the features of the regime have the bars that they need."""
    event_ns: int
    """Venue time of the change that led to the sample."""
