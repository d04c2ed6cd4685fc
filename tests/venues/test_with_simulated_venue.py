"""The ports against the simulated venue: what they say must fit what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import attrs
import pytest

from grinder.kernel.port import Port
from grinder.messages.market import (
    BookTicked,
    LiquidationPrinted,
    MarkPriced,
    OpenStream,
    StreamOpened,
)
from grinder.messages.venue import (
    AccountRead,
    AccountReported,
    CancelAnswered,
    CountdownAnswered,
    DepthRead,
    FundingRead,
    KeepUserStream,
    MarketStatsRead,
    OpenUserStream,
    OrderQueried,
    OrderReported,
    Outcome,
    PlaceAnswered,
    QueryOrder,
    Quiesce,
    Quiesced,
    ReadAccount,
    ReadDepth,
    ReadFunding,
    ReadMarketStats,
    ReadTrades,
    SetCountdown,
    TradesRead,
    UserStreamKept,
)
from grinder.model.order import OrderStatus, Side, TimeInForce
from grinder.model.settings import VenueSettings
from grinder.venues.binance import VenueFacts, load_venue
from grinder.venues.binance_requests import placement
from grinder.venues.binance_rest import BinanceRestPort
from grinder.venues.http import VenueHttp
from grinder.venues.signing import Credentials
from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.server import VenueServer
from grinder.venues.stream import BinanceStreamPort, BinanceUserStreamPort
from venues.fakes import TIMEOUT_S, FakeOutlet, cancel, entry, exit_order
from venues.scripts import BATCH

CREDENTIALS = Credentials(key="sim-key", secret="sim-secret")
SETTINGS = VenueSettings(place_timeout_ms=20_000, cancel_timeout_ms=20_000, read_timeout_ms=20_000)


@attrs.frozen(kw_only=True)
class World:
    server: VenueServer
    facts: VenueFacts
    rest: BinanceRestPort
    outlet: FakeOutlet
    ports: list[Port]

    def listen(self, port: Port) -> Port:
        port.open(self.outlet)
        self.ports.append(port)
        return port


@pytest.fixture(scope="module")
def server() -> Iterator[VenueServer]:
    server = VenueServer(VenueConfig(paused=True))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def world(server: VenueServer, outlet: FakeOutlet) -> Iterator[World]:
    server.control("reset")
    server.control(
        "quote", symbol="BTCUSDT", bid="61800.00", ask="61800.10", bid_qty="5", ask_qty="5"
    )
    facts = load_venue(server.rest_url, CREDENTIALS, ("BTCUSDT", "ETHUSDT"), SETTINGS)
    rest = BinanceRestPort(
        rest_url=server.rest_url,
        credentials=CREDENTIALS,
        clock=facts.clock,
        instruments=facts.instruments,
        settings=SETTINGS,
        weight_limit_1m=facts.weight_limit_1m,
    )
    world = World(server=server, facts=facts, rest=rest, outlet=outlet, ports=[])
    world.listen(rest)
    yield world
    for port in world.ports:
        port.close(TIMEOUT_S)


def test_an_order_lives_and_dies(world: World, outlet: FakeOutlet) -> None:
    rest, limit = world.rest, entry(outlet, "g-1", price_ticks=617_000)
    rest.receive(outlet.envelope(limit))
    (placed,) = outlet.wait(PlaceAnswered)
    rest.receive(outlet.envelope(QueryOrder(symbol="BTCUSDT", client_order_id="g-1")))
    (found,) = outlet.wait(OrderQueried)
    rest.receive(outlet.envelope(ReadAccount(token=1)))
    (account,) = outlet.wait(AccountRead)
    rest.receive(outlet.envelope(cancel("g-1")))
    rest.receive(outlet.envelope(QueryOrder(symbol="BTCUSDT", client_order_id="never")))
    (cancelled,) = outlet.wait(CancelAnswered)
    missing = outlet.wait(OrderQueried, 2)[1]
    rest.receive(outlet.envelope(cancel("g-1")))
    again = outlet.wait(CancelAnswered, 2)[1]

    assert (placed.outcome, placed.status) == (Outcome.DONE, OrderStatus.NEW)
    assert found.order is not None
    assert (found.order.order_id, found.order.price_ticks) == (placed.order_id, 617_000)
    assert [each.client_order_id for each in account.open_orders] == ["g-1"]
    assert account.wallet == 10_000
    assert (cancelled.outcome, cancelled.status) == (Outcome.DONE, OrderStatus.CANCELED)
    assert missing.order is None
    assert (again.outcome, again.code) == (Outcome.REFUSED, -2011)


def test_entries_by_fives_are_taken_and_refused_each_by_itself(
    world: World, outlet: FakeOutlet
) -> None:
    names = ("g-1", "g-2", "g-3", "g-4", "g-5", "g-6", "g-7")
    ladder = entry(outlet, *names, price_ticks=617_000)
    takes = attrs.evolve(ladder.orders[1], price_ticks=618_001)
    tiny = attrs.evolve(ladder.orders[3], qty_lots=0)
    orders = (ladder.orders[0], takes, ladder.orders[2], tiny, *ladder.orders[4:])
    world.server.control("refuse", operation="place", client_id="g-5", code=-2019, msg="no money")
    world.rest.receive(outlet.envelope(attrs.evolve(ladder, orders=orders)))
    answers = {each.client_order_id: each for each in outlet.wait(PlaceAnswered, 7)}
    world.rest.receive(outlet.envelope(ReadAccount(token=1)))
    (account,) = outlet.wait(AccountRead)
    resting = {each.client_order_id: each.order_id for each in account.open_orders}

    done = {name for name, each in answers.items() if each.outcome is Outcome.DONE}
    assert resting == {name: answers[name].order_id for name in done}
    assert done == {"g-1", "g-3", "g-6", "g-7"}
    refused = {name: answers[name].code for name in sorted(set(names) - done)}
    assert refused == {"g-2": -5022, "g-4": -4003, "g-5": -2019}
    assert {each.outcome for each in answers.values()} == {Outcome.DONE, Outcome.REFUSED}
    assert all(each.sent_ns for each in answers.values())
    assert answers["g-5"].text == "no money"


def test_entries_by_fives_count_as_what_they_are_and_in_a_minute_as_less(
    world: World, outlet: FakeOutlet
) -> None:
    ladder = entry(outlet, *"abcdefg", price_ticks=617_000)
    world.rest.receive(outlet.envelope(ladder))
    outlet.wait(PlaceAnswered, 7)
    counts: dict[str, str] = {}
    http = VenueHttp(
        world.server.rest_url,
        CREDENTIALS,
        world.facts.clock,
        connect_timeout_ms=20_000,
        read_timeout_ms=20_000,
    )
    http.on_headers = counts.update
    one_more = attrs.evolve(ladder.orders[0], client_order_id="h")
    http.call(placement(one_more, world.facts.instruments["BTCUSDT"]))
    http.release()

    # Less still where a window has turned meanwhile.
    assert 1 <= int(counts["X-MBX-ORDER-COUNT-10S"]) <= 7 + 1
    assert 1 <= int(counts["X-MBX-ORDER-COUNT-1M"]) <= 3 + 1


def cancelled_together(
    world: World, outlet: FakeOutlet, names: tuple[str, ...]
) -> dict[str, CancelAnswered]:
    """Return what is said of cancels that wait while the first ones are slow to arrive."""
    control = world.server.control
    slow = {"way": "in", "method": "DELETE", "path": "/fapi/v1/order", "ms": 500}
    control("delay", **slow)
    control("delay", **slow | {"path": BATCH, "distribution": "uniform", "ms": 0, "ms_max": 0})
    # One for each thread; those after them find no thread that is free.
    first = tuple(f"first-{number}" for number in range(SETTINGS.cancel_threads))
    for name in (*first, *names):
        world.rest.receive(outlet.envelope(cancel(name)))
    answers = outlet.wait(CancelAnswered, len(first) + len(names))
    assert BATCH in {path for _, _, path, _ in control("state")["delays"]}
    control("clear-faults")
    found = {each.client_order_id: each for each in answers}
    assert len(found) == len(answers)
    return found


def test_cancels_that_wait_are_carried_out_and_refused_each_by_itself(
    world: World, outlet: FakeOutlet
) -> None:
    names = ("g-1", "g-2", "g-3", "g-4", "g-5")
    world.rest.receive(outlet.envelope(entry(outlet, *names, price_ticks=617_000)))
    placed = {each.client_order_id: each.order_id for each in outlet.wait(PlaceAnswered, 5)}
    world.server.control("refuse", operation="cancel", client_id="g-4", code=-1102, msg="no")
    answers = cancelled_together(world, outlet, ("g-1", "never", "g-2", "g-3", "g-4"))
    world.rest.receive(outlet.envelope(ReadAccount(token=1)))
    (account,) = outlet.wait(AccountRead)

    assert {each.client_order_id for each in account.open_orders} == {"g-4", "g-5"}
    done = {name: each for name, each in answers.items() if each.outcome is Outcome.DONE}
    assert set(done) == {"g-1", "g-2", "g-3"}
    assert {each.status for each in done.values()} == {OrderStatus.CANCELED}
    assert {name: each.order_id for name, each in done.items()} == {
        name: placed[name] for name in done
    }
    assert (answers["g-4"].outcome, answers["g-4"].code) == (Outcome.REFUSED, -1102)
    assert (answers["never"].outcome, answers["never"].code) == (Outcome.REFUSED, -2011)


@pytest.mark.parametrize(
    ("fault", "outcome", "is_done"),
    [
        ("too-many-429", Outcome.REFUSED, False),
        ("overloaded-503", Outcome.REFUSED, False),
        ("unknown-503", Outcome.UNKNOWN, False),
        ("unknown-503-done", Outcome.UNKNOWN, True),
        ("lost-before", Outcome.UNKNOWN, False),
        ("lost", Outcome.UNKNOWN, True),
    ],
)
def test_a_fault_of_a_request_is_one_of_each_of_its_cancels_and_the_next_are_carried_out(
    world: World, outlet: FakeOutlet, fault: str, outcome: Outcome, is_done: bool
) -> None:
    names = ("g-1", "g-2", "g-3", "g-4", "g-5")
    world.rest.receive(outlet.envelope(entry(outlet, *names, price_ticks=617_000)))
    outlet.wait(PlaceAnswered, 5)
    world.server.control("fault", fault=fault, method="DELETE", path=BATCH, times=9)
    answers = cancelled_together(world, outlet, names)
    # One that found a thread free has gone alone.
    spoilt = [name for name in names if answers[name].outcome is not Outcome.DONE]
    for name in spoilt:
        world.rest.receive(outlet.envelope(cancel(name)))
    later = outlet.wait(CancelAnswered, len(answers) + len(spoilt))[len(answers) :]

    assert {answers[name].outcome for name in spoilt} == {outcome}
    assert {(each.outcome, each.code) for each in later} == {
        (Outcome.REFUSED, -2011) if is_done else (Outcome.DONE, 0)
    }


def test_a_post_only_order_that_would_take_is_refused(world: World, outlet: FakeOutlet) -> None:
    world.rest.receive(outlet.envelope(entry(outlet, price_ticks=618_001)))
    (answer,) = outlet.wait(PlaceAnswered)

    assert (answer.outcome, answer.code) == (Outcome.REFUSED, -5022)


def test_a_fill_and_an_exit_are_heard_and_read(world: World, outlet: FakeOutlet) -> None:
    private = world.listen(
        BinanceUserStreamPort(
            rest_url=world.server.rest_url,
            stream_url=world.server.ws_url,
            credentials=CREDENTIALS,
            clock=world.facts.clock,
            instruments=world.facts.instruments,
            settings=SETTINGS,
        )
    )
    private.receive(outlet.envelope(OpenUserStream(connection=1)))
    outlet.wait(StreamOpened)
    private.receive(outlet.envelope(KeepUserStream(connection=1)))
    (kept,) = outlet.wait(UserStreamKept)
    taker = entry(outlet, "g-2", price_ticks=618_010, time_in_force=TimeInForce.IOC)
    world.rest.receive(outlet.envelope(taker))
    (bought,) = outlet.wait(PlaceAnswered)
    world.rest.receive(outlet.envelope(exit_order(outlet)))
    sold = outlet.wait(PlaceAnswered, 2)[1]
    world.rest.receive(outlet.envelope(ReadTrades(symbol="BTCUSDT", from_id=0, since_ns=0)))
    (trades,) = outlet.wait(TradesRead)
    fills = [each for each in outlet.wait(OrderReported, 4) if each.trade_id]

    assert kept.outcome is Outcome.DONE
    assert (bought.status, bought.filled_lots) == (OrderStatus.FILLED, 10)
    assert (sold.status, sold.filled_lots) == (OrderStatus.FILLED, 10)
    assert [each.trade_id for each in fills] == [each.trade_id for each in trades.trades]
    assert [each.fee for each in fills] == [each.fee for each in trades.trades]
    assert outlet.wait(AccountReported, 2)[-1].positions[0].qty_lots == 0


def test_the_dead_man_switch_and_funding_and_quiet(world: World, outlet: FakeOutlet) -> None:
    world.rest.receive(outlet.envelope(SetCountdown(symbol="BTCUSDT", countdown_ms=30_000)))
    world.rest.receive(outlet.envelope(SetCountdown(symbol="BTCUSDT", countdown_ms=0)))
    world.rest.receive(outlet.envelope(ReadFunding(since_ns=0)))
    world.rest.receive(outlet.envelope(Quiesce(token=3)))

    assert [each.outcome for each in outlet.wait(CountdownAnswered, 2)] == [Outcome.DONE] * 2
    assert outlet.wait(FundingRead) == [FundingRead(payments=())]
    assert outlet.wait(Quiesced) == [Quiesced(token=3)]


def test_market_data_is_heard_on_both_routes(world: World, outlet: FakeOutlet) -> None:
    for stream in ("public", "market"):
        port = BinanceStreamPort(
            stream=stream,
            stream_url=world.server.ws_url,
            instruments=world.facts.instruments,
            settings=SETTINGS,
        )
        world.listen(port).receive(outlet.envelope(OpenStream(connection=1)))
    outlet.wait(StreamOpened, 2)
    world.server.control(
        "quote", symbol="BTCUSDT", bid="61700.00", ask="61700.10", bid_qty="3", ask_qty="4"
    )

    heard = outlet.wait(BookTicked)[-1]
    assert heard.symbol == "BTCUSDT"
    assert outlet.wait(MarkPriced)


def test_the_book_and_the_days_figures_are_read(world: World, outlet: FakeOutlet) -> None:
    rest, control = world.rest, world.server.control
    control("trade", symbol="BTCUSDT", price="61800.10", qty="0.5")
    rest.receive(outlet.envelope(ReadDepth(symbol="BTCUSDT", token=4)))
    rest.receive(outlet.envelope(ReadMarketStats(symbol="BTCUSDT", token=5)))
    (depth,) = outlet.wait(DepthRead)
    (stats,) = outlet.wait(MarketStatsRead)

    assert (depth.symbol, depth.token, stats.token) == ("BTCUSDT", 4, 5)
    assert (depth.bids[0], depth.asks[0]) == ((618_000, 5_000), (618_001, 5_000))
    assert list(depth.bids) == sorted(depth.bids, reverse=True)
    assert depth.last_id >= control("state")["markets"]["BTCUSDT"]["update_id"] - 1
    assert stats.trades_24h >= 1
    assert stats.volume_24h >= Decimal("30900.05")
    assert stats.open_interest == 0


def test_a_liquidation_is_heard_on_the_market_route(world: World, outlet: FakeOutlet) -> None:
    port = world.listen(
        BinanceStreamPort(
            stream="market",
            stream_url=world.server.ws_url,
            instruments=world.facts.instruments,
            settings=SETTINGS,
        )
    )
    port.receive(outlet.envelope(OpenStream(connection=3)))
    outlet.wait(StreamOpened)
    world.server.control("liquidation", symbol="ETHUSDT", side="BUY", price="3000.01", qty="2")
    (printed,) = outlet.wait(LiquidationPrinted)

    assert (printed.symbol, printed.side, printed.connection) == ("ETHUSDT", Side.BUY, 3)
    assert (printed.price_ticks, printed.qty_lots) == (300_001, 2_000)
