"""The whole system in the threaded runtime, between two ports that stand for socket and gateway."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from decimal import Decimal

import attrs

from grinder.actors.recording import describe, journal_port
from grinder.actors.wiring import Facts, Ports, assemble
from grinder.bench.bodies import Bodies
from grinder.bench.engine import CAP, settings
from grinder.bench.quotes import DISPLAYED_LOTS, INSTRUMENT, SYMBOL
from grinder.bench.skeleton import Grid
from grinder.errors import InvariantError
from grinder.kernel.address import Address
from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet, Port
from grinder.kernel.threads import ThreadRuntime
from grinder.lease.memory import MemoryLeasePort
from grinder.messages.market import BookTicked, MarkPriced, OpenStream, StreamOpened
from grinder.messages.orders import CancelOrder, Placement, PlaceOrders
from grinder.messages.venue import (
    AccountRead,
    CancelAnswered,
    CountdownAnswered,
    FundingRead,
    KeepUserStream,
    OpenUserStream,
    OrderQueried,
    OrderReported,
    Outcome,
    PlaceAnswered,
    QueryOrder,
    Quiesce,
    Quiesced,
    ReadAccount,
    ReadFunding,
    ReadTrades,
    SetCountdown,
    TradesRead,
    UserStreamKept,
)
from grinder.model.order import OpenOrder, OrderStatus, OrderType, Side
from grinder.model.settings import SupervisionSettings
from grinder.venues.workers import hand_over

START_TIMEOUT_S = 30.0
ZERO = Decimal(0)
Ahead = Callable[[], bool]
"""Asks the journal whether it has written everything said so far."""


class StreamPort(Port):
    """A stream that says what it is told to, on the thread of whoever tells it."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self.connection = 0
        self.owner: Address | None = None

    def open(self, outlet: Outlet) -> None:
        """Take the outlet."""
        self.outlet = outlet

    def receive(self, envelope: Envelope) -> None:
        """Open at once; answer a keep-alive."""
        command = envelope.body
        sender = self.outlet.resolve(envelope.sender)
        if isinstance(command, OpenStream | OpenUserStream):
            self.connection = command.connection
            self.owner = sender
            opened = StreamOpened(stream=self._stream, connection=command.connection)
            self.outlet.tell(sender, opened, cause=envelope.seq)
        elif isinstance(command, KeepUserStream):
            kept = UserStreamKept(
                connection=command.connection, outcome=Outcome.DONE, code=0, text=""
            )
            self.outlet.tell(sender, kept, cause=envelope.seq)

    def say(self, message: Message) -> None:
        """Tell whoever opened the stream, if anybody has."""
        if self.owner is not None:
            self.outlet.tell(self.owner, message)

    def close(self, timeout_s: float) -> None:
        """Say no more."""
        self.owner = None


@attrs.frozen
class TakeBuys:
    """Tell the worker of the gateway that the venue has taken every buy off the book."""


@attrs.frozen
class Rested:
    """Tell the worker of the gateway that a venue elsewhere has taken an order."""

    placement: Placement
    order_id: int


class GatewayPort(Port):
    """Builds the body of each placement on a thread of its own and answers like a venue."""

    def __init__(self, user: StreamPort, full_at: int, ahead: Ahead | None = None) -> None:
        self._user = user
        self._ahead = ahead
        self._full_at = full_at
        self.is_full = threading.Event()
        """Set while as many orders rest as a whole ladder has."""
        self._work: queue.SimpleQueue[Envelope | TakeBuys | Rested | None] = queue.SimpleQueue()
        self._orders: dict[str, OpenOrder] = {}
        self._order_id = 0
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def open(self, outlet: Outlet) -> None:
        """Start the worker."""
        self.outlet = outlet
        self.bodies = Bodies(outlet.now_ns)
        self._thread.start()

    def receive(self, envelope: Envelope) -> None:
        """Queue a command; let placements leave first, as the real port does."""
        self._work.put(envelope)
        if isinstance(envelope.body, PlaceOrders):
            hand_over()

    def ready_ns(self) -> list[int]:
        """Return when each order body was ready, in order."""
        return self.bodies.ready_ns

    def take_buys(self) -> None:
        """Expire every resting buy, as if the venue had."""
        self._work.put(TakeBuys())

    def close(self, timeout_s: float) -> None:
        """End the worker."""
        if self._thread.is_alive():
            self._work.put(None)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            if isinstance(work, TakeBuys):
                self._expire_buys()
                continue
            if isinstance(work, Rested):
                self._book(work.placement, work.order_id)
                continue
            if isinstance(work.body, PlaceOrders):
                self._place(work, work.body)
                continue
            answer = self._answer(work)
            if answer is not None:
                self._tell(work, answer)

    def _tell(self, envelope: Envelope, answer: Message) -> None:
        self.outlet.tell(self.outlet.resolve(envelope.sender), answer, cause=envelope.seq)

    def _answer(self, envelope: Envelope) -> Message | None:
        command = envelope.body
        if isinstance(command, CancelOrder):
            return self._cancel(command)
        if isinstance(command, Quiesce):
            return Quiesced(token=command.token)
        if isinstance(command, ReadAccount):
            return AccountRead(
                token=command.token,
                wallet=CAP,
                unrealized_pnl=ZERO,
                positions=(),
                open_orders=tuple(self._orders.values()),
                asked_ns=envelope.at_ns,
            )
        if isinstance(command, ReadTrades):
            return TradesRead(symbol=command.symbol, trades=())
        if isinstance(command, ReadFunding):
            return FundingRead(payments=())
        if isinstance(command, QueryOrder):
            name = command.client_order_id
            return OrderQueried(
                symbol=command.symbol, client_order_id=name, order=self._orders.get(name)
            )
        if isinstance(command, SetCountdown):
            return CountdownAnswered(
                symbol=command.symbol,
                countdown_ms=command.countdown_ms,
                outcome=Outcome.DONE,
                code=0,
                text="",
            )
        return None

    def _place(self, envelope: Envelope, batch: PlaceOrders) -> None:
        """Build every body, then answer: no answer comes back before the next body is out.

        In a run that is recorded, the journal is asked first, as the real port does.

        Raises:
            InvariantError: the journal is behind.
        """
        if self._ahead is not None and not self._ahead():
            raise InvariantError("the journal is behind")
        for order in batch.orders:
            self.bodies.build(order)
        for order in batch.orders:
            self._tell(envelope, self._rest(order, batch.tick_ns))

    def _rest(self, placement: Placement, tick_ns: int) -> PlaceAnswered:
        self._order_id += 1
        order = self._book(placement, self._order_id)
        return PlaceAnswered(
            symbol=order.symbol,
            client_order_id=order.client_order_id,
            outcome=Outcome.DONE,
            order_id=order.order_id,
            status=OrderStatus.NEW,
            sent_ns=order.updated_ns,
            tick_ns=tick_ns,
        )

    def _book(self, placement: Placement, order_id: int) -> OpenOrder:
        """Let an order rest, and say so on the private stream."""
        order = _resting(placement, order_id, self.outlet.now_ns())
        self._orders[order.client_order_id] = order
        self._report(order, "NEW", OrderStatus.NEW)
        if len(self._orders) >= self._full_at:
            self.is_full.set()
        return order

    def _cancel(self, command: CancelOrder) -> CancelAnswered:
        order = self._orders.pop(command.client_order_id, None)
        return CancelAnswered(
            symbol=command.symbol,
            client_order_id=command.client_order_id,
            outcome=Outcome.REFUSED if order is None else Outcome.DONE,
            order_id=0 if order is None else order.order_id,
            status=None if order is None else OrderStatus.CANCELED,
            code=-2011 if order is None else 0,
        )

    def _expire_buys(self) -> None:
        for order in [one for one in self._orders.values() if one.side is Side.BUY]:
            del self._orders[order.client_order_id]
            self._report(order, "EXPIRED", OrderStatus.EXPIRED)

    def _report(self, order: OpenOrder, execution: str, status: OrderStatus) -> None:
        self._user.say(
            OrderReported(
                connection=self._user.connection,
                symbol=order.symbol,
                client_order_id=order.client_order_id,
                order_id=order.order_id,
                side=order.side,
                order_type=OrderType.LIMIT,
                execution=execution,
                status=status,
                price_ticks=order.price_ticks,
                qty_lots=order.qty_lots,
                filled_lots=0,
                last_price_ticks=0,
                last_lots=0,
                trade_id=0,
                fee=ZERO,
                fee_asset="USDT",
                realized_pnl=ZERO,
                is_maker=False,
                reduce_only=False,
                expiry_reason="",
                event_ns=self.outlet.now_ns(),
            )
        )


def _resting(placement: Placement, order_id: int, now_ns: int) -> OpenOrder:
    return OpenOrder(
        symbol=placement.symbol,
        client_order_id=placement.client_order_id,
        order_id=order_id,
        side=placement.side,
        price_ticks=placement.price_ticks,
        qty_lots=placement.qty_lots,
        updated_ns=now_ns,
    )


Gateway = Callable[[StreamPort, int, Ahead | None], GatewayPort]
"""Makes a gateway of the private stream, the orders of a full ladder, and whom to ask first."""


class LiveSystem:
    """The system, and the market that whoever measures plays to it.

    With a ``journal`` the run is recorded in that directory. ``gateway`` makes what stands for the
    venue.
    """

    def __init__(
        self,
        grid: Grid,
        placement: str,
        journal: str = "",
        gateway: Gateway = GatewayPort,
    ) -> None:
        supervision = SupervisionSettings(placement=placement)
        config = attrs.evolve(settings(grid, journal), supervision=supervision)
        self._public, self._market = StreamPort("public"), StreamPort("market")
        user = StreamPort("private")
        self._runtime = ThreadRuntime()
        self._update_id = 0
        facts = Facts(
            instruments={SYMBOL: INSTRUMENT},
            started_ns=self._runtime.now_ns(),
            instance="bench",
        )
        recording = journal_port(config, describe(config, facts))
        ahead = recording.ahead if recording is not None else None
        self._gateway = gateway(user, 2 * grid.levels, ahead)
        ports = Ports(
            venue=self._gateway,
            user=user,
            public=self._public,
            market=self._market,
            lease=MemoryLeasePort(),
            journal=recording,
        )
        assemble(self._runtime, config, facts, ports)

    @property
    def ready_ns(self) -> list[int]:
        """When each order body was ready, in order."""
        return self._gateway.ready_ns()

    def start(self, home: int) -> None:
        """Bring the system up and let it quote around ``home``.

        Raises:
            InvariantError: it did not begin to quote in time.
        """
        self._runtime.start()
        waited_s = 0.0
        while not self._gateway.is_full.wait(0.01):
            self.tick(home)
            self.mark(home)
            waited_s += 0.01
            if waited_s > START_TIMEOUT_S:
                raise InvariantError("the system does not quote")

    def tick(self, bid_ticks: int) -> int:
        """Let the best bid be ``bid_ticks``; return when that was received."""
        port = self._public
        self._update_id += 1
        now_ns = self._runtime.now_ns()
        port.say(
            BookTicked(
                symbol=SYMBOL,
                bid_ticks=bid_ticks,
                bid_lots=DISPLAYED_LOTS,
                ask_ticks=bid_ticks + 1,
                ask_lots=DISPLAYED_LOTS,
                update_id=self._update_id,
                event_ns=now_ns,
                received_ns=now_ns,
                connection=port.connection,
            )
        )
        return now_ns

    def mark(self, ticks: int) -> None:
        """Let the venue state its mark price, as it does once a second."""
        now_ns = self._runtime.now_ns()
        price = INSTRUMENT.price(ticks)
        self._market.say(
            MarkPriced(
                symbol=SYMBOL,
                mark_price=price,
                index_price=price,
                funding_rate=ZERO,
                next_funding_ns=now_ns + 3_600_000_000_000,
                event_ns=now_ns,
                connection=self._market.connection,
            )
        )

    def take_buys(self) -> None:
        """Let the venue take every buy off the book, as a price that falls through them does."""
        self._gateway.take_buys()

    def stop(self) -> None:
        """End every actor and thread."""
        self._runtime.stop(timeout_s=5.0)
