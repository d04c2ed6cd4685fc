"""Recorded markets as sources: one value for every format, a common clock, and an endless loop.

**The loop.** A recording that simply restarted would make the price jump from its last to its first
value. Passes therefore alternate: even passes are played as recorded, odd passes as their mirror
image, ``price' = C - price`` with bids and asks exchanged, where C places the mirrored first mid
on the recorded last mid. A mirrored pass ends where the recording began (within half a tick), so
the next pass joins without a step and the price never drifts, however long the loop runs. At a
join one depth diff turns the book of the ended pass into that of the new one. A recording whose
mirror image would reach zero, because its price more than doubles, starts again at its first
price instead: there the price does jump.

**The clock.** Recordings whose times overlap are played on one clock: what happened at the same
time happens at the same time, in every pass. They wait for the longest of them before the next.

What a recording holds is read by ``captures`` and ``bars``. No file is opened here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import attrs

from grinder.model.instrument import Instrument
from grinder.simulation.market import DepthDiff, Level, Levels, MarketEvent, Quote, Trade

OpenLines = Callable[[], Iterator[bytes]]
"""Opens the recording anew and yields its lines, without holding all of them."""

JOIN_GAP_MS = 50
"""Pause between two passes; about the spacing of depth diffs in the captures."""


@attrs.frozen(kw_only=True)
class Recording:
    """A validated recording of one symbol.

    ``first`` and ``last`` are the first and the last quote that playing it yields.
    """

    name: str
    kind: str
    """What it is made of: frames, or bars."""
    instrument: Instrument
    play: Callable[[], Iterator[MarketEvent]] = attrs.field(repr=False)
    """Begins a pass: events as recorded, timed from 0 to ``duration_ms``."""
    start_ms: int
    """When it begins, in milliseconds since the Unix epoch."""
    events: int
    """Events of one pass; of bars, how many bars."""
    duration_ms: int
    first: Quote
    last: Quote
    highest_ticks: int
    """The highest price at which something was quoted or traded."""
    has_snapshot: bool = False
    """Whether a REST book stands in the file; playing starts at it, as a client's book would."""


@attrs.frozen(kw_only=True)
class Timing:
    """Where a recording stands on the clock that it shares."""

    lead_ms: int = 0
    """How much later than the clock's start it begins, in each pass."""
    pass_ms: int
    """From the start of a pass to the start of the next."""


def own_timing(recording: Recording) -> Timing:
    """Return the timing of a recording that is played alone."""
    return Timing(pass_ms=recording.duration_ms + JOIN_GAP_MS)


def together(recordings: Iterable[Recording]) -> list[dict[str, Timing]]:
    """Return the timing of each symbol, grouped by the clocks that they share.

    Recordings belong to one clock when their times overlap, be it through others.
    """
    groups: list[list[Recording]] = []
    end_ms = 0
    for recording in sorted(recordings, key=lambda each: each.start_ms):
        if not groups or recording.start_ms > end_ms:
            groups.append([])
            end_ms = 0
        groups[-1].append(recording)
        end_ms = max(end_ms, recording.start_ms + recording.duration_ms)
    return [_timings(group) for group in groups]


def _timings(group: list[Recording]) -> dict[str, Timing]:
    start_ms = min(each.start_ms for each in group)
    end_ms = max(each.start_ms + each.duration_ms for each in group)
    return {
        each.instrument.symbol: Timing(
            lead_ms=each.start_ms - start_ms, pass_ms=end_ms - start_ms + JOIN_GAP_MS
        )
        for each in group
    }


def looped(
    recording: Recording, timing: Timing | None = None, *, passes: int | None = None
) -> Iterator[MarketEvent]:
    """Yield the recording again and again without a price jump (see the module's text).

    Args:
        recording: what to play.
        timing: its place on a shared clock; None plays it alone.
        passes: how often; None plays for ever.
    """
    timing = timing or own_timing(recording)
    mirror_sum = _mirror_sum(recording)
    book = Levels()
    number = 0
    while passes is None or number < passes:
        centre = mirror_sum if number % 2 else None
        start_ms = number * timing.pass_ms + timing.lead_ms
        for index, recorded in enumerate(recording.play()):
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


def _mirror_sum(recording: Recording) -> int | None:
    first, last = recording.first, recording.last
    centre = (first.bid_ticks + first.ask_ticks + last.bid_ticks + last.ask_ticks) // 2
    return centre if recording.highest_ticks < centre else None
