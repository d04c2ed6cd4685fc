"""Conditional orders: what is refused, what triggers them, and what becomes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from grinder.model.order import OrderStatus, PositionSide, Side, TimeInForce
from grinder.simulation.algo import Algo, AlgoStatus, AlgoType, NewAlgo, WorkingType
from grinder.simulation.external import FAR
from grinder.simulation.orders import PriceMatch
from grinder.simulation.reports import AlgoReport

if TYPE_CHECKING:
    from simulation.conftest import Venue

MARK = WorkingType.MARK_PRICE
GOOD = NewAlgo(
    symbol="BTCUSDT",
    side=Side.SELL,
    type=AlgoType.STOP_MARKET,
    qty=Decimal("0.10"),
    trigger_price=Decimal("99.0"),
)
TRAILING: dict[str, Any] = {
    "type": AlgoType.TRAILING_STOP_MARKET,
    "trigger_price": None,
    "callback_rate": Decimal(1),
}


def place(venue: Venue, **changes: Any) -> Algo:
    return venue.exchange.place_algo("ann", attrs.evolve(GOOD, **changes), venue.now_ms)


def see(venue: Venue, algo: Algo) -> Algo:
    return venue.exchange.algo("ann", algo_id=algo.algo_id)


def is_waiting(venue: Venue, algo: Algo) -> bool:
    return see(venue, algo).status is AlgoStatus.NEW


REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"symbol": "NOSUCH"}, -1121),
    ({"trigger_price": None}, -1102),
    ({"qty": None}, -1102),
    ({"price": Decimal(99)}, -1106),
    ({"type": AlgoType.STOP}, -1102),
    ({"callback_rate": Decimal(1)}, -1106),
    ({"activate_price": Decimal(110)}, -1106),
    ({"price_match": PriceMatch.QUEUE}, -5038),
    ({"trigger_price": Decimal("99.05")}, -4014),
    ({"qty": Decimal("0.001")}, -1111),
    ({"qty": Decimal("0.01")}, -4004),
    ({"trigger_price": Decimal("100.0")}, -2021),
    ({"side": Side.BUY}, -2021),
    ({"type": AlgoType.TAKE_PROFIT_MARKET}, -2021),
    ({"close_position": True}, -4137),
    ({"close_position": True, "qty": None, "reduce_only": True}, -1106),
    ({"type": AlgoType.STOP, "price": Decimal(99), "close_position": True, "qty": None}, -1106),
    ({"position_side": PositionSide.LONG}, -4061),
    ({"client_algo_id": "a b"}, -4015),
    ({"good_till_ms": 1}, -1106),
    ({"time_in_force": TimeInForce.GTD, "good_till_ms": 2_000}, -5040),
    (TRAILING | {"callback_rate": Decimal("0.05")}, -1102),
    (TRAILING | {"callback_rate": None}, -1102),
    (TRAILING | {"activate_price": Decimal("99.0")}, -2021),
]


@pytest.mark.parametrize(("changes", "code"), REFUSED)
def test_conditional_order_is_refused_without_a_trace(
    venue: Venue, changes: dict[str, Any], code: int
) -> None:
    refusal = venue.refusal(lambda: place(venue, **changes))

    assert refusal.code == code
    assert venue.exchange.open_algos("ann") == ()


def test_client_ids_and_close_position_are_unique_among_those_that_wait(venue: Venue) -> None:
    first = place(venue, client_algo_id="mine", close_position=True, qty=None)

    same_id = venue.refusal(lambda: place(venue, client_algo_id="mine"))
    twin = venue.refusal(lambda: place(venue, close_position=True, qty=None))
    place(
        venue,
        close_position=True,
        qty=None,
        type=AlgoType.TAKE_PROFIT_MARKET,
        trigger_price=Decimal(110),
    )
    venue.exchange.cancel_algo("ann", algo_id=first.algo_id, now_ms=1_000)
    again = place(venue, client_algo_id="mine", close_position=True, qty=None)

    assert [same_id.code, twin.code, again.status] == [-4116, -4130, AlgoStatus.NEW]
    assert venue.exchange.algo("ann", client_algo_id="mine") == again


def test_two_hundred_may_wait(venue: Venue) -> None:
    for _ in range(200):
        place(venue)

    assert venue.refusal(lambda: place(venue)).code == -4045
    assert venue.exchange.cancel_algos("ann", "BTCUSDT", 1_000) == 200
    assert venue.exchange.open_algos("ann", "BTCUSDT") == ()
    assert len(venue.exchange.algos("ann", "BTCUSDT")) == 200


def test_unknown_ones_have_the_codes_of_orders(venue: Venue) -> None:
    exchange, algo = venue.exchange, place(venue)
    exchange.cancel_algo("ann", algo_id=algo.algo_id, now_ms=1_000)

    second = venue.refusal(lambda: exchange.cancel_algo("ann", algo_id=algo.algo_id, now_ms=1_000))
    unknown = venue.refusal(lambda: exchange.algo("ann", client_algo_id="nobody"))
    nameless = venue.refusal(lambda: exchange.algo("ann"))

    assert [second.code, unknown.code, nameless.code] == [-2011, -2013, -1102]
    assert see(venue, algo).status is AlgoStatus.CANCELED


TRIGGERS: list[tuple[dict[str, Any], str, bool]] = [
    ({}, "trade 990", True),
    ({}, "trade 991", False),
    ({}, "mark 98", False),
    ({}, "quote 988 990", True),
    ({}, "quote 989 991", False),
    ({"working_type": MARK}, "mark 99", True),
    ({"working_type": MARK}, "trade 990", False),
    ({"side": Side.BUY, "trigger_price": Decimal(101)}, "trade 1010", True),
    ({"side": Side.BUY, "trigger_price": Decimal(101)}, "quote 1010 1012", True),
    ({"side": Side.BUY, "trigger_price": Decimal(101)}, "quote 1009 1010", False),
    ({"type": AlgoType.TAKE_PROFIT_MARKET, "trigger_price": Decimal(101)}, "trade 1010", True),
    ({"type": AlgoType.TAKE_PROFIT_MARKET, "side": Side.BUY}, "trade 990", True),
    ({"type": AlgoType.TAKE_PROFIT_MARKET, "side": Side.BUY}, "trade 1010", False),
]


@pytest.mark.parametrize(("changes", "event", "triggers"), TRIGGERS)
def test_price_of_the_working_type_triggers(
    venue: Venue, changes: dict[str, Any], event: str, triggers: bool
) -> None:
    algo = place(venue, **changes)
    kind, *prices = event.split()

    if kind == "trade":
        venue.sold(int(prices[0]), 1)
    elif kind == "mark":
        venue.mark(prices[0])
    else:
        venue.quote(int(prices[0]), 10, int(prices[1]), 10)

    assert is_waiting(venue, algo) is not triggers
    if triggers:
        order = see(venue, algo).order
        assert order is not None
        assert (order.status, order.client_order_id) == (OrderStatus.FILLED, algo.client_algo_id)
        assert see(venue, algo).status is AlgoStatus.FINISHED


def test_limit_stop_rests_and_finishes_with_its_order(venue: Venue) -> None:
    algo = place(venue, type=AlgoType.STOP, price=Decimal("100.5"), time_in_force=TimeInForce.GTC)
    venue.exchange.drain()
    venue.sold(990, 1)

    order = see(venue, algo).order
    assert order is not None
    assert (see(venue, algo).status, order.status) == (AlgoStatus.TRIGGERED, OrderStatus.NEW)
    venue.bought(1006, 10)

    told = [event.algo for event in venue.exchange.drain() if isinstance(event, AlgoReport)]
    assert [each.status for each in told] == ["TRIGGERING", "TRIGGERED", "FINISHED"]
    assert told[-1].order is not None
    assert told[-1].order.filled_lots == 10
    assert venue.exchange.open_algos("ann") == ()


def test_close_position_takes_what_is_there_and_expires_without_a_position(venue: Venue) -> None:
    venue.buy(None, 7)
    closing = place(venue, close_position=True, qty=None)
    venue.quote(985, 10, 988, 10)

    again = place(venue, close_position=True, qty=None, trigger_price=Decimal(97))
    venue.quote(960, 10, 965, 10)

    assert venue.held() == 0
    assert see(venue, closing).status is AlgoStatus.FINISHED
    assert see(venue, again).status is AlgoStatus.EXPIRED


def test_what_cannot_be_placed_when_it_triggers_is_rejected(venue: Venue) -> None:
    algo = place(venue, reduce_only=True)

    venue.sold(990, 1)

    assert see(venue, algo).status is AlgoStatus.REJECTED
    assert venue.exchange.orders("ann", "BTCUSDT") == ()


def test_trailing_stop_follows_the_price_and_triggers_when_it_turns_back(venue: Venue) -> None:
    algo = place(venue, **TRAILING)

    for ticks in (1002, 1050, 1040):
        venue.quote(ticks, 10, ticks + 1, 10)
        assert is_waiting(venue, algo)
    venue.quote(1038, 10, 1039, 10)

    assert not is_waiting(venue, algo)


def test_trailing_stop_waits_for_its_activation_price(venue: Venue) -> None:
    algo = place(venue, side=Side.BUY, **TRAILING | {"activate_price": Decimal(90)})

    for ticks in (950, 1000, 900, 908):
        venue.bought(ticks, 1)
        venue.quote(ticks - 1, 10, ticks, 10)
        assert is_waiting(venue, algo)
    venue.quote(909, 10, 911, 10)

    assert not is_waiting(venue, algo)


def test_one_trigger_may_set_off_the_next(venue: Venue) -> None:
    venue.buy(980, 10, account="bob")
    venue.quote(995, 5, 1002, 10)
    first = place(venue, trigger_price=Decimal("99.4"), qty=Decimal("0.15"))
    second = place(venue, trigger_price=Decimal("98.0"), qty=Decimal("0.10"))

    venue.sold(994, 1)

    assert see(venue, first).status is AlgoStatus.FINISHED
    assert not is_waiting(venue, second)


def test_a_quote_wakes_nobody_when_nothing_waits(venue: Venue) -> None:
    book = venue.exchange._books["BTCUSDT"]
    algo = place(venue)
    assert (book.bids.wake, book.asks.wake) == (-990, FAR)

    venue.exchange.cancel_algo("ann", algo_id=algo.algo_id, now_ms=1_000)

    assert (book.bids.wake, book.asks.wake) == (FAR, FAR)


@pytest.mark.parametrize(
    ("last", "status"), [(954, AlgoStatus.FINISHED), (950, AlgoStatus.FINISHED), (949, "EXPIRED")]
)
def test_price_protection_allows_a_bounded_distance_from_the_mark(
    venue: Venue, last: int, status: str
) -> None:
    venue.mark("100")
    algo = place(venue, price_protect=True)

    venue.sold(last, 1)

    assert see(venue, algo).status == status


def test_price_protection_counts_for_a_mark_that_runs_away(venue: Venue) -> None:
    venue.mark("100")
    algo = place(venue, price_protect=True, working_type=MARK)

    venue.mark("94")

    assert (see(venue, algo).status, see(venue, algo).triggered_ms) == (AlgoStatus.EXPIRED, 1_000)
