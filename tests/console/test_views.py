"""The state view keeps the last of everything, in bounded room."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs
import pytest

from console import said
from console.said import INSTRUMENTS, NOW, Clock, S
from grinder.console.ordersview import OPEN_ORDERS_MAX
from grinder.console.samples import SAMPLES_MAX, MinuteRate, percentiles_us
from grinder.console.symbolview import DENIALS_MAX
from grinder.console.views import TRANSITIONS_MAX, StateView
from grinder.kernel.message import Message
from grinder.kernel.signals import ActorFailed, ActorRestarted, ExitReason
from grinder.messages.account import MismatchDetected, PositionChanged
from grinder.messages.control import LeadershipGained, LeadershipLost
from grinder.messages.grid import IntentsDenied
from grinder.messages.journal import JournalHealthChanged, JournalReported
from grinder.messages.market import FeedHealthChanged, StreamKind
from grinder.messages.orders import OrdersSynced
from grinder.messages.risk import (
    KillSwitchTripped,
    ResetKillSwitch,
    StopPosition,
    WindDownCompleted,
    WindDownStarted,
)
from grinder.model.legs import HEDGE, legs_of
from grinder.model.order import OpenOrder, Side


class Watched:
    def __init__(self) -> None:
        self.clock = Clock()
        self.view = StateView(INSTRUMENTS, now_ns=self.clock)

    def hear(self, *messages: Message, at_ns: int = NOW) -> None:
        for message in messages:
            self.view.observe("anybody", at_ns, message)

    @property
    def seen(self) -> dict[str, Any]:
        return self.view.snapshot()

    @property
    def btc(self) -> dict[str, Any]:
        symbol: dict[str, Any] = self.seen["symbols"]["BTCUSDT"]
        return symbol


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_fresh_view_is_json(watched: Watched) -> None:
    seen = json.loads(json.dumps(watched.seen))

    assert seen["state"] == "INIT"
    assert seen["leadership"]["is_leader"] is False
    assert seen["symbols"] == {}


def test_a_tick_said_by_port_and_feed_counts_once(watched: Watched) -> None:
    watched.hear(said.ticked(1), said.ticked(2), said.ticked(1), said.ticked(2), said.ticked(3))

    assert watched.seen["ticks"] == watched.btc["ticks"] == 3


def test_both_legs_of_a_market_show_its_book_and_a_tick_counts_once() -> None:
    view = StateView(legs_of(INSTRUMENTS, HEDGE), now_ns=Clock())
    for update_id in (1, 2):
        view.observe("feed", NOW, said.ticked(update_id))
    paid = attrs.evolve(said.ledger(), symbol="BTCUSDT", position_lots=0)
    view.observe("ledger", NOW, paid)
    seen = view.snapshot()

    assert seen["ticks"] == 2
    for leg in ("BTCUSDT:LONG", "BTCUSDT:SHORT"):
        assert seen["symbols"][leg]["bid"] == "60000.00"
    # What is of the market alone has a row of its own.
    assert seen["symbols"]["BTCUSDT"]["position"] == "0.000"
    assert seen["pnl"]["funding"] == seen["symbols"]["BTCUSDT"]["pnl"]["funding"]


def test_a_new_connection_may_begin_its_ids_again(watched: Watched) -> None:
    watched.hear(said.ticked(100, connection=1), said.ticked(5, connection=2))

    assert watched.seen["ticks"] == 2


def test_prices_are_exact_text(watched: Watched) -> None:
    watched.hear(said.ticked(), said.planned(), said.ledger())

    assert watched.btc["mid"] == "60000.05"
    assert watched.btc["spread"] == "0.10"
    assert watched.btc["ladder"]["bids"][0] == "59970.00"
    assert watched.btc["pnl"] == {
        "grid": "1.5",
        "inventory": "0.00000001",
        "fees": "0.01198",
        "funding": "-0.25",
    }


def test_a_symbol_without_an_instrument_is_told_in_ticks(watched: Watched) -> None:
    watched.hear(said.ticked(symbol="ETHUSDT"))

    assert watched.seen["symbols"]["ETHUSDT"]["bid"] == "600000 ticks"
    assert watched.seen["symbols"]["ETHUSDT"]["mid"] is None


def test_totals_add_up_over_symbols(watched: Watched) -> None:
    watched.hear(said.ledger(), said.ledger(symbol="ETHUSDT"), said.ledger())

    assert watched.seen["pnl"]["grid"] == "3.0"
    assert watched.seen["pnl"]["fees"] == "0.02396"


def test_an_order_rests_fills_and_ends(watched: Watched) -> None:
    watched.hear(said.submitted(), said.accepted(), said.filled())

    (order,) = watched.seen["open_orders"]
    assert (order["price"], order["remaining"], order["level"]) == ("59900.00", "0.003", "b1")

    watched.hear(said.ended())

    assert watched.seen["open_orders"] == []
    orders = watched.seen["orders"]
    assert (orders["placed"], orders["fills"], orders["cancelled"]) == (1, 1, 1)
    assert (watched.btc["orders_placed"], watched.btc["cancels"]) == (1, 1)


def test_orders_submitted_together_count_each(watched: Watched) -> None:
    watched.hear(said.submitted("o1", "o2", "o3"))

    assert watched.seen["orders"]["placed"] == watched.btc["orders_placed"] == 3
    assert watched.seen["orders_per_minute"] == 3


def test_a_fill_that_is_told_again_counts_once(watched: Watched) -> None:
    watched.hear(said.submitted(), said.accepted(), said.filled(), said.filled())

    assert watched.seen["orders"]["fills"] == 1
    assert watched.btc["fills"] == 1


def test_a_sync_replaces_what_rests_of_its_symbol_and_keeps_known_levels(watched: Watched) -> None:
    watched.hear(said.accepted("o1"), said.accepted("o2"))
    rests = [
        OpenOrder(
            symbol="BTCUSDT",
            client_order_id=name,
            order_id=1,
            side=Side.SELL,
            price_ticks=600_100,
            qty_lots=2,
        )
        for name in ("o2", "o3")
    ]
    watched.hear(
        OrdersSynced(
            symbol="BTCUSDT",
            orders=tuple(rests),
            position_lots=-5,
            entry_price=Decimal("60000"),
            is_stream_live=True,
        )
    )

    levels = {one["client_order_id"]: one["level"] for one in watched.seen["open_orders"]}
    assert levels == {"o2": "b1", "o3": ""}
    assert watched.btc["position"] == "-0.005"


def test_open_orders_are_bounded_and_say_what_they_forgot(watched: Watched) -> None:
    watched.hear(*(said.accepted(f"o{number}") for number in range(OPEN_ORDERS_MAX + 3)))

    assert len(watched.seen["open_orders"]) == OPEN_ORDERS_MAX
    assert watched.seen["open_orders_forgotten"] == 3


def test_position_follows_the_venue(watched: Watched) -> None:
    watched.hear(
        PositionChanged(
            symbol="BTCUSDT",
            qty_lots=7,
            entry_price=Decimal("59900.5"),
            unrealized_pnl=Decimal(0),
            event_ns=NOW,
        )
    )

    assert (watched.btc["position"], watched.btc["entry_price"]) == ("0.007", "59900.5")


def test_lifecycle_is_told_in_order_and_bounded(watched: Watched) -> None:
    watched.hear(said.moved("INIT", "INIT", "RESTARTED"), said.moved("INIT", "READY", "HEALTH_OK"))
    for _ in range(40):
        watched.hear(said.moved("READY", "ACTIVE"), said.moved("ACTIVE", "READY"))

    assert watched.seen["states"][:3] == ["INIT", "READY", "ACTIVE"]
    assert watched.seen["transition_count"] == 81
    assert len(watched.seen["transitions"]) == TRANSITIONS_MAX
    assert watched.seen["transitions"][-1] == {
        "at_ns": NOW,
        "from": "ACTIVE",
        "to": "READY",
        "reason": "FEEDS_READY",
    }


def test_leadership_ends_at_its_deadline_even_if_nobody_says_so(watched: Watched) -> None:
    watched.hear(LeadershipGained(epoch=3, deadline_ns=NOW + S))
    assert watched.view.is_leading()

    watched.clock.ns += S
    assert not watched.view.is_leading()
    assert watched.seen["leadership"] == {"is_leader": False, "epoch": 3, "reason": ""}

    watched.hear(
        LeadershipGained(epoch=4, deadline_ns=NOW + 9 * S), LeadershipLost(epoch=4, reason="gone")
    )
    assert watched.seen["leadership"] == {"is_leader": False, "epoch": 4, "reason": "gone"}


def test_kill_switch_shows_until_a_named_operator_opens_it(watched: Watched) -> None:
    watched.hear(KillSwitchTripped(reason="MANUAL", detail="drill"))
    assert watched.seen["kill_switch"]["reason"] == "MANUAL"

    watched.hear(ResetKillSwitch(operator="ada"))
    assert watched.seen["kill_switch"]["is_tripped"] is False


def test_denials_are_counted_by_code_within_bounds(watched: Watched) -> None:
    watched.hear(IntentsDenied(symbol="BTCUSDT", denials=(said.denial(), said.denial())))
    for number in range(DENIALS_MAX + 5):
        watched.hear(IntentsDenied(symbol="BTCUSDT", denials=(said.denial(f"C{number}"),)))

    assert watched.btc["denials"]["MAX_POSITION"] == 2
    assert watched.btc["denials"]["other"] == 6
    assert len(watched.btc["denials"]) == DENIALS_MAX + 1
    assert watched.btc["last_denials"][0]["side"] == "BUY"


def test_stale_streams_come_and_go(watched: Watched) -> None:
    def health(is_stale: bool) -> FeedHealthChanged:
        return FeedHealthChanged(
            symbol="BTCUSDT", stream=StreamKind.DEPTH, is_stale=is_stale, age_ns=S
        )

    watched.hear(health(True))
    assert watched.seen["stale_streams"] == ["BTCUSDT depth"]

    watched.hear(health(False))
    assert watched.seen["stale_streams"] == []


def test_failures_restarts_and_mismatches_are_remembered(watched: Watched) -> None:
    watched.hear(
        ActorFailed(actor="feed", generation=1, reason=ExitReason.ERROR, detail="x" * 1_000),
        ActorRestarted(actor="feed", generation=2, restarts=1),
        MismatchDetected(
            kind="POSITION_MISMATCH",
            symbol="BTCUSDT",
            client_order_id="",
            expected="1",
            observed="0",
        ),
    )

    assert watched.seen["restarts"] == {"feed": 1}
    assert len(watched.seen["failures"][0]["detail"]) == 500
    assert watched.seen["mismatches"][0]["kind"] == "POSITION_MISMATCH"
    json.dumps(watched.seen)


def test_latencies_need_a_tick_behind_them_and_are_bounded(watched: Watched) -> None:
    watched.hear(said.proposed(0), said.answered(0), said.answered(NOW, 0))
    assert watched.view.latencies_ns() == ((), ())

    for number in range(SAMPLES_MAX + 10):
        watched.hear(said.proposed(NOW), at_ns=NOW + number)
    watched.hear(said.answered(NOW + 900))

    to_intent, to_wire = watched.view.latencies_ns()
    assert len(to_intent) == SAMPLES_MAX
    assert to_intent[-1] == SAMPLES_MAX + 9
    assert to_wire == (900,)
    assert watched.seen["latency_samples"]["tick_to_intent"] == SAMPLES_MAX + 10


def test_percentiles_are_nearest_rank_in_microseconds() -> None:
    assert percentiles_us(range(1_000, 101_000, 1_000)) == {
        "p50": 50.0,
        "p99": 99.0,
        "max": 100.0,
        "samples": 100,
    }
    assert percentiles_us([7_000])["p50"] == 7.0
    assert percentiles_us([])["p50"] is None


def test_orders_per_minute_forget_what_is_older() -> None:
    rate = MinuteRate()
    for second in range(120):
        rate.add(NOW + second * S)
        rate.add(NOW + second * S)

    assert rate.per_minute(NOW + 119 * S) == 120
    assert rate.per_minute(NOW + 149 * S) == 60
    assert rate.per_minute(NOW + 500 * S) == 0


def test_the_end_is_remembered(watched: Watched) -> None:
    assert watched.seen["stop"]["open_orders"] is None

    watched.hear(
        WindDownStarted(position=StopPosition.FLATTEN),
        WindDownCompleted(
            open_orders=0, positions=(("BTCUSDT", "0.001"),), is_confirmed=True, detail=""
        ),
    )

    assert watched.seen["stop"] == {
        "position": "flatten",
        "confirmed": True,
        "open_orders": 0,
        "positions": {"BTCUSDT": "0.001"},
        "detail": "",
    }


def test_the_journal_is_part_of_the_picture_once_there_is_one(watched: Watched) -> None:
    assert watched.seen["journal"] is None

    watched.hear(
        JournalReported(
            is_written=True, pending=2, lag_ns=7_000_000, records=9, bytes=99, lost=0, detail=""
        ),
        JournalHealthChanged(is_healthy=False, detail="2 records wait"),
    )

    assert watched.seen["journal"] == {
        "is_healthy": False,
        "detail": "2 records wait",
        "records": 9,
        "bytes": 99,
        "pending": 2,
        "lag_ms": 7,
        "lost": 0,
    }
