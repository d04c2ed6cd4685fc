"""The chain of depth changes: joined by the venue's rule, whole after every kind of loss."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.features.depthsync import BUFFER_MAX, DepthSync, Told
from grinder.messages.market import DepthChanged, DepthSynced
from grinder.messages.venue import DepthRead

Levels = dict[int, int]


def change(first: int, last: int, previous: int, *bids: tuple[int, int]) -> DepthChanged:
    return DepthChanged(
        symbol="BTCUSDT",
        first_id=first,
        last_id=last,
        previous_id=previous,
        bids=bids,
        asks=(),
        event_ns=last,
        connection=1,
    )


def snapshot(last: int, *bids: tuple[int, int]) -> DepthRead:
    return DepthRead(symbol="BTCUSDT", token=1, last_id=last, bids=bids, asks=(), event_ns=last)


def ids(told: Told) -> list[int]:
    return [one.last_id for one in told]


def test_changes_wait_for_a_snapshot_and_older_ones_are_dropped() -> None:
    sync = DepthSync()
    assert sync.hear(change(11, 20, 10)) == ()
    assert sync.wants_snapshot
    assert sync.hear(change(21, 30, 20)) == ()
    assert sync.hear(change(31, 40, 30)) == ()

    told = sync.answer(snapshot(25, (100, 5)))

    assert ids(told) == [25, 30, 40]
    assert isinstance(told[0], DepthSynced)
    assert told[0].bids == ((100, 5),)
    assert ids(sync.hear(change(41, 50, 40))) == [50]
    assert sync.breaks == 0
    assert not sync.wants_snapshot


@pytest.mark.parametrize("last", [20, 15, 11])
def test_the_first_change_may_begin_or_end_at_the_snapshot(last: int) -> None:
    sync = DepthSync()
    sync.hear(change(11, 20, 10))

    assert ids(sync.answer(snapshot(last))) == [last, 20]


def test_a_change_that_continues_the_snapshot_exactly_is_enough() -> None:
    sync = DepthSync()
    sync.hear(change(15, 20, 10))

    assert ids(sync.answer(snapshot(10))) == [10, 20]


def test_a_snapshot_older_than_the_buffer_is_not_joined_and_another_one_is_wanted() -> None:
    sync = DepthSync()
    sync.hear(change(11, 20, 10))

    assert sync.answer(snapshot(9)) == ()
    assert sync.wants_snapshot
    assert ids(sync.answer(snapshot(12))) == [12, 20]


def test_a_snapshot_newer_than_all_waits_for_the_change_that_spans_it() -> None:
    sync = DepthSync()
    sync.hear(change(11, 20, 10))
    assert sync.answer(snapshot(24)) == ()
    assert not sync.wants_snapshot

    assert ids(sync.hear(change(21, 30, 20))) == [24, 30]


def test_a_break_is_counted_and_silent_until_the_next_snapshot() -> None:
    sync = DepthSync()
    sync.hear(change(11, 20, 10))
    sync.answer(snapshot(15))

    assert sync.hear(change(31, 40, 30)) == ()
    assert sync.hear(change(41, 50, 40)) == ()
    assert (sync.breaks, sync.wants_snapshot) == (1, True)
    assert ids(sync.answer(snapshot(44))) == [44, 50]


def test_a_break_while_waiting_begins_the_buffer_anew() -> None:
    sync = DepthSync()
    sync.hear(change(11, 20, 10))
    sync.hear(change(31, 40, 30))

    assert sync.answer(snapshot(15)) == ()
    assert ids(sync.answer(snapshot(35))) == [35, 40]


def test_the_buffer_is_bounded_and_forgets_the_oldest() -> None:
    sync = DepthSync()
    for number in range(BUFFER_MAX + 50):
        sync.hear(change(number + 1, number + 1, number))

    assert sync.answer(snapshot(40)) == ()
    told = sync.answer(snapshot(60))
    assert ids(told)[:2] == [60, 60]
    assert len(told) == BUFFER_MAX + 50 - 60 + 2


def test_a_new_connection_forgets_the_chain() -> None:
    sync = DepthSync()
    sync.hear(change(11, 20, 10))
    sync.answer(snapshot(15))
    sync.restart()

    assert not sync.wants_snapshot
    assert sync.hear(change(51, 60, 50)) == ()
    assert sync.breaks == 0
    assert ids(sync.answer(snapshot(55))) == [55, 60]


class Venue:
    """A book that changes by itself, tells changes in batches, and can be read at any time."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.bids: Levels = {}
        self.id = 0
        self.told_id = 0
        self.pending: set[int] = set()

    def move(self) -> None:
        price, lots = self.random.randint(1, 8), self.random.randint(0, 3)
        self.id += 1
        self.pending.add(price)
        if lots:
            self.bids[price] = lots
        else:
            self.bids.pop(price, None)

    def batch(self) -> DepthChanged:
        bids = tuple((price, self.bids.get(price, 0)) for price in sorted(self.pending))
        self.pending.clear()
        made = change(self.told_id + 1, self.id, self.told_id, *bids)
        self.told_id = self.id
        return made

    def read(self) -> DepthRead:
        return snapshot(self.id, *sorted(self.bids.items()))


def applied(book: Levels, told: Iterable[DepthSynced | DepthChanged]) -> None:
    for one in told:
        if isinstance(one, DepthSynced):
            book.clear()
        for price, lots in one.bids:
            if lots:
                book[price] = lots
            else:
                book.pop(price, None)


@given(seed=st.integers(0, 2**32), losses=st.floats(0, 0.4))
def test_whatever_is_lost_the_book_is_the_venues_whenever_it_is_said(
    seed: int, losses: float
) -> None:
    random = Random(seed)
    venue, sync, book = Venue(random), DepthSync(), Levels()
    asked: list[tuple[int, DepthRead]] = []
    last_id = -1
    for step in range(120):
        for _ in range(random.randint(1, 3)):
            venue.move()
        if random.random() < losses / 4:
            sync.restart()
            last_id = -1
        heard = venue.batch()
        if random.random() >= losses and heard.last_id > last_id:
            last_id = heard.last_id
            told = sync.hear(heard)
            applied(book, told)
            if told:
                assert book == venue.bids
        if sync.wants_snapshot and not asked:
            # The answer was made some steps before it comes.
            asked.append((step + random.randint(0, 3), venue.read()))
        if asked and asked[0][0] <= step:
            applied(book, sync.answer(asked.pop()[1]))
    venue.move()
    final = venue.batch()
    while not (told := sync.hear(final)):
        told = sync.answer(venue.read())
        if told:
            break
        venue.move()
        final = venue.batch()
    applied(book, told)
    assert book == venue.bids
