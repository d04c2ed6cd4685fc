"""The port: a bounded queue, holes that nobody fills, a store that fails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from books import rows
from grinder.books.port import BooksPort
from grinder.books.sql import SqlStore, engine_of, upgrade
from grinder.books.store import MemoryStore, Row
from grinder.errors import BooksError
from grinder.messages.books import BookFill, BooksReported, BooksRestored
from grinder.model.retries import RETRIES_MAX
from grinder.model.units import NS_PER_S
from venues.fakes import FakeOutlet


class StubbornStore(MemoryStore):
    """Fails for as long as it is told to."""

    is_failing = False
    tries = 0

    def write(self, rows: Sequence[Row]) -> int:
        self.tries += 1
        if self.is_failing:
            raise BooksError("the database is gone")
        return super().write(rows)


class HandPort(BooksPort):
    """Takes its turns when it is told to."""

    def _begin(self) -> None:
        """Start no thread."""

    def turn(self) -> None:
        self._turn()


def opened(store: MemoryStore, pending_max: int = 100) -> tuple[HandPort, FakeOutlet]:
    port, outlet = HandPort(store, pending_max), FakeOutlet()
    port.open(outlet)
    port.receive(outlet.envelope(rows.asked(), "ledger"))
    port.turn()
    return port, outlet


def chain(count: int) -> list[BookFill]:
    state, found = rows.flat(), []
    for trade_id in range(1, count + 1):
        found.append(rows.booked(state, trade_id, "1", "100"))
        state = found[-1].state
    return found


def test_a_question_is_answered_after_what_was_told_before_it() -> None:
    port, outlet = opened(MemoryStore())
    for row in chain(3):
        port.receive(outlet.envelope(row))
    port.receive(outlet.envelope(rows.asked(token=2)))
    outlet.skew_ns += NS_PER_S
    port.turn()

    first, second = outlet.all(BooksRestored)
    assert (first.token, first.symbols) == (1, ())
    assert second.symbols[0].trade_ids == (1, 2, 3)
    assert outlet.all(BooksReported)[-1].written == 3


def test_after_a_row_was_refused_every_later_one_is_until_the_books_are_asked_for() -> None:
    store = MemoryStore()
    port, outlet = opened(store, pending_max=2)
    told = chain(4)
    for row in told[:3]:
        port.receive(outlet.envelope(row))
    port.turn()
    port.receive(outlet.envelope(told[3]))
    port.turn()

    report = outlet.all(BooksReported)[-1]
    assert (report.is_torn, report.lost) == (True, 1)
    assert sorted(one for _, one in store.fills) == [1, 2]

    port.receive(outlet.envelope(rows.asked(token=2)))
    port.receive(outlet.envelope(told[2]))
    port.turn()
    assert outlet.all(BooksReported)[-1].is_torn is False
    assert sorted(one for _, one in store.fills) == [1, 2, 3]


def test_a_store_that_fails_is_tried_again_after_growing_pauses_and_nothing_is_lost() -> None:
    store = StubbornStore()
    port, outlet = opened(store)
    store.is_failing = True
    port.receive(outlet.envelope(chain(1)[0]))
    port.turn()
    port.turn()
    assert store.tries == 1
    report = outlet.all(BooksReported)[-1]
    assert (report.is_written, report.pending) == (False, 1)
    assert "gone" in report.detail
    outlet.skew_ns += NS_PER_S
    port.turn()
    port.turn()
    assert store.tries == 2

    store.is_failing = False
    outlet.skew_ns += 2 * NS_PER_S
    port.turn()
    assert len(store.fills) == 1
    assert outlet.all(BooksReported)[-1].is_written


def test_the_tries_are_bounded() -> None:
    store = StubbornStore()
    port, outlet = opened(store)
    store.is_failing = True
    port.receive(outlet.envelope(chain(1)[0]))
    for _ in range(RETRIES_MAX + 20):
        port.turn()
        outlet.skew_ns += 61 * NS_PER_S

    assert store.tries == RETRIES_MAX + 1


def test_the_thread_writes_what_waits_before_it_ends(tmp_path: Path) -> None:
    engine = engine_of(f"sqlite:///{tmp_path}/books.db")
    upgrade(engine)
    port, outlet = BooksPort(SqlStore(engine, "mine"), 1_000), FakeOutlet()
    port.open(outlet)
    port.receive(outlet.envelope(rows.asked(), "ledger"))
    outlet.wait(BooksRestored)
    for row in chain(300):
        port.receive(outlet.envelope(row))
    port.close(10)
    port.close(10)

    (books,) = SqlStore(engine, "mine").restore(rows.asked(), rows.DAY_NS).symbols
    assert books.state.qty == 300
