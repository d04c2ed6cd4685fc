"""The same random program through ccxt and through our real port, against two equal venues."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from conformance.ccxt_trader import CcxtTrader
from conformance.conftest import stand
from conformance.port_trader import PortTrader, RawTrader, answered
from conformance.program import SYMBOL, Program, Step, funding_interval_ms, move_market
from conformance.trader import Row
from grinder.venues.sim.config import Limits, VenueConfig
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest

OPERATIONS = 1_000
COMPARED_EVERY = 100
ROWS_MAX = 1_000
SEEDS = (1, 2)
HEDGE_SEED = 3
FUNDING_RATE = Decimal("0.0003")
# Two venues can't count a client's calls in the same windows.
LIMITS = Limits(weight_1m=1_000_000, orders_10s=1_000_000, orders_1m=1_000_000)
TIMES = {"ts", "time", "updateTime", "now_ms", "update_id", "connections"}
IDS = {"orderId", "order_id", "id", "trade_id", "tranId", "tradeId", "info"}
"""Both count from the moment of the start."""
ANSWERED = ("status", "executedQty")
LOOKED_UP = (*ANSWERED, "clientOrderId", "side", "price", "origQty", "reduceOnly")


class TheirTrader:
    """ccxt, with orders by name as the program has them."""

    def __init__(self, server: VenueServer) -> None:
        self.client = CcxtTrader(server)
        self._ids: dict[str, int] = {}

    def place(self, **order: Any) -> Row:
        """Place an order."""
        return self._noted(self.client.place(**order))

    def batch(self, orders: list[Row]) -> list[Any]:
        """Place several orders at once; an answer that is an error is its code."""
        rows = self.client.batch(orders)
        return [row["code"] if "code" in row else self._noted(row) for row in rows]

    def amend(self, name: str, side: str, quantity: float, price: float) -> Row:
        """Amend an order."""
        return self.client.amend(self.id_of(name), side, quantity, price)

    def cancel(self, name: str) -> Row:
        """Cancel an order."""
        return self.client.cancel(self.id_of(name))

    def cancel_several(self, names: list[str]) -> list[Any]:
        """Cancel several orders at once; an answer that is an error is its code."""
        rows = self.client.cancel_several(list(map(self.id_of, names)))
        return [row.get("code", row) for row in rows]

    def query(self, name: str) -> Row:
        """Look an order up."""
        return self.client.order(self.id_of(name))

    def cancel_all(self) -> None:
        """Cancel all open orders."""
        self.client.cancel_all()

    def leverage(self, leverage: int) -> Row:
        """Set the leverage."""
        return self.client.leverage(leverage)

    def countdown(self, ms: int) -> Row:
        """Arm the dead-man switch."""
        return self.client.countdown(ms)

    def id_of(self, name: str) -> int:
        """Return the id of the newest order of that name; 1 for one that never came to be."""
        return self._ids.get(name, 1)

    def _noted(self, row: Row) -> Row:
        self._ids[row["clientOrderId"]] = int(row["orderId"])
        return row


@pytest.fixture
def servers() -> Iterator[tuple[VenueServer, VenueServer]]:
    config = VenueConfig(
        paused=True,
        funding_rate=FUNDING_RATE,
        funding_interval_ms=funding_interval_ms(),
        limits=LIMITS,
    )
    first, second = VenueServer(config), VenueServer(config)
    for server in (first, second):
        server.start()
        stand(server)
    yield first, second
    first.stop()
    second.stop()


def seen(call: str, answer: Any) -> Any:
    """Return what an answer says, without times and ids; numbers as numbers."""
    if isinstance(answer, list):
        # ccxt sorts the answers of a request by time; refusals, which have none, come first.
        codes = sorted(each for each in answer if isinstance(each, int))
        rows = {row["clientOrderId"]: row for row in answer if isinstance(row, dict)}
        return [*codes, *(seen("place", rows[name]) | {"name": name} for name in sorted(rows))]
    if not isinstance(answer, dict):
        return answer
    names = {"place": ANSWERED, "cancel": ANSWERED, "amend": ANSWERED, "query": LOOKED_UP}
    return {name: number(answer[name]) for name in names.get(call, ())}


def number(value: Any) -> Any:
    """Return a text that is a number as one."""
    return Decimal(value) if isinstance(value, str) and value[:1].isdigit() else value


def plain(value: Any) -> Any:
    """Return ``value`` without what two clocks must show differently."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if key not in TIMES | IDS}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def written(line: Row) -> Row:
    """Return a line of the log; of what was refused it quotes what the client wrote.

    Numbers are written in more than one way, and a cancel names an order by id or by name.
    """
    if line["op"] == "cancel-refused":
        line = line | {"client_id": ""}
    return {name: number(each) if name in {"price", "qty"} else each for name, each in line.items()}


def snapshot(server: VenueServer) -> dict[str, Any]:
    """Return all that a venue knows of the account, as a stranger reads it."""
    rest = Rest(server.rest_url)
    page = {"symbol": SYMBOL, "limit": ROWS_MAX}
    orders = rest.call("GET", "/fapi/v1/allOrders", **page)
    trades = rest.call("GET", "/fapi/v1/userTrades", **page)
    assert len(orders) < ROWS_MAX, "more orders than one page shows"
    ranks = {row["orderId"]: rank for rank, row in enumerate(orders)}
    return {
        "orders": plain(orders),
        "trades": [(ranks.get(row["orderId"]), plain(row)) for row in trades],
        "open": plain(rest.call("GET", "/fapi/v1/openOrders", symbol=SYMBOL)),
        "account": plain(rest.call("GET", "/fapi/v3/account")),
        "positions": plain(rest.call("GET", "/fapi/v3/positionRisk")),
        "income": plain(rest.call("GET", "/fapi/v1/income", limit=ROWS_MAX)),
        "book": plain(rest.get("/fapi/v1/depth", symbol=SYMBOL, limit=1000)["bids"]),
        "state": plain(server.control("state")),
        "log": [written(plain(row)) for row in server.control("orders")["orders"]],
    }


def differing(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the first difference of each part of two snapshots."""
    found: dict[str, Any] = {}
    for name, ours in first.items():
        theirs = second[name]
        if ours == theirs:
            continue
        pairs = zip(ours, theirs, strict=False) if isinstance(ours, list) else [(ours, theirs)]
        found[name] = next((pair for pair in pairs if pair[0] != pair[1]), "of another length")
    return found


def check_reads(theirs: CcxtTrader, ours: PortTrader, since_ns: int) -> None:
    """Check that ccxt and the port read the same of their accounts."""
    account, trades = ours.account(), ours.trades(since_ns).trades
    rows = {"open": theirs.open_orders(), "trades": theirs.trades(ROWS_MAX)}
    held = {row["symbol"]: row for row in theirs.positions()}

    assert [seen("query", ours.row(each)) for each in account.open_orders] == [
        seen("query", row) for row in rows["open"]
    ]
    for position in account.positions:
        row = held.get(position.symbol, {})
        assert ours.qty(position.qty_lots) == Decimal(row.get("positionAmt", 0))
        assert position.entry_price == Decimal(row.get("entryPrice", 0))
        assert position.unrealized_pnl == Decimal(row.get("unRealizedProfit", 0))
    assert account.wallet == Decimal(theirs.wallet()["balance"])
    assert [
        (ours.price(each.price_ticks), ours.qty(each.qty_lots), each.fee, each.realized_pnl)
        for each in trades
    ] == [
        tuple(Decimal(row[name]) for name in ("price", "qty", "commission", "realizedPnl"))
        for row in rows["trades"]
    ]
    assert [(each.side.value, each.is_maker) for each in trades] == [
        (row["side"], row["maker"]) for row in rows["trades"]
    ]
    assert [amount for _, _, amount, _ in ours.funding(since_ns).payments] == [
        Decimal(row["income"]) for row in theirs.fundings()
    ]


def played(
    servers: tuple[VenueServer, VenueServer], program: Program, theirs: TheirTrader, ours: RawTrader
) -> list[Any]:
    """Play a program through both clients; return every answer, equal from both."""
    answers: list[Any] = []
    since_ns = time.time_ns()
    for step in program.steps(OPERATIONS):
        if step.is_market:
            for server in servers:
                move_market(server, step)
            continue
        answers.append(asked_both(theirs, ours, step, len(answers)))
        if len(answers) % COMPARED_EVERY == 0:
            snapshots = [snapshot(server) for server in servers]
            assert differing(*snapshots) == {}, f"after operation {len(answers)}"
            if isinstance(ours, PortTrader):
                check_reads(theirs.client, ours, since_ns)
    return answers


def asked_both(theirs: TheirTrader, ours: RawTrader, step: Step, number_of_step: int) -> Any:
    """Return the answer to one call, which is the same from both."""
    answer = seen(step.call, answered(getattr(theirs, step.call), *step.wanted, **step.named))
    own = seen(step.call, answered(getattr(ours, step.call), *step.wanted, **step.named))
    assert own == answer, f"operation {number_of_step}: {step}"
    return answer


def check_that_much_happened(server: VenueServer, answers: list[Any]) -> None:
    """Check that the program was one that compares something."""
    codes = {
        each
        for answer in answers
        for each in (answer if isinstance(answer, list) else [answer])
        if isinstance(each, int)
    }
    log = server.control("orders")["orders"]
    rows = Rest(server.rest_url).call("GET", "/fapi/v1/income", limit=ROWS_MAX)

    assert {-5022, -2011, -2013, -2019, -2022, -4116, -4164, -4005, -4015} <= codes
    assert {"fill", "amended", "canceled", "expired"} <= {row["op"] for row in log}
    assert {"COMMISSION", "REALIZED_PNL", "FUNDING_FEE"} <= {row["incomeType"] for row in rows}


@pytest.mark.parametrize("seed", SEEDS)
def test_ccxt_and_our_port_leave_two_venues_equal(
    servers: tuple[VenueServer, VenueServer], seed: int
) -> None:
    theirs, ours = TheirTrader(servers[0]), PortTrader(servers[1])
    try:
        answers = played(servers, Program(seed, is_hedged=False), theirs, ours)
    finally:
        ours.close()
        theirs.client.close()

    check_that_much_happened(servers[0], answers)


def test_ccxt_and_signed_requests_leave_two_venues_equal_in_hedge_mode(
    servers: tuple[VenueServer, VenueServer],
) -> None:
    theirs, ours = TheirTrader(servers[0]), RawTrader(servers[1])
    for server in servers:
        Rest(server.rest_url).call("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    try:
        answers = played(servers, Program(HEDGE_SEED, is_hedged=True), theirs, ours)
    finally:
        ours.close()
        theirs.client.close()

    check_that_much_happened(servers[0], answers)
