"""NewTypes that carry a unit or a meaning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NewType

Symbol = NewType("Symbol", str)
"""Venue symbol in upper case, such as BTCUSDT."""

ClientOrderId = NewType("ClientOrderId", str)
"""Our name of an order; at most 36 characters of ``[.A-Z:/a-z0-9_-]``."""

Ticks = NewType("Ticks", int)
"""A price as a whole number of the instrument's tick."""

Lots = NewType("Lots", int)
"""A quantity as a whole number of the instrument's lot."""

TsNs = NewType("TsNs", int)
"""A point in time: nanoseconds since the Unix epoch, UTC."""

DurationNs = NewType("DurationNs", int)
"""A span of time in nanoseconds."""

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
BPS = 10_000


def utc_ns(text: str) -> int:
    """Return a time of ISO 8601 in ns since the epoch; without an offset it is UTC.

    Raises:
        ValueError: it is no such time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * NS_PER_S + moment.microsecond * 1_000
