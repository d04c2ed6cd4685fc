"""Our real port as the exchange actor uses it: commands in, answers out, one at a time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from conformance.program import SYMBOL
from conformance.trader import RefusedError, Row
from grinder import errors
from grinder.kernel.message import Message
from grinder.messages.orders import CancelOrder, Placement, PlaceOrders
from grinder.messages.venue import (
    AccountRead,
    CancelAnswered,
    CountdownAnswered,
    FundingRead,
    OrderQueried,
    Outcome,
    PlaceAnswered,
    QueryOrder,
    ReadAccount,
    ReadFunding,
    ReadTrades,
    SetCountdown,
    TradesRead,
)
from grinder.model.order import OpenOrder, OrderType, Side, TimeInForce
from grinder.model.permit import Permit
from grinder.model.settings import VenueSettings
from grinder.model.units import NS_PER_S
from grinder.venues.binance import load_venue
from grinder.venues.binance_batches import BATCH
from grinder.venues.binance_rest import BinanceRestPort
from grinder.venues.clock import VenueClock
from grinder.venues.http import Request, VenueHttp
from grinder.venues.signing import Credentials
from grinder.venues.sim.server import VenueServer
from venues.fakes import FakeOutlet

CREDENTIALS = Credentials(key="sim-key", secret="sim-secret")
SLOW_MS = 20_000
SETTINGS = VenueSettings(
    place_timeout_ms=SLOW_MS,
    cancel_timeout_ms=SLOW_MS,
    read_timeout_ms=SLOW_MS,
    # Cancels arrive in the order in which they were told, together or not.
    cancel_threads=1,
)
WEIGHT = 1_000_000

M = TypeVar("M", bound=Message)


class RawTrader:
    """Signed requests of ours, for what the port has no message for: it never amends or hedges."""

    def __init__(self, server: VenueServer) -> None:
        self._http = VenueHttp(
            server.rest_url,
            CREDENTIALS,
            VenueClock(),
            connect_timeout_ms=5_000,
            read_timeout_ms=SLOW_MS,
        )
        self._ids: dict[str, int] = {}

    def close(self) -> None:
        """Hang up."""
        self._http.release()

    def place(self, **order: Any) -> Row:
        """Place an order, and ask for its result as the other client does."""
        row = self._call("POST", "order", order | {"newOrderRespType": "RESULT"})
        self._ids[row["clientOrderId"]] = int(row["orderId"])
        return row

    def batch(self, orders: list[Row]) -> list[Any]:
        """Place several orders one by one."""
        return [answered(self.place, **each) for each in orders]

    def amend(self, name: str, side: str, quantity: float, price: float) -> Row:
        """Amend an order."""
        wanted = {"orderId": self.id_of(name), "side": side, "quantity": quantity, "price": price}
        return self._call("PUT", "order", wanted)

    def cancel(self, name: str) -> Row:
        """Cancel an order."""
        return self._call("DELETE", "order", {"orderId": self.id_of(name)})

    def cancel_several(self, names: list[str]) -> list[Any]:
        """Cancel several orders one by one."""
        return [answered(self.cancel, name) for name in names]

    def query(self, name: str) -> Row:
        """Look an order up."""
        return self._call("GET", "order", {"orderId": self.id_of(name)})

    def cancel_all(self) -> None:
        """Cancel all open orders."""
        self._call("DELETE", "allOpenOrders", {})

    def leverage(self, leverage: int) -> Row:
        """Set the leverage."""
        return self._call("POST", "leverage", {"leverage": leverage})

    def countdown(self, ms: int) -> Row:
        """Arm the dead-man switch."""
        return self._call("POST", "countdownCancelAll", {"countdownTime": ms})

    def id_of(self, name: str) -> int:
        """Return the id of the newest order of that name; 1 for one that never came to be."""
        return self._ids.get(name, 1)

    def _call(self, method: str, path: str, wanted: Row) -> Row:
        # The log quotes refused numbers as they were written: whole ones without a point.
        parameters = tuple(
            (key, f"{value:.10g}" if isinstance(value, float) else str(value))
            for key, value in wanted.items()
        )
        parameters = (("symbol", SYMBOL), *parameters)
        request = Request(method=method, path="/fapi/v1/" + path, parameters=parameters)
        try:
            return dict(self._http.call(request))
        except errors.RefusedError as error:
            raise RefusedError(error.code, error.text) from error


class PortTrader(RawTrader):
    """The port; amendments, leverage and nothing else go past it."""

    def __init__(self, server: VenueServer) -> None:
        super().__init__(server)
        facts = load_venue(server.rest_url, CREDENTIALS, (SYMBOL,), SETTINGS)
        self._instrument = facts.instruments[SYMBOL]
        self._port = BinanceRestPort(
            rest_url=server.rest_url,
            credentials=CREDENTIALS,
            clock=facts.clock,
            instruments=facts.instruments,
            settings=SETTINGS,
            weight_limit_1m=WEIGHT,
        )
        self._outlet = FakeOutlet()
        self._port.open(self._outlet)

    def close(self) -> None:
        """End the port's threads."""
        self._port.close(5.0)
        super().close()

    def place(self, **order: Any) -> Row:
        """Tell PlaceOrders and return what is answered."""
        (answer,) = self._told([order])
        return self._noted(answer)

    def batch(self, orders: list[Row]) -> list[Any]:
        """Tell PlaceOrders of five entries, which go together; of others one by one."""
        if len(orders) < BATCH or any("reduceOnly" in order for order in orders):
            return super().batch(orders)
        return [answered(self._noted, answer=answer) for answer in self._told(orders)]

    def _told(self, orders: list[Row]) -> list[PlaceAnswered]:
        deadline_ns = self._outlet.now_ns() + 60 * NS_PER_S
        permit = Permit(serial=1, state="ACTIVE", epoch=1, deadline_ns=deadline_ns)
        placements = tuple(map(self._placement, orders))
        command = PlaceOrders(
            symbol=SYMBOL,
            orders=placements,
            permit=None if placements[0].reduce_only else permit,
        )
        return self._asked(command, PlaceAnswered, len(orders))

    def _placement(self, order: Row) -> Placement:
        price = exact(order.get("price", 0))
        return Placement(
            symbol=SYMBOL,
            client_order_id=order["newClientOrderId"],
            side=Side(order["side"]),
            order_type=OrderType(order["type"]),
            price_ticks=self._instrument.ticks_exact(price),
            qty_lots=self._instrument.lots_exact(exact(order["quantity"])),
            time_in_force=TimeInForce(order.get("timeInForce", "GTC")),
            reduce_only=order.get("reduceOnly") == "true",
            level="L1",
            reason="DIFFERENTIAL",
        )

    def _noted(self, answer: PlaceAnswered) -> Row:
        row = self._done(answer)
        self._ids[row["clientOrderId"]] = row["orderId"]
        return row

    def cancel(self, name: str) -> Row:
        """Tell CancelOrder and return what is answered."""
        command = CancelOrder(symbol=SYMBOL, client_order_id=name, reason="DIFFERENTIAL")
        return self._done(self.ask(command, CancelAnswered))

    def cancel_several(self, names: list[str]) -> list[Any]:
        """Tell a CancelOrder of each at once: those go together that wait behind the first."""
        before = len(self._outlet.all(CancelAnswered))
        for name in names:
            command = CancelOrder(symbol=SYMBOL, client_order_id=name, reason="DIFFERENTIAL")
            self._port.receive(self._outlet.envelope(command))
        answers = self._outlet.wait(CancelAnswered, before + len(names))[before:]
        return [answered(self._done, answer) for answer in answers]

    def query(self, name: str) -> Row:
        """Tell QueryOrder and return what is answered."""
        found = self.ask(QueryOrder(symbol=SYMBOL, client_order_id=name), OrderQueried).order
        if found is None:
            raise RefusedError(-2013, "Order does not exist.")
        return self.row(found)

    def cancel_all(self) -> None:
        """Tell CancelOrder of each order that AccountRead shows."""
        for order in self.account().open_orders:
            self.cancel(order.client_order_id)

    def countdown(self, ms: int) -> Row:
        """Tell SetCountdown and return what is answered."""
        answer = self.ask(SetCountdown(symbol=SYMBOL, countdown_ms=ms), CountdownAnswered)
        if answer.outcome is not Outcome.DONE:
            raise RefusedError(answer.code, answer.text)
        return {}

    def account(self) -> AccountRead:
        """Return what the port reads of the account."""
        return self.ask(ReadAccount(token=1), AccountRead)

    def trades(self, since_ns: int) -> TradesRead:
        """Return what the port reads of own trades."""
        return self.ask(ReadTrades(symbol=SYMBOL, from_id=0, since_ns=since_ns), TradesRead)

    def funding(self, since_ns: int) -> FundingRead:
        """Return what the port reads of funding payments."""
        return self.ask(ReadFunding(since_ns=since_ns), FundingRead)

    def row(self, order: OpenOrder) -> Row:
        """Return an order with the venue's names."""
        return {
            "clientOrderId": order.client_order_id,
            "side": order.side.value,
            "price": str(self._instrument.price(order.price_ticks)),
            "origQty": str(self._instrument.qty(order.qty_lots)),
            "executedQty": str(self._instrument.qty(order.filled_lots)),
            "reduceOnly": order.reduce_only,
            "status": order.status.value,
        }

    def qty(self, lots: int) -> Decimal:
        """Return lots as a quantity."""
        return self._instrument.qty(lots)

    def price(self, ticks: int) -> Decimal:
        """Return ticks as a price."""
        return self._instrument.price(ticks)

    def ask(self, command: Message, kind: type[M]) -> M:
        """Tell the port a command and return its answer."""
        return self._asked(command, kind, 1)[0]

    def _asked(self, command: Message, kind: type[M], count: int) -> list[M]:
        before = len(self._outlet.all(kind))
        self._port.receive(self._outlet.envelope(command))
        return self._outlet.wait(kind, before + count)[before:]

    def _done(self, answer: PlaceAnswered | CancelAnswered) -> Row:
        assert answer.outcome is not Outcome.UNKNOWN, answer
        if answer.outcome is Outcome.REFUSED:
            assert answer.code, f"expected the venue to refuse, was the port: {answer}"
            raise RefusedError(answer.code, answer.text)
        assert answer.status is not None
        return {
            "clientOrderId": answer.client_order_id,
            "orderId": answer.order_id,
            "status": answer.status.value,
            "executedQty": str(self._instrument.qty(answer.filled_lots)),
        }


def exact(value: float) -> Decimal:
    """Return a number of the program as it is written."""
    return Decimal(f"{value:.10g}")


def answered(call: Any, *wanted: Any, **named: Any) -> Any:
    """Return the answer of a call, or the code with which the venue refused."""
    try:
        return call(*wanted, **named)
    except RefusedError as error:
        return error.code
