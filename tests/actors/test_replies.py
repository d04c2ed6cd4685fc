"""Replies and events that are lost, late, doubled or out of order."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import attrs
import pytest

from grinder.kernel.message import Envelope, Message
from grinder.messages.orders import OrderFilled, OrderOutcomeUnknown, OrderRejected
from grinder.messages.venue import CancelAnswered, Outcome, PlaceAnswered, QueryOrder
from grinder.venues.answers import place_refused
from simulated import checks
from simulated.worlds import BTC, MS, SECOND, Stage, Walk, ladder, quick

pytestmark = pytest.mark.unmeasured

LADDER = ladder(3)


def port_of(stage: Stage, name: str = "port.venue") -> Any:
    return dict(stage.runtime.ports())[name]


def unknown(answer: PlaceAnswered, now_ns: int) -> PlaceAnswered:
    return attrs.evolve(
        answer, outcome=Outcome.UNKNOWN, order_id=0, status=None, filled_lots=0,
        decided_ns=now_ns + SECOND,
    )  # fmt: skip


class Lossy:
    """Loses, or turns into not knowing, some of what the venue port answers."""

    def __init__(self, stage: Stage, chance: Random, share: float, *, silent: bool) -> None:
        self.stage, self.chance, self.share, self.silent = stage, chance, share, silent
        self.lost = 0
        port = port_of(stage)
        self.reply = port._reply
        port._reply = self

    def __call__(self, envelope: Envelope, answer: Message) -> None:
        is_write = isinstance(answer, PlaceAnswered | CancelAnswered)
        if not is_write or self.chance.random() >= self.share:
            self.reply(envelope, answer)
            return
        self.lost += 1
        if self.silent:
            return
        if isinstance(answer, PlaceAnswered):
            answer = unknown(answer, self.stage.runtime.now_ns())
        elif isinstance(answer, CancelAnswered):
            answer = attrs.evolve(answer, outcome=Outcome.UNKNOWN, code=0, status=None)
        self.reply(envelope, answer)


@pytest.mark.parametrize("deaf", [False, True])
@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_lost_reply_is_resolved_by_asking_never_by_sending_again(
    seed: int, silent: bool, deaf: bool
) -> None:
    market = Walk({BTC: 600_000}, seed, step_bps=2)
    stage = Stage(market=market)
    lossy = Lossy(stage, Random(seed), 0.5, silent=silent)
    if deaf:
        stage.world.venue.user.report = lambda *_: None  # type: ignore[method-assign]
    for _ in range(20):
        stage.run(2)
        assert not stage.doubles()
    market.stand()
    port_of(stage)._reply = lossy.reply
    stage.run(100)

    assert lossy.lost > 3
    assert not checks.overlaps(stage)
    assert not checks.names_used_twice(stage)
    assert not checks.book_differences(stage)
    assert not checks.differences(stage)
    if deaf:
        assert stage.said(QueryOrder)


def test_a_placement_that_never_arrived_is_found_missing_and_the_level_returns() -> None:
    stage = Stage()
    port = port_of(stage)
    placed = port._placed
    port._placed = lambda envelope, batch, place: unknown(
        place_refused(place, 0, "", tick_ns=batch.tick_ns), stage.runtime.now_ns()
    )
    stage.run(1)
    port._placed = placed
    assert {one.level for one in stage.said(OrderOutcomeUnknown)} == LADDER
    assert not stage.orders()

    stage.run(10)
    assert {one.reason for one in stage.said(OrderRejected)} == {"UNKNOWN_TO_VENUE"}
    assert set(stage.entries(BTC)) == LADDER
    checks.assert_all_well(stage)


def test_a_level_is_not_filled_again_while_the_fate_of_its_order_is_unknown() -> None:
    stage = Stage()
    lossy = Lossy(stage, Random(1), 1.0, silent=False)
    stage.world.venue.user.report = lambda *_: None  # type: ignore[method-assign]
    stage.run(0.9)

    assert lossy.lost == 6
    assert len(stage.orders()) == 6
    stage.run(10)
    assert len(stage.orders()) == 6


def test_what_the_account_can_not_bear_is_asked_for_more_and_more_seldom() -> None:
    stage = Stage(quick(sim={"balance": Decimal(40)}, policy={"levels": 8})).run(60)

    refused = stage.said(OrderRejected)
    times = [
        said.at_ns
        for said, body in zip(stage.entries_of(OrderRejected), refused, strict=True)
        if body.level == "s8"
    ]
    pauses = [(later - earlier) // MS for earlier, later in pairwise(times)]
    assert {one.code for one in refused} == {-2019}
    assert pauses == sorted(pauses)
    assert 500 <= pauses[0] < 1_000
    assert 16_000 <= pauses[-1] < 17_000


def test_a_cancel_of_an_order_already_gone_is_no_error() -> None:
    stage = Stage(quick(policy={"spacing_bps": 20})).run(3.5)
    order = stage.entries(BTC)["b1"]
    stage.world.venue.user.report = lambda *_: None  # type: ignore[method-assign]
    stage.exchange.cancel("sim", BTC, order_id=order.order_id, now_ms=stage.now_ms)
    stage.market.put(BTC, 600_900)
    stage.run(10)

    assert -2011 in {one.code for one in stage.said(CancelAnswered)}
    assert stage.state == "ACTIVE"
    assert set(stage.entries(BTC)) == LADDER
    assert not checks.overlaps(stage)


@pytest.mark.parametrize("seed", range(4))
def test_events_that_come_twice_and_out_of_order_count_once(seed: int) -> None:
    chance = Random(seed)
    market = Walk({BTC: 600_000}, seed, step_bps=2)
    stage = Stage(market=market)
    user = stage.world.venue.user
    report = user.report

    def late_and_twice(event: Any) -> None:
        for _ in range(chance.choice((1, 1, 2))):
            at_ns = stage.runtime.now_ns() + chance.randrange(200) * MS
            stage.runtime.call_at(at_ns, report, event)

    user.report = late_and_twice  # type: ignore[method-assign]
    stage.run(40)
    market.stand()
    stage.run(40)

    assert len(stage.said(OrderFilled)) > 5
    assert not checks.fills_told_twice(stage)
    assert not checks.overlaps(stage)
    assert not checks.book_differences(stage)
    assert not checks.differences(stage)


def test_a_deaf_private_stream_is_noticed_by_its_missing_echoes_and_replaced() -> None:
    stage = Stage(quick(policy={"spacing_bps": 20}))
    user = stage.world.venue.user
    report = user.report
    user.report = lambda *_: None  # type: ignore[method-assign]
    first = user.connection
    stage.run(12)
    user.report = report  # type: ignore[method-assign]
    stage.run(10)

    assert user.connection > first + 1
    checks.assert_all_well(stage)
