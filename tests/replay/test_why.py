"""Every order has a reason, and the reason begins in the market."""

from __future__ import annotations

import pytest

from grinder.errors import JournalError
from grinder.journal.reading import JournalReader
from grinder.messages.codec import CODEC
from grinder.messages.grid import IntentsProposed, PlanChosen
from grinder.messages.market import BookTicked
from grinder.messages.orders import CancelOrder, OrderFilled, PlaceOrders
from grinder.messages.risk import TripKillSwitch
from grinder.replay.lines import line_of
from grinder.replay.why import explain, refusals
from simulated.recorded import RecordWorld
from simulated.worlds import Stage


def names_in(stage: Stage) -> list[str]:
    said = stage.said(PlaceOrders, sender="router")
    return [order.client_order_id for one in said for order in one.orders]


def test_every_order_goes_back_to_a_quote(record_world: RecordWorld) -> None:
    names: list[str] = []
    directory = record_world(seconds=40, during=lambda stage: names.extend(names_in(stage)))

    assert len(names) > 6
    for name in names[:: max(1, len(names) // 10)]:
        found = explain(directory, None, name, CODEC)

        placement = found.chains[-1]
        assert isinstance(placement[0].body, PlaceOrders)
        assert any(isinstance(link.body, IntentsProposed) for link in placement)
        assert isinstance(placement[-1].body, BookTicked)
        assert placement[-1].sender.startswith("port.")
        assert name in line_of(found.life[-1], 0)


def test_a_fill_and_a_cancel_are_part_of_the_life(record_world: RecordWorld) -> None:
    stages: list[Stage] = []
    directory = record_world(seconds=60, during=stages.append)
    filled = stages[0].said(OrderFilled)[0].client_order_id
    cancelled = stages[0].said(CancelOrder, sender="router")[0].client_order_id

    life = [type(link.body).__name__ for link in explain(directory, None, filled, CODEC).life]
    assert "OrderFilled" in life
    chains = explain(directory, None, cancelled, CODEC).chains
    assert {type(one[0].body) for one in chains} == {PlaceOrders, CancelOrder}


def test_the_plan_that_was_followed_is_told(record_world: RecordWorld) -> None:
    stages: list[Stage] = []
    directory = record_world(seconds=60, during=stages.append)
    cancelled = stages[0].said(CancelOrder, sender="router")[-1].client_order_id

    found = explain(directory, None, cancelled, CODEC)

    assert len(found.plans) == len(found.chains)
    for plan, causes in zip(found.plans, found.chains, strict=True):
        assert plan is not None
        assert isinstance(plan.body, PlanChosen)
        proposed = next(one for one in causes if isinstance(one.body, IntentsProposed))
        assert plan.seq < proposed.seq


def test_refusals_are_counted_by_reason(record_world: RecordWorld) -> None:
    def kill(stage: Stage) -> None:
        stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="a drill"))
        stage.run(5)

    directory = record_world(seconds=10, during=kill)

    found = refusals(directory, None, "", CODEC)
    assert all(one.count > 0 and one.code for one in found)
    assert refusals(directory, None, "NONESUCH", CODEC) == ()


def test_an_order_that_nobody_knows_is_told(record_world: RecordWorld) -> None:
    directory = record_world(seconds=2)

    with pytest.raises(JournalError, match="no order called"):
        explain(directory, None, "nobody", CODEC)
    assert JournalReader(directory).run == 1
