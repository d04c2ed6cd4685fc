"""The four ports of the simulated venue, spoken to as an actor would."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from grinder.messages.market import CloseStream, StreamOpened
from grinder.messages.orders import CancelOrder, Placement, PlaceOrders
from grinder.messages.venue import (
    CancelAnswered,
    DropPlacements,
    FundingRead,
    KeepUserStream,
    OrderQueried,
    Outcome,
    PlaceAnswered,
    QueryOrder,
    Quiesce,
    Quiesced,
    ReadFunding,
    ReadTrades,
    TradesRead,
    UserStreamKept,
)
from grinder.model.order import Side
from grinder.model.permit import Permit
from grinder.simulation.market import DepthDiff, Mark, MarketEvent
from simulated.worlds import BTC, MS, SECOND, Market, Said, Stage


def answers(stage: Stage, port: str, *commands: object) -> list[object]:
    """Tell a port something in the name of an actor, and return what comes back soon."""
    before = len(stage.record.all)
    for command in commands:
        stage.runtime.emit("reconcile", stage.runtime.address(port), command, 0)  # type: ignore[arg-type]
    stage.world.run_for(20 * MS)
    new: list[Said] = stage.record.all[before:]
    return [one.body for one in new if one.sender == port]


def placement(stage: Stage, **fields: Any) -> PlaceOrders:
    given: dict[str, Any] = {
        "symbol": BTC,
        "client_order_id": "by-test",
        "side": Side.BUY,
        "price_ticks": 590_000,
        "qty_lots": 4,
        "level": "b9",
        "reason": "TEST",
    }
    deadline_ns = stage.runtime.now_ns() + SECOND
    permit = Permit(serial=2**60, state="ACTIVE", epoch=1, deadline_ns=deadline_ns)
    permit = fields.pop("permit", permit)
    return PlaceOrders(symbol=BTC, orders=(Placement(**{**given, **fields}),), permit=permit)


def test_each_placement_and_each_cancel_is_answered_once() -> None:
    stage = Stage().run(3.5)
    cancel = CancelOrder(symbol=BTC, client_order_id="by-test", reason="TEST")
    placed, gone, twice = answers(stage, "port.venue", placement(stage), cancel, cancel)

    assert isinstance(placed, PlaceAnswered)
    assert isinstance(gone, CancelAnswered)
    assert isinstance(twice, CancelAnswered)
    assert (placed.outcome, gone.outcome) == (Outcome.DONE, Outcome.DONE)
    assert (twice.outcome, twice.code) == (Outcome.REFUSED, -2011)


def test_a_placement_whose_permit_was_dropped_or_has_ended_never_reaches_the_venue() -> None:
    stage = Stage().run(3.5)
    ended = Permit(serial=2**60, state="ACTIVE", epoch=1, deadline_ns=1)
    dropped = answers(
        stage,
        "port.venue",
        placement(stage),
        DropPlacements(serial=2**60 + 1),
        placement(stage, client_order_id="late", permit=ended),
        placement(stage, client_order_id="none", permit=None),
    )

    assert [(one.outcome, one.sent_ns) for one in dropped if isinstance(one, PlaceAnswered)] == [
        (Outcome.REFUSED, 0)
    ] * 3
    assert len(stage.orders()) == 6


def test_quiesced_comes_after_the_writes_before_it() -> None:
    stage = Stage().run(3.5)
    said = answers(stage, "port.venue", placement(stage), Quiesce(token=7))

    assert [type(one) for one in said] == [PlaceAnswered, Quiesced]


def test_questions_are_answered_from_the_venues_own_books() -> None:
    stage = Stage().run(3.5)
    stage.sold(599_000, 4)
    stage.run(0.25)
    found, unknown, trades, funding = answers(
        stage,
        "port.venue",
        QueryOrder(symbol=BTC, client_order_id=stage.orders()[0].client_order_id),
        QueryOrder(symbol=BTC, client_order_id="nobody"),
        ReadTrades(symbol=BTC, from_id=1, since_ns=0),
        ReadFunding(since_ns=0),
    )

    assert isinstance(found, OrderQueried)
    assert isinstance(unknown, OrderQueried)
    assert isinstance(trades, TradesRead)
    assert found.order is not None
    assert unknown.order is None
    assert sum(one.qty_lots for one in trades.trades) == 4
    assert funding == FundingRead(payments=())


def test_a_stream_told_to_close_says_nothing_more() -> None:
    stage = Stage().run(3)
    heard = len(stage.record.all)
    stage.runtime.emit("feed", stage.runtime.address("port.public"), CloseStream(), 0)
    stage.run(1)

    assert not [one for one in stage.record.all[heard + 1 :] if one.sender == "port.public"]


def test_the_private_stream_is_kept_and_opened_by_number() -> None:
    stage = Stage().run(3)
    opened = [one for one in stage.said(StreamOpened) if one.stream == "private"]

    assert opened[-1].connection == stage.world.venue.user.connection
    (kept,) = answers(stage, "port.user", KeepUserStream(connection=5))
    assert kept == UserStreamKept(connection=5, outcome=Outcome.DONE, code=0, text="")


class Funded(Market):
    """A market with depth, whose mark price asks for funding after ten seconds."""

    def __init__(self, funding_ms: int) -> None:
        super().__init__({BTC: 600_000})
        self._funding_ms = funding_ms

    def move(self) -> None:
        """Add a change of depth and a mark to each round."""
        events: tuple[MarketEvent, ...] = (
            DepthDiff(at_ms=self._at_ms, symbol=BTC, bids=((599_990, 7),), asks=((600_010, 7),)),
            Mark(
                at_ms=self._at_ms,
                symbol=BTC,
                mark_price=Decimal(60_000),
                index_price=Decimal(60_000),
                funding_rate=Decimal("0.01"),
                next_funding_ms=self._funding_ms,
            ),
        )
        self._queue.extend(events)


def test_depth_and_funding_reach_the_books_to_the_last_digit() -> None:
    start_ms = 1_700_000_000_000
    stage = Stage(market=Funded(start_ms + 9_500)).run(3.5)
    stage.by_hand(Side.BUY, 5)
    stage.run(20)

    ledger = stage.exchange.ledger("sim")
    assert ledger.funding == Decimal("-3.00")
    assert stage.actor("ledger")._ledger.of(BTC).funding == ledger.funding
