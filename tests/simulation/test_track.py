from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

from grinder.simulation.generator import halted
from grinder.simulation.market import (
    DepthDiff,
    Level,
    Levels,
    MarketEvent,
    Quote,
    Status,
    Trade,
)
from grinder.simulation.track import Track

STEP_MS = 10


def diff(at_ms: int, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> DepthDiff:
    return DepthDiff(at_ms=at_ms, symbol="X", bids=bids, asks=asks)


def quote(at_ms: int, bid: int) -> Quote:
    return Quote(at_ms=at_ms, symbol="X", bid_ticks=bid, bid_lots=3, ask_ticks=bid + 1, ask_lots=4)


def market(start: int) -> Iterator[MarketEvent]:
    """Yield a market that rises by a tick each 10 ms, with three levels on each side."""
    told = Levels()
    for step in count():
        at_ms, bid = step * STEP_MS, start + step
        bids = tuple((bid - level, 3) for level in range(3))
        asks = tuple((bid + 1 + level, 4) for level in range(3))
        changed = told.turned_into(diff(at_ms, bids, asks))
        told.apply(changed)
        yield changed
        yield quote(at_ms, bid)


def falling(start: int) -> Iterator[MarketEvent]:
    """Yield a market that falls by five ticks each 7 ms."""
    for step in count():
        bid = start - 5 * step
        gone = ((bid + 5, 0),) if step else ()
        over = ((bid + 6, 0),) if step else ()
        yield diff(7 * step, (*gone, (bid, 1)), (*over, (bid + 1, 1)))
        yield quote(7 * step, bid)
        yield Trade(at_ms=7 * step, symbol="X", price_ticks=bid, lots=1, buyer_is_maker=True)


def played(track: Track, number: int) -> list[MarketEvent]:
    return list(islice(track, number))


def check(events: list[MarketEvent]) -> None:
    """Check that the book which the events tell is whole and that its touch is the quote."""
    book = Levels()
    at_ms = 0
    for event in events:
        assert event.at_ms >= at_ms
        at_ms = event.at_ms
        if isinstance(event, DepthDiff):
            book.apply(event)
        elif isinstance(event, Quote):
            assert (max(book.bids), min(book.asks)) == (event.bid_ticks, event.ask_ticks)


def quotes(events: list[MarketEvent]) -> dict[int, int]:
    return {event.at_ms: event.bid_ticks for event in events if isinstance(event, Quote)}


def test_track_without_orders_is_its_source() -> None:
    assert played(Track(market(1000)), 50) == list(islice(market(1000), 50))


def test_other_market_begins_and_ends_without_a_jump_and_the_own_keeps_its_time() -> None:
    track = Track(market(1000))
    before = played(track, 20)
    track.order("fall", falling, 100)
    assert track.interlude == "fall"
    during = played(track, 45)
    assert track.interlude == "fall"
    after = played(track, 40)

    assert track.interlude == ""
    check([*before, *during, *after])
    assert quotes(before)[90] == 1009
    assert quotes(during)[90] == 1009
    assert quotes(during)[188] == 1009 - 70
    # At 190 ms the own market stands at 1019; it goes on from 939 instead.
    assert quotes(after)[190] == 939
    assert quotes(after)[200] == 940


def test_halt_silences_the_market_until_its_end() -> None:
    track = Track(market(1000))
    before = played(track, 20)
    track.order("halt", lambda _: halted("X"), 250)
    events = played(track, 10)

    silent, back = events[:3], events[3:]
    assert silent == [Status(at_ms=at, symbol="X", status="HALT") for at in (90, 190, 290)]
    assert back[0] == Status(at_ms=340, symbol="X", status="TRADING")
    assert quotes(back)[340] == 1009
    assert quotes(back)[350] == 1010
    check([*before, *events])


def test_order_without_an_end_lasts_until_it_is_ended() -> None:
    track = Track(market(100_000))
    played(track, 2)
    track.order("fall", falling, None)
    assert quotes(played(track, 3000))[6993] == 100_000 - 5 * 999
    track.end()
    events = played(track, 10)

    assert track.interlude == ""
    check(events)
    assert min(quotes(events).values()) > 94_000


def test_new_order_takes_the_place_of_the_old_and_ends_its_halt() -> None:
    track = Track(market(1000))
    played(track, 2)
    track.order("halt", lambda _: halted("X"), None)
    played(track, 3)
    track.order("fall", falling, None)
    events = played(track, 4)

    assert events[0] == Status(at_ms=200, symbol="X", status="TRADING")
    assert track.interlude == "fall"
    track.end()
    track.order("fall", falling, None)
    track.end()
    check(played(track, 9))
    assert track.interlude == ""


def test_moved_market_stays_moved_through_an_interlude() -> None:
    track = Track(market(1000))
    played(track, 20)
    track.move(500)
    track.order("fall", falling, 70)
    during = played(track, 10)
    track.move(-200)
    after = played(track, 40)

    assert quotes(during)[90] == 1509
    assert quotes(after)[160] == 1509 - 200 - 50
    check(after[-20:])
