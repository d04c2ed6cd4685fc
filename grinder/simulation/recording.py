"""Recorded market data as a source: parsing, validation and a seamless endless loop.

The format is that of hftbacktest captures: one frame per line, ``<local receive time in ns>
<JSON>``, where the JSON is a combined-stream frame of Binance USDT-M futures (``bookTicker``,
``trade``, ``depthUpdate``) or one REST ``/depth`` answer without a ``stream`` key. Other frames are
skipped.

**The loop.** A recording that simply restarted would make the price jump from its last to its first
value. Passes therefore alternate: even passes are played as recorded, odd passes as their mirror
image, ``price' = C - price`` with bids and asks exchanged, where C places the mirrored first mid
on the recorded last mid. A mirrored pass ends where the recording began (within half a tick), so
the next pass joins without a step and the price never drifts, however long the loop runs. At a
join one depth diff turns the book of the ended pass into that of the new one.

This module reads no file: it is given a function that opens the lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import attrs
import orjson

from grinder.errors import ConfigError
from grinder.model.instrument import Instrument
from grinder.simulation.market import DepthDiff, Level, MarketEvent, Quote, Trade

OpenLines = Callable[[], Iterator[bytes]]
"""Opens the recording anew and yields its lines, without holding all of them."""

JOIN_GAP_MS = 50
"""Pause between two passes; about the spacing of depth diffs in the captures."""

SCALE_DIGITS = 12


@attrs.frozen(kw_only=True)
class Recording:
    """A validated recording of one symbol.

    ``first`` and ``last`` are the first and the last quote that playing it yields.
    """

    name: str
    instrument: Instrument
    open_lines: OpenLines = attrs.field(repr=False)
    events: int
    duration_ms: int
    first: Quote
    last: Quote
    has_snapshot: bool
    """Whether a REST book stands in the file; playing starts at it, as a client's book would."""


@attrs.frozen(kw_only=True)
class Frame:
    """One parsed line: the event, its local receive time, and what checks the depth chain."""

    local_ns: int
    event: MarketEvent
    is_snapshot: bool = False
    last_update_id: int = 0
    previous_update_id: int = 0


def validated(name: str, open_lines: OpenLines, instruments: Mapping[str, Instrument]) -> Recording:
    """Read every line of the recording once and return what is needed to play it.

    Raises:
        ConfigError: a line cannot be parsed, the depth chain is broken, there is more than one
            symbol or an unknown one, prices do not fit the instrument's tick, or there is no
            quote; the message names the recording and the line.
    """
    has_snapshot = any(
        frame.is_snapshot for frame in _frames(name, open_lines, _Units(instruments))
    )
    units = _Units(instruments)
    first: Quote | None = None
    last: Quote | None = None
    events = 0
    end_ms = 0
    for event in _timed(_frames(name, open_lines, units), has_snapshot=has_snapshot):
        events += 1
        end_ms = event.at_ms
        if isinstance(event, Quote):
            first = first or event
            last = event
    if first is None or last is None:
        raise ConfigError(f"recording {name}: expected at least one bookTicker frame, was none")
    return Recording(
        name=name,
        instrument=instruments[first.symbol],
        open_lines=open_lines,
        events=events,
        duration_ms=end_ms,
        first=first,
        last=last,
        has_snapshot=has_snapshot,
    )


def played_once(recording: Recording) -> Iterator[MarketEvent]:
    """Yield the events of one pass, as recorded, from 0 ms to ``recording.duration_ms``."""
    units = _Units({recording.instrument.symbol: recording.instrument})
    frames = _frames(recording.name, recording.open_lines, units)
    yield from _timed(frames, has_snapshot=recording.has_snapshot)


def looped(recording: Recording, *, passes: int | None = None) -> Iterator[MarketEvent]:
    """Yield the recording again and again without a price jump (see the module's text).

    Args:
        recording: what to play.
        passes: how often; None plays for ever.
    """
    mirror_sum = _mirror_sum(recording)
    book = _Book()
    number = 0
    start_ms = 0
    while passes is None or number < passes:
        centre = mirror_sum if number % 2 else None
        for index, recorded in enumerate(played_once(recording)):
            event = attrs.evolve(recorded, at_ms=start_ms + recorded.at_ms)
            if centre is not None:
                event = mirrored(event, centre)
            if isinstance(event, DepthDiff):
                if index == 0 and number > 0:
                    event = book.turned_into(event)
                book.apply(event)
            elif index == 0 and number > 0:
                cleared = book.turned_into(
                    DepthDiff(at_ms=event.at_ms, symbol=event.symbol, bids=(), asks=())
                )
                book.apply(cleared)
                yield cleared
            yield event
        number += 1
        start_ms += recording.duration_ms + JOIN_GAP_MS


def mirrored(event: MarketEvent, centre: int) -> MarketEvent:
    """Return the mirror image of ``event``: every price p becomes ``centre - p``, sides swap."""
    if isinstance(event, Quote):
        return attrs.evolve(
            event,
            bid_ticks=centre - event.ask_ticks,
            bid_lots=event.ask_lots,
            ask_ticks=centre - event.bid_ticks,
            ask_lots=event.bid_lots,
        )
    if isinstance(event, Trade):
        return attrs.evolve(
            event,
            price_ticks=centre - event.price_ticks,
            buyer_is_maker=not event.buyer_is_maker,
        )
    if isinstance(event, DepthDiff):
        return attrs.evolve(
            event,
            bids=_mirrored_levels(event.asks, centre),
            asks=_mirrored_levels(event.bids, centre),
        )
    return event


def _mirrored_levels(levels: tuple[Level, ...], centre: int) -> tuple[Level, ...]:
    return tuple((centre - price, lots) for price, lots in levels if centre - price > 0)


def _mirror_sum(recording: Recording) -> int:
    first, last = recording.first, recording.last
    return (first.bid_ticks + first.ask_ticks + last.bid_ticks + last.ask_ticks) // 2


class _Book:
    """The levels that have been yielded so far, to compute the diff at a join."""

    def __init__(self) -> None:
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}

    def apply(self, diff: DepthDiff) -> None:
        for side, levels in ((self._bids, diff.bids), (self._asks, diff.asks)):
            for price, lots in levels:
                if lots:
                    side[price] = lots
                else:
                    side.pop(price, None)

    def turned_into(self, wanted: DepthDiff) -> DepthDiff:
        """Return ``wanted`` extended by the removal of every level that it does not name."""
        return attrs.evolve(
            wanted,
            bids=_removals(self._bids, wanted.bids) + wanted.bids,
            asks=_removals(self._asks, wanted.asks) + wanted.asks,
        )


def _removals(side: Mapping[int, int], wanted: tuple[Level, ...]) -> tuple[Level, ...]:
    kept = {price for price, _ in wanted}
    return tuple((price, 0) for price in side if price not in kept)


class _Units:
    """Converts the venue's decimal texts to ticks and lots with integers only."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self.symbol: str | None = None
        self._tick = 0
        self._lot = 0

    def use(self, symbol: str) -> None:
        """Fix the symbol of the recording, or check that it is still the same."""
        if symbol == self.symbol:
            return
        if self.symbol is not None:
            raise ValueError(f"expected one symbol, {self.symbol}, was also {symbol}")
        instrument = self._instruments.get(symbol)
        if instrument is None:
            raise ValueError(f"unknown symbol {symbol}")
        self.symbol = symbol
        self._tick = _scaled(format(instrument.tick, "f"))
        self._lot = _scaled(format(instrument.lot, "f"))

    def ticks(self, text: str) -> int:
        return _whole(text, self._tick, "tick")

    def lots(self, text: str) -> int:
        return _whole(text, self._lot, "lot")

    def levels(self, rows: list[list[str]]) -> tuple[Level, ...]:
        return tuple((self.ticks(price), self.lots(qty)) for price, qty in rows)


def _scaled(text: str) -> int:
    whole, _, fraction = text.partition(".")
    if not (whole + fraction).isdecimal() or len(fraction) > SCALE_DIGITS:
        raise ValueError(f"expected a plain decimal number, was {text!r}")
    return int(whole + fraction.ljust(SCALE_DIGITS, "0"))


def _whole(text: str, unit: int, word: str) -> int:
    count, rest = divmod(_scaled(text), unit)
    if rest:
        size = Decimal(unit).scaleb(-SCALE_DIGITS).normalize()
        raise ValueError(f"{text} is not a multiple of the {word} {size}")
    return count


def _frames(name: str, open_lines: OpenLines, units: _Units) -> Iterator[Frame]:
    """Yield the parsed lines, checking each, and that depth updates form one chain."""
    chain: int | None = None
    for number, line in enumerate(open_lines(), start=1):
        if not line.strip():
            continue
        try:
            frame = _parsed(line, units)
            if frame is not None and isinstance(frame.event, DepthDiff) and not frame.is_snapshot:
                if chain is not None and frame.previous_update_id != chain:
                    raise ValueError(
                        f"expected depth update after {chain}, was after {frame.previous_update_id}"
                    )
                chain = frame.last_update_id
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"missing field {error}" if isinstance(error, KeyError) else str(error)
            raise ConfigError(f"recording {name}, line {number}: {reason}") from error
        if frame is not None:
            yield frame


def _parsed(line: bytes, units: _Units) -> Frame | None:
    stamp, _, text = line.partition(b" ")
    local_ns = int(stamp)
    outer: dict[str, Any] = orjson.loads(text)
    if "stream" not in outer:
        return _snapshot(local_ns, outer, units) if "lastUpdateId" in outer else None
    body: dict[str, Any] = outer["data"]
    kind = body.get("e")
    if kind == "depthUpdate":
        units.use(body["s"])
        return Frame(
            local_ns=local_ns,
            event=DepthDiff(
                at_ms=0,
                symbol=body["s"],
                bids=units.levels(body["b"]),
                asks=units.levels(body["a"]),
            ),
            last_update_id=int(body["u"]),
            previous_update_id=int(body["pu"]),
        )
    if kind == "bookTicker":
        return Frame(local_ns=local_ns, event=_quote(body, units))
    # X other than MARKET marks insurance-fund and ADL prints, which carry no price of the book.
    if kind == "trade" and body.get("X", "MARKET") == "MARKET":
        return Frame(local_ns=local_ns, event=_trade(body, units))
    return None


def _snapshot(local_ns: int, body: dict[str, Any], units: _Units) -> Frame:
    if units.symbol is None:
        raise ValueError("expected a stream frame before the REST book, to know its symbol")
    return Frame(
        local_ns=local_ns,
        event=DepthDiff(
            at_ms=0,
            symbol=units.symbol,
            bids=units.levels(body["bids"]),
            asks=units.levels(body["asks"]),
        ),
        is_snapshot=True,
        last_update_id=int(body["lastUpdateId"]),
    )


def _quote(body: dict[str, Any], units: _Units) -> Quote:
    units.use(body["s"])
    quote = Quote(
        at_ms=0,
        symbol=body["s"],
        bid_ticks=units.ticks(body["b"]),
        bid_lots=units.lots(body["B"]),
        ask_ticks=units.ticks(body["a"]),
        ask_lots=units.lots(body["A"]),
    )
    if not 0 < quote.bid_ticks < quote.ask_ticks:
        raise ValueError(f"expected 0 < bid < ask, was bid {body['b']} and ask {body['a']}")
    return quote


def _trade(body: dict[str, Any], units: _Units) -> Trade:
    units.use(body["s"])
    return Trade(
        at_ms=0,
        symbol=body["s"],
        price_ticks=units.ticks(body["p"]),
        lots=units.lots(body["q"]),
        buyer_is_maker=bool(body["m"]),
    )


def _timed(frames: Iterator[Frame], *, has_snapshot: bool) -> Iterator[MarketEvent]:
    """Yield events with relative times, starting at the snapshot if there is one.

    Diffs that the snapshot already contains are left out, as a client's local book would.
    """
    start_ns: int | None = None
    snapshot_id = 0
    at_ms = 0
    for frame in frames:
        if start_ns is None:
            if has_snapshot and not frame.is_snapshot:
                continue
            start_ns = frame.local_ns
        elif frame.is_snapshot:
            continue
        # A local clock may be stepped back while recording; time here never decreases.
        at_ms = max(at_ms, (frame.local_ns - start_ns) // 1_000_000)
        if frame.is_snapshot:
            snapshot_id = frame.last_update_id
        elif isinstance(frame.event, DepthDiff) and frame.last_update_id < snapshot_id:
            continue
        yield attrs.evolve(frame.event, at_ms=at_ms)
