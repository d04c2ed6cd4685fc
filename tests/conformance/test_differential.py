"""The same random program through ccxt and through our own HTTP, against two equal venues."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import attrs
import pytest

from conformance.ccxt_trader import CcxtTrader
from conformance.conftest import stand
from conformance.trader import RefusedError, Row
from grinder import errors
from grinder.venues.clock import VenueClock
from grinder.venues.http import Request, VenueHttp
from grinder.venues.signing import Credentials
from grinder.venues.sim.config import Limits, VenueConfig
from grinder.venues.sim.server import VenueServer

OPERATIONS = 1_000
SEEDS = (1, 2)
CREDENTIALS = Credentials(key="sim-key", secret="sim-secret")
# Two venues can't count a client's calls in the same windows, nor reach a funding at the same call.
CONFIG = VenueConfig(
    paused=True,
    funding_rate=Decimal(0),
    limits=Limits(weight_1m=1_000_000, orders_10s=1_000_000, orders_1m=1_000_000),
)
TIMES = {"ts", "time", "updateTime", "now_ms", "update_id", "connections"}


class OurTrader:
    """Our own client."""

    def __init__(self, server: VenueServer) -> None:
        self._http = VenueHttp(
            server.rest_url,
            CREDENTIALS,
            VenueClock(),
            connect_timeout_ms=5_000,
            read_timeout_ms=20_000,
        )

    def place(self, **order: Any) -> Row:
        # As the other client asks for it.
        return self._call("POST", "order", order | {"newOrderRespType": "RESULT"})

    def amend(self, order_id: int, side: str, quantity: float, price: float) -> Row:
        wanted = {"orderId": order_id, "side": side, "quantity": quantity, "price": price}
        return self._call("PUT", "order", wanted)

    def cancel(self, order_id: int) -> Row:
        return self._call("DELETE", "order", {"orderId": order_id})

    def cancel_all(self) -> None:
        self._call("DELETE", "allOpenOrders", {})

    def leverage(self, leverage: int) -> Row:
        return self._call("POST", "leverage", {"leverage": leverage})

    def _call(self, method: str, path: str, wanted: Row) -> Row:
        # The log quotes refused numbers as they were written: whole ones without a point.
        parameters = tuple(
            (key, f"{value:.10g}" if isinstance(value, float) else str(value))
            for key, value in wanted.items()
        )
        request = Request(
            method=method,
            path="/fapi/v1/" + path,
            parameters=(("symbol", "BTCUSDT"), *parameters),
        )
        try:
            return dict(self._http.call(request))
        except errors.RefusedError as error:
            raise RefusedError(error.code, error.text) from error


@attrs.frozen(kw_only=True)
class Step:
    """One call of the program, for the client or for the market."""

    call: str
    wanted: tuple[Any, ...] = ()
    named: dict[str, Any] = attrs.field(factory=dict)
    is_market: bool = False


class Program:
    """A random program; it learns the ids of orders from the answers."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._mid = 617_000
        self._number = 0
        self.placed: list[tuple[int, str]] = []

    def step(self) -> Step:
        """Return the next step."""
        kinds, weights = zip(*self._choices(), strict=True)
        step: Step = self._random.choices(kinds, weights)[0]()
        return step

    def _choices(self) -> list[tuple[Any, int]]:
        choices = [
            (self._limit, 45),
            (self._taker, 12),
            (self._move, 12),
            (self._trade, 8),
            (lambda: Step(call="cancel_all"), 1),
            (lambda: Step(call="leverage", wanted=(self._random.randint(5, 25),)), 1),
        ]
        if self.placed:
            choices += [(self._amend, 12), (self._cancel, 14)]
        return choices

    def _limit(self) -> Step:
        named = {
            "side": self._side(),
            "type": "LIMIT",
            "timeInForce": self._random.choice(("GTC", "GTC", "GTX", "IOC", "FOK")),
            "quantity": self._quantity(),
            "price": self._price(),
        }
        return Step(call="place", named=named | self._more())

    def _taker(self) -> Step:
        named = {"side": self._side(), "type": "MARKET", "quantity": self._quantity()}
        return Step(call="place", named=named | self._more())

    def _more(self) -> Row:
        self._number += 1
        # Every fortieth id is used again, to be refused while its order lives.
        number = self._number - self._number % 40 // 39
        more: Row = {"newClientOrderId": f"differential-{number}"}
        if self._random.random() < 0.15:
            more["reduceOnly"] = "true"
        return more

    def _amend(self) -> Step:
        order_id, side = self._random.choice(self.placed[-30:])
        return Step(call="amend", wanted=(order_id, side, self._quantity(), self._price()))

    def _cancel(self) -> Step:
        return Step(call="cancel", wanted=(self._random.choice(self.placed[-30:])[0],))

    def _move(self) -> Step:
        self._mid += self._random.randint(-200, 200)
        named = {
            "symbol": "BTCUSDT",
            "bid": f"{self._mid / 10:.1f}",
            "ask": f"{self._mid / 10 + 0.1:.1f}",
            "bid_qty": self._quantity(),
            "ask_qty": self._quantity(),
        }
        return Step(call="quote", named=named, is_market=True)

    def _trade(self) -> Step:
        is_sell = self._random.random() < 0.5
        named = {
            "symbol": "BTCUSDT",
            "price": f"{(self._mid + (0 if is_sell else 1)) / 10:.1f}",
            "qty": self._quantity(),
            "buyer_is_maker": is_sell,
        }
        return Step(call="trade", named=named, is_market=True)

    def _side(self) -> str:
        return self._random.choice(("BUY", "SELL"))

    def _quantity(self) -> float:
        return self._random.choice((1, 2, 5, 10, 20, 100, 5_000)) / 1_000

    def _price(self) -> float:
        return (self._mid + self._random.randint(-300, 300)) / 10


@pytest.fixture
def servers() -> Iterator[tuple[VenueServer, VenueServer]]:
    first, second = VenueServer(CONFIG), VenueServer(CONFIG)
    first.start()
    second.start()
    yield first, second
    first.stop()
    second.stop()


def done(trader: Any, step: Step) -> Any:
    """Return what came of a step, without times."""
    try:
        answer = getattr(trader, step.call)(*step.wanted, **step.named)
    except RefusedError as error:
        return error.code
    kept = ("orderId", "clientOrderId", "status", "executedQty", "price", "origQty")
    return {key: answer.get(key) for key in kept} if step.call in ("place", "amend") else None


def timeless(value: Any) -> Any:
    """Return ``value`` without what two clocks must show differently."""
    if isinstance(value, dict):
        return {key: timeless(value[key]) for key in value if key not in TIMES}
    return [timeless(each) for each in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("seed", SEEDS)
def test_two_clients_leave_two_venues_equal(
    servers: tuple[VenueServer, VenueServer], seed: int
) -> None:
    theirs, ours = CcxtTrader(servers[0]), OurTrader(servers[1])
    program = Program(seed)
    answers: list[Any] = []
    for server in servers:
        stand(server)
    for number in range(OPERATIONS):
        step = program.step()
        if step.is_market:
            for server in servers:
                server.control(step.call, **step.named)
            continue
        answer = done(theirs, step)
        assert done(ours, step) == answer, f"seed {seed}, operation {number}: {step}"
        answers.append(answer)
        if step.call == "place" and isinstance(answer, dict):
            program.placed.append((int(answer["orderId"]), step.named["side"]))
    books = [CcxtTrader(server).depth() for server in servers]
    theirs.close()
    states = [timeless(server.control("state")) for server in servers]
    logs = [timeless(server.control("orders")) for server in servers]

    assert all(books[0][side] == books[1][side] for side in ("bids", "asks"))
    assert states[0] == states[1]
    assert logs[0] == logs[1]
    # A program in which nothing is refused, filled or amended would compare little.
    assert {-5022, -2011, -2022, -2019} <= {each for each in answers if isinstance(each, int)}
    assert {"fill", "amended", "canceled", "expired"} <= {row["op"] for row in logs[0]["orders"]}
