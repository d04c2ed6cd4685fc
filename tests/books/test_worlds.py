"""Books of a whole system in virtual time, whose processes and ledgers fall."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import attrs
import pytest

from grinder.errors import BooksError
from grinder.kernel.message import Message
from grinder.messages.books import BooksDoubted, BooksReported
from grinder.messages.ledger import DayChanged, LedgerChanged, RoundTripCompleted
from grinder.messages.orders import OrdersSynced
from grinder.model.strategy import BooksSettings
from grinder.worlds.invariants import Watch
from grinder.worlds.kept import kept
from grinder.worlds.run import WorldSpec, config_of
from grinder.worlds.world import FaultWorld

pytestmark = [pytest.mark.unmeasured, pytest.mark.usefixtures("quiet")]


class Ears(Watch):
    """Judges as ever, and keeps what is said of the books."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[Message] = []
        more = (BooksReported, BooksDoubted, RoundTripCompleted, DayChanged)
        vars(self)["hears"] = (*self.hears, *more)

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        if type(body) in self._judges:
            super().observe(sender, at_ns, body)
        else:
            self.said.append(body)

    def all(self, kind: type[Message]) -> list[Message]:
        return [one for one in self.said if isinstance(one, kind)]


def world_of(seed: int, pending_max: int = 10_000) -> tuple[FaultWorld, Ears]:
    books = BooksSettings(url="sqlite:///memory", pending_max=pending_max)
    ears = Ears()
    config = attrs.evolve(config_of(WorldSpec(seed=seed)), books=books)
    return FaultWorld(config, seed, observer=ears, funding_ms=20_000), ears


def fail(_: object) -> int:
    raise BooksError("gone")


def settle(world: FaultWorld) -> None:
    world.market.is_standing = True
    world.run_to(world.now_ms + 60_000)


def test_the_books_are_the_venues_to_the_last_digit() -> None:
    world, ears = world_of(1)
    world.run_to(90_000)
    settle(world)

    assert list(kept(world)) == []
    assert world.books is not None
    assert len(world.books.fills) > 20
    assert world.books.funding
    for payment in world.books.funding.values():
        held = sum(
            one.qty * one.side.sign
            for one in world.books.fills.values()
            if one.symbol == payment.symbol and one.event_ns <= payment.event_ns
        )
        assert payment.amount * held < 0  # the rate is positive: a long pays, a short receives
    trips = ears.all(RoundTripCompleted)
    assert {one.row_id for one in trips if isinstance(one, RoundTripCompleted)} == set(
        world.books.trips
    )
    assert len(trips) == len(world.books.trips) > 3
    days = {one.day: one for one in ears.all(DayChanged) if isinstance(one, DayChanged)}
    assert len(days) == 2  # the world begins just before midnight
    assert sum(one.fills for one in days.values()) == len(world.books.fills)
    assert sum(one.round_trips for one in days.values()) == len(trips)
    assert sum(one.fees for one in days.values()) == world.exchange.ledger("sim").commission
    assert all(one.equity is not None for one in days.values())
    world.close()


def test_a_process_that_dies_again_and_again_counts_each_fill_once() -> None:
    world, ears = world_of(2)
    for _ in range(4):
        world.run_to(world.now_ms + 15_000)
        world._restart(3_000)
    settle(world)

    assert world.kills == 4
    assert list(kept(world)) == []
    assert not ears.all(BooksDoubted)
    world.close()


def test_a_ledger_that_falls_takes_up_the_books_again() -> None:
    world, ears = world_of(3)
    for _ in range(5):
        world.run_to(world.now_ms + 7_000)
        world.process.runtime.inject("ledger", "raise")
    settle(world)

    assert list(kept(world)) == []
    assert not ears.all(BooksDoubted)
    world.close()


def test_rows_that_found_no_room_are_read_from_the_venue_again() -> None:
    world, ears = world_of(5, pending_max=8)
    store = world.books
    assert store is not None
    world.run_to(10_000)
    vars(store)["write"] = fail
    world.run_to(60_000)
    del vars(store)["write"]
    world.run_to(90_000)
    settle(world)
    world.run_to(world.now_ms + 60_000)

    reports = [one for one in ears.all(BooksReported) if isinstance(one, BooksReported)]
    assert reports[-1].lost > 0
    assert not reports[-1].is_torn
    assert list(kept(world)) == []
    world.close()


def test_a_store_that_fails_for_a_while_gets_everything_later() -> None:
    world, ears = world_of(6)
    store = world.books
    assert store is not None
    world.run_to(10_000)
    vars(store)["write"] = fail
    world.run_to(40_000)
    del vars(store)["write"]
    world.run_to(80_000)
    settle(world)

    reports = [one for one in ears.all(BooksReported) if isinstance(one, BooksReported)]
    assert {one.is_written for one in reports} == {True, False}
    assert list(kept(world)) == []
    world.close()


def test_an_old_belief_of_a_position_does_not_touch_the_books() -> None:
    world, ears = world_of(4)
    world.run_to(30_000)
    settle(world)
    runtime = world.process.runtime
    runtime.hold("exchange", 12_000)
    old = OrdersSynced(
        symbol="BTCUSDT",
        orders=(),
        position_lots=world.exchange.position("sim", "BTCUSDT").qty_lots + 5,
        entry_price=Decimal(60_000),
        is_stream_live=False,
    )

    for _ in range(2):
        runtime.tell(runtime.address("ledger"), old)
        world.run_to(world.now_ms + 11_000)

    assert not ears.all(BooksDoubted)
    settle(world)
    assert list(kept(world)) == []
    world.close()


def test_a_position_that_no_fill_explains_is_let_go_of_and_said() -> None:
    former, _ = world_of(7)
    former.run_to(40_000)
    former.close()
    store = former.books
    assert store is not None
    open_before = {name for name, one in store.states.items() if one.qty}
    trips_before = dict(store.trips)
    ears = Ears()
    world = FaultWorld(former.config, 8, observer=ears, funding_ms=-100_000)
    world.books = store
    world._restart(500)
    world.run_to(60_000)
    settle(world)

    doubts = [one for one in ears.all(BooksDoubted) if isinstance(one, BooksDoubted)]
    assert {one.symbol for one in doubts} == open_before
    for symbol, instrument in world.instruments.items():
        held = instrument.qty(world.exchange.position("sim", symbol).qty_lots)
        assert store.states[symbol].qty == held
    assert trips_before.items() <= store.trips.items()
    world.close()


def test_a_new_process_knows_what_the_day_has_brought() -> None:
    world, _ = world_of(2)
    world.run_to(70_000)  # the first twenty seconds are yesterday's
    world._restart(3_000)
    settle(world)

    day = world.process.actor("risk")._facts.day
    midnight_ns = day.day * 86_400 * 10**9
    assert world.books is not None
    today = [one for one in world.books.fills.values() if one.event_ns >= midnight_ns]
    booked = sum((one.realized_pnl - one.fee for one in today), Decimal(0))
    booked += sum((one.amount for one in world.books.funding.values()), Decimal(0))
    held = sum((one.unrealized_pnl for one in _ledgers(world)), Decimal(0))
    assert [one for one in today if one.event_ns < world.process.started_ns]
    assert day.carried
    assert day.pnl == booked + held
    world.close()


def _ledgers(world: FaultWorld) -> Iterator[LedgerChanged]:
    return iter(world._observer.ledgers.values())
