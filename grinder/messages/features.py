"""What the market looks like. Said by FeatureActor."""

from __future__ import annotations

from typing import ClassVar

import attrs

from grinder.kernel.message import Message


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
