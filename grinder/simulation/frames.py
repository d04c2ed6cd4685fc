"""Recorded frames of Binance USDT-M futures: parsing, checking, timing from the first book on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from grinder.errors import ConfigError
from grinder.simulation.market import DepthDiff, MarketEvent, Quote, Trade
from grinder.simulation.recording import Recording
from grinder.simulation.units import Units

NS_PER_MS = 1_000_000

PARSE_ERRORS = (ValueError, KeyError, TypeError, AttributeError, IndexError)
"""What reading a damaged line raises."""


@attrs.frozen(kw_only=True)
class Frame:
    """One parsed line: the event, its local receive time, and what checks the depth chain."""

    local_ns: int
    event: MarketEvent
    is_snapshot: bool = False
    last_update_id: int = 0
    """Update id at which the event held; 0 when it is not compared with the REST book."""
    previous_update_id: int = 0


def located(name: str, number: int, error: Exception) -> ConfigError:
    """Return what to raise when a line cannot be read; it names recording, line and reason."""
    reason = f"missing field {error}" if isinstance(error, KeyError) else str(error)
    return ConfigError(f"recording {name}, line {number}: {reason}")


def parsed(local_ns: int, body: Mapping[str, Any], units: Units) -> Frame | None:
    """Return the frame of a stream's ``data``; None for what is not played.

    Raises ValueError, KeyError, TypeError or AttributeError when it is damaged.
    """
    kind = body.get("e")
    if kind == "depthUpdate":
        return Frame(
            local_ns=local_ns,
            event=DepthDiff(
                at_ms=0,
                symbol=units.instrument.symbol,
                bids=units.levels(body["b"]),
                asks=units.levels(body["a"]),
            ),
            last_update_id=int(body["u"]),
            previous_update_id=int(body["pu"]),
        )
    if kind == "bookTicker":
        return Frame(local_ns=local_ns, event=_quote(body, units))
    # X other than MARKET marks insurance-fund and ADL prints, which carry no price of the book.
    if kind in ("trade", "aggTrade") and body.get("X", "MARKET") == "MARKET":
        return Frame(local_ns=local_ns, event=_trade(body, units))
    return None


def snapshot(local_ns: int, body: Mapping[str, Any], units: Units) -> Frame:
    """Return the frame of a REST book."""
    return Frame(
        local_ns=local_ns,
        event=DepthDiff(
            at_ms=0,
            symbol=units.instrument.symbol,
            bids=units.levels(body["bids"]),
            asks=units.levels(body["asks"]),
        ),
        is_snapshot=True,
        last_update_id=int(body["lastUpdateId"]),
    )


def check_market(body: Mapping[str, Any]) -> None:
    """Check that a stream's ``data`` is of USDT-M futures.

    Raises:
        ValueError: it is of the venue's spot market or of COIN-M futures.
    """
    if "ps" in body:
        raise ValueError("frames of Binance COIN-M futures: only USDT-M futures are played")
    is_spot = ("e" not in body and "a" in body) or (
        body.get("e") == "depthUpdate" and "pu" not in body
    )
    if is_spot and "u" in body:
        raise ValueError("frames of Binance spot: only USDT-M futures are played")


class Chain:
    """Checks that the depth updates of one symbol follow each other."""

    def __init__(self) -> None:
        self._last: int | None = None

    def check(self, frame: Frame | None) -> None:
        """Take the next frame.

        Raises:
            ValueError: it is a depth update that does not continue the one before.
        """
        if frame is None or frame.is_snapshot or not isinstance(frame.event, DepthDiff):
            return
        if self._last is not None and frame.previous_update_id != self._last:
            raise ValueError(
                f"expected depth update after {self._last}, was after {frame.previous_update_id}"
            )
        self._last = frame.last_update_id


def recorded(
    name: str, kind: str, frames: Callable[[], Iterable[Frame]], units: Callable[[], Units]
) -> Recording:
    """Read every frame once and return what is needed to play them.

    Args:
        name: of the recording, for messages.
        kind: what it is made of.
        frames: begins to read them anew.
        units: of the one symbol that they are of; asked after they have been read.

    Raises:
        ConfigError: there is no quote.
    """
    books = (frame for frame in frames() if frame.is_snapshot)
    book = next(books, None)
    has_snapshot = book is not None
    begin = book or next(iter(frames()), None)
    started_ns = begin.local_ns if begin is not None else 0

    def play() -> Iterator[MarketEvent]:
        return _timed(frames(), has_snapshot=has_snapshot)

    first: Quote | None = None
    last: Quote | None = None
    events = end_ms = highest = 0
    for event in play():
        events += 1
        end_ms = event.at_ms
        if isinstance(event, Quote):
            first = first or event
            last = event
            highest = max(highest, event.ask_ticks)
        elif isinstance(event, Trade):
            highest = max(highest, event.price_ticks)
    if first is None or last is None:
        raise ConfigError(f"recording {name}: expected at least one bookTicker frame, was none")
    return Recording(
        name=name,
        kind=kind,
        instrument=units().instrument,
        play=play,
        start_ms=started_ns // NS_PER_MS,
        events=events,
        duration_ms=end_ms,
        first=first,
        last=last,
        highest_ticks=highest,
        has_snapshot=has_snapshot,
    )


def _quote(body: Mapping[str, Any], units: Units) -> Quote:
    quote = Quote(
        at_ms=0,
        symbol=units.instrument.symbol,
        bid_ticks=units.ticks(body["b"]),
        bid_lots=units.lots(body["B"]),
        ask_ticks=units.ticks(body["a"]),
        ask_lots=units.lots(body["A"]),
    )
    if not 0 < quote.bid_ticks < quote.ask_ticks:
        raise ValueError(f"expected 0 < bid < ask, was bid {body['b']} and ask {body['a']}")
    return quote


def _trade(body: Mapping[str, Any], units: Units) -> Trade:
    return Trade(
        at_ms=0,
        symbol=units.instrument.symbol,
        price_ticks=units.ticks(body["p"]),
        lots=units.lots(body["q"]),
        buyer_is_maker=bool(body["m"]),
    )


def _timed(frames: Iterable[Frame], *, has_snapshot: bool) -> Iterator[MarketEvent]:
    """Yield events with relative times, starting at the snapshot if there is one.

    What the snapshot already contains is left out, as a client's local book would.
    """
    start_ns: int | None = None
    snapshot_id = at_ms = 0
    for frame in frames:
        if start_ns is None:
            if has_snapshot and not frame.is_snapshot:
                continue
            start_ns = frame.local_ns
            snapshot_id = frame.last_update_id if frame.is_snapshot else 0
        elif frame.is_snapshot or 0 < frame.last_update_id < snapshot_id:
            continue
        # A local clock may be stepped back while recording; time here never decreases.
        at_ms = max(at_ms, (frame.local_ns - start_ns) // NS_PER_MS)
        yield attrs.evolve(frame.event, at_ms=at_ms)
