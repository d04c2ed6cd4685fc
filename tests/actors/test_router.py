"""What the router makes of one approval, handled by itself."""

from __future__ import annotations

from decimal import Decimal

import attrs

from execution.orders import ended
from grinder.actors.router import RouterActor
from grinder.execution.identity import IdentityScheme
from grinder.kernel.message import Lane, Message
from grinder.messages.grid import Intent, IntentAction, IntentsApproved, IntentsDenied
from grinder.messages.orders import CancelOrder, PlaceOrders
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.permit import Permit
from grinder.model.settings import RouterSettings

BTC = Instrument(
    symbol="BTCUSDT",
    base_asset="BTC",
    tick=Decimal(1),
    lot=Decimal(1),
    qty_lots_max=9,
    orders_max=5,
)
PERMIT = Permit(serial=1, state="ACTIVE", epoch=2, deadline_ns=2_000)
ENTRY = Intent(
    action=IntentAction.PLACE,
    level="b1",
    side=Side.BUY,
    price_ticks=100,
    qty_lots=4,
    reason="GRID_FILL",
)
EXIT = attrs.evolve(ENTRY, side=Side.SELL, reduce_only=True, level="x0", reason="TP_CLOSE")
CANCEL = attrs.evolve(ENTRY, action=IntentAction.CANCEL, client_order_id="old")


class Router(RouterActor):
    """A router whose words are looked at instead of sent."""

    def __init__(self, **limits: int) -> None:
        super().__init__(
            attrs.evolve(RouterSettings(), **limits),
            {"BTCUSDT": BTC},
            IdentityScheme(("BTCUSDT",), nonce=1_700_000_000),
        )
        self.now_ns = 1_000
        self.generation = 1
        self._outbox = []

    def heard(self, *intents: Intent) -> list[Message]:
        self.on_intents_approved(
            IntentsApproved(
                symbol="BTCUSDT", intents=intents, permit=PERMIT, mid_ticks2=202, tick_ns=77
            )
        )
        said = [message for _, message in self._outbox]
        self._outbox.clear()
        return said


def entries(count: int) -> list[Intent]:
    return [attrs.evolve(ENTRY, level=f"b{number}") for number in range(1, count + 1)]


def test_entries_are_one_command_and_exits_another_that_overtakes_it() -> None:
    cancel, exits, placed = Router().heard(CANCEL, EXIT, *entries(3))

    assert isinstance(cancel, CancelOrder)
    assert isinstance(exits, PlaceOrders)
    assert isinstance(placed, PlaceOrders)
    assert (cancel.client_order_id, cancel.lane) == ("old", Lane.URGENT)
    assert ([one.level for one in exits.orders], exits.permit) == (["x0"], None)
    assert (exits.lane, placed.lane) == (Lane.URGENT, Lane.NORMAL)
    assert [one.level for one in placed.orders] == ["b1", "b2", "b3"]
    assert (placed.permit, placed.tick_ns) == (PERMIT, 77)
    names = [one.client_order_id for one in (*exits.orders, *placed.orders)]
    assert len(set(names)) == 4


def test_what_the_filters_find_is_denied_and_the_others_go() -> None:
    first, second, third = entries(3)
    placed, denied = Router().heard(first, attrs.evolve(second, qty_lots=10), third)

    assert isinstance(placed, PlaceOrders)
    assert isinstance(denied, IntentsDenied)
    assert [one.level for one in placed.orders] == ["b1", "b3"]
    assert [(one.level, one.code) for one in denied.denials] == [("b2", "FILTER_VIOLATION_MAX_QTY")]


def test_the_budget_is_taken_from_for_each_order_and_the_last_ones_wait() -> None:
    router = Router(orders_10s_max=3)
    exits, placed, denied = router.heard(EXIT, *entries(4))

    assert isinstance(exits, PlaceOrders)
    assert isinstance(placed, PlaceOrders)
    assert isinstance(denied, IntentsDenied)
    assert [one.level for one in placed.orders] == ["b1", "b2"]
    assert [(one.level, one.code) for one in denied.denials] == [
        ("b3", "RATE_LIMIT_THROTTLE"),
        ("b4", "RATE_LIMIT_THROTTLE"),
    ]


def test_an_order_counts_as_open_from_its_name_to_its_end() -> None:
    router = Router()
    (placed,) = router.heard(*entries(4))
    assert isinstance(placed, PlaceOrders)
    more, denied = router.heard(*entries(2))
    assert isinstance(more, PlaceOrders)
    assert isinstance(denied, IntentsDenied)
    assert [one.code for one in denied.denials] == ["MAX_OPEN_ORDERS"]
    router.on_order_gone(ended(placed.orders[0].client_order_id))

    (again,) = router.heard(ENTRY)
    assert isinstance(again, PlaceOrders)
