"""What the load on the venue rests on, without a clock: nothing piles up and nothing is lost."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from grinder.bench.heard import Chain, Heard
from grinder.bench.orderflow import ACCOUNTS, RESTING_MAX, SYMBOLS, OrderFlow
from grinder.bench.streams import QUOTES_PER_S, recorded
from grinder.bench.streams import SYMBOLS as QUOTED
from grinder.bench.venue_child import KEY, SECRET
from grinder.bench.venue_process import LIFTED
from grinder.simulation import account, ordertable
from grinder.simulation.market import Quote
from grinder.simulation.recording import looped
from grinder.venues.sim import catalog, orderlog, rest_trade, tape
from grinder.venues.sim.config import AccountSeed, Limits, VenueConfig
from grinder.venues.sim.rest import Request, answered
from grinder.venues.sim.server import VenueServer
from grinder.venues.sim.venue import Venue
from venue.clients import Stream

KEPT = 40
"""Rows of each table of the past, in these tests."""
NOISE = 60
"""Objects that may come and go between two looks, far fewer than there are orders."""
CLIENTS = 10
QUOTES = 100


@pytest.fixture
def small_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "CLOSED_ORDERS_MAX", KEPT)
    monkeypatch.setattr(ordertable, "CLOSED_ORDERS_MAX", KEPT)
    monkeypatch.setattr(account, "TRADES_MAX", KEPT)
    monkeypatch.setattr(account, "INCOME_MAX", KEPT)
    monkeypatch.setattr(orderlog, "RING_MAX", KEPT)
    monkeypatch.setattr(tape, "TRADES_MAX", KEPT)


def alive() -> Counter[str]:
    """Count what is alive of the project's own kinds, and the entries of all containers."""
    gc.collect()
    found: Counter[str] = Counter()
    for each in gc.get_objects():
        kind = type(each)
        if str(kind.__module__).startswith("grinder."):
            found[kind.__qualname__] += 1
        elif kind in (dict, set, deque):
            found["entries"] += len(each)
    return found


def grown(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    """Return what there is more of, beyond noise."""
    return {
        kind: count - before[kind] for kind, count in after.items() if count - before[kind] > NOISE
    }


def venue() -> Venue:
    """Return a venue that no market source plays, with one quote."""
    made = Venue(
        VenueConfig(
            symbols=("BTCUSDT",),
            data=(),
            accounts=(AccountSeed(key=KEY, secret=SECRET),),
            limits=Limits(weight_1m=LIFTED, orders_10s=LIFTED, orders_1m=LIFTED),
        )
    )
    made.apply(
        Quote(
            at_ms=0,
            symbol="BTCUSDT",
            bid_ticks=600_000,
            bid_lots=LIFTED,
            ask_ticks=600_001,
            ask_lots=LIFTED,
        )
    )
    return made


async def ask(at: Venue, method: str, **params: str) -> dict[str, object]:
    """Return the answer to an order request of the account, as a door would give it."""
    request = Request(
        params={"symbol": "BTCUSDT", **params},
        weight=1,
        admit=lambda: KEY,
        now_ms=at.clock.now_ms(),
    )
    found = await answered(at, rest_trade.TABLE[method, "/fapi/v1/order"], request)
    assert found.status == 200, found.body
    body: dict[str, object] = found.body
    return body


async def trade(at: Venue, times: int) -> None:
    """Place, cancel, buy and sell so many times."""
    for number in range(times):
        resting = await ask(
            at,
            "POST",
            side="BUY",
            type="LIMIT",
            timeInForce="GTC",
            quantity="0.010",
            price="59000.0",
            newClientOrderId=f"load-{number}",
        )
        await ask(at, "DELETE", orderId=str(resting["orderId"]))
        for side in ("BUY", "SELL"):
            await ask(at, "POST", side=side, type="MARKET", quantity="0.010")


@pytest.mark.usefixtures("small_tables")
def test_the_core_keeps_no_more_of_many_operations_than_of_few() -> None:
    flow = OrderFlow()
    flow.run(4_000)
    before = alive()

    flow.run(8_000)

    assert grown(before, alive()) == {}
    assert min(flow.counts[name] for name in ("rested", "amended", "cancelled", "taken")) > 500
    assert flow.counts["fills"] > 2_000


@pytest.mark.usefixtures("small_tables")
def test_what_the_core_can_tell_of_its_past_is_bounded() -> None:
    flow = OrderFlow()

    flow.run(6_000)

    exchange, all_rows = flow.exchange, 10**9
    for name in ACCOUNTS:
        fills = [exchange.trades(name, symbol, limit=all_rows) for symbol in SYMBOLS]
        assert sum(len(rows) for rows in fills) == KEPT
        assert len(exchange.income(name, limit=all_rows)) == KEPT
        for symbol in SYMBOLS:
            resting = len(exchange.open_orders(name, symbol))
            assert resting <= RESTING_MAX
            assert len(exchange.orders(name, symbol, limit=all_rows)) == KEPT + resting
    assert exchange.events == []


@pytest.mark.usefixtures("small_tables")
def test_the_venue_keeps_no_more_of_many_requests_than_of_few() -> None:
    one = venue()
    asyncio.run(trade(one, KEPT))
    before = alive()

    asyncio.run(trade(one, 10 * KEPT))

    assert grown(before, alive()) == {}
    assert len(one.log.lines()) == KEPT


def test_the_flow_is_the_same_for_the_same_seed() -> None:
    flows = [OrderFlow(seed=3), OrderFlow(seed=3), OrderFlow(seed=4)]

    for each in flows:
        each.run(600)

    told = [(each.counts, each.exchange.ledger(ACCOUNTS[0])) for each in flows]
    assert told[0] == told[1]
    assert told[0] != told[2]


def test_a_prepared_flow_is_the_same_as_one_that_draws_as_it_goes() -> None:
    flows = [OrderFlow(), OrderFlow()]

    for _ in range(3):
        flows[0].prepare(200)
        for each in flows:
            each.run(200)

    assert flows[0].counts == flows[1].counts


@pytest.fixture
def server() -> Iterator[VenueServer]:
    made = VenueServer(VenueConfig(symbols=QUOTED[:3], data=(), paused=True))
    made.start()
    yield made
    made.stop()


def test_every_client_hears_every_update_once_and_in_order(server: VenueServer) -> None:
    names = "/".join(f"{symbol.lower()}@bookTicker" for symbol in QUOTED[:3])
    clients = [Stream(server.ws_url, f"/public/stream?streams={names}") for _ in range(CLIENTS)]
    for each in clients:
        each.heard_before_answer()
    stated: list[tuple[str, int]] = []

    for number in range(QUOTES):
        for symbol in QUOTED[:3]:
            quote = {"bid": 100 + number, "ask": 200 + number}
            state = server.control("quote", symbol=symbol, **quote)
            stated.append((symbol, state["update_id"]))

    for each in clients:
        frames = [frame["data"] for frame in each.heard_before_answer()]
        assert [(frame["s"], frame["u"]) for frame in frames] == stated
        each.close()
    assert len(set(stated)) == len(stated)


def test_a_chain_counts_what_was_jumped_over_and_what_came_again() -> None:
    chain = Chain()

    for update_id in (7, 8, 11, 11, 9, 12):
        chain.hear(update_id)

    assert (chain.frames, chain.lost, chain.disordered) == (6, 2, 2)


def test_a_client_adds_up_its_symbols() -> None:
    heard = Heard()

    for symbol, update_id in (("A", 1), ("B", 5), ("A", 2), ("B", 7), ("B", 7)):
        heard.hear(symbol, update_id)

    assert (heard.frames, heard.lost, heard.disordered) == (5, 1, 1)


def test_the_recordings_hold_quotes_at_the_pace_and_nothing_else(tmp_path: Path) -> None:
    paths = tuple(recorded(tmp_path, 1))
    known = catalog.instruments(catalog.exchange_info(), QUOTED)

    found = catalog.recordings(paths, known)

    assert tuple(found) == QUOTED
    for recording in found.values():
        events = list(islice(looped(recording), QUOTES_PER_S))
        assert all(isinstance(event, Quote) for event in events)
        assert 980 < events[-1].at_ms < 1_000
