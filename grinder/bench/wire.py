"""The system with the real gateway, and another process at the end of the wire."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from grinder.bench.child_process import ChildProcess
from grinder.bench.live import Ahead, GatewayPort, Rested, StreamPort
from grinder.bench.quotes import INSTRUMENT, SYMBOL
from grinder.bench.venue_child import KEY, SECRET
from grinder.kernel.address import Address
from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet
from grinder.messages.orders import Placement, PlaceOrders
from grinder.messages.venue import DropPlacements, Outcome, PlaceAnswered, Quiesce
from grinder.model.settings import VenueSettings
from grinder.venues.binance_rest import BinanceRestPort
from grinder.venues.clock import VenueClock
from grinder.venues.signing import Credentials


class WireSink(ChildProcess):
    """Takes the requests, and tells when each order was there."""

    def __init__(self) -> None:
        super().__init__("grinder.bench.wire_sink")
        self.url: str = self.ask("address")

    def arrived_ns(self) -> list[int]:
        """Return when each order since the last question came, in order of time."""
        found: list[int] = self.ask("times")
        return sorted(found)


@attrs.frozen
class _Hearing:
    """The outlet of the real gateway: answers to placements are heard on their way."""

    _outlet: Outlet
    _hear: Callable[[PlaceAnswered], None]

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        self._outlet.tell(receiver, message, cause=cause)
        if isinstance(message, PlaceAnswered):
            self._hear(message)

    def resolve(self, name: str) -> Address:
        return self._outlet.resolve(name)

    def now_ns(self) -> int:
        return self._outlet.now_ns()


class WirePort(GatewayPort):
    """Leaves placements to the real gateway, which sends them; answers the rest like a venue."""

    def __init__(
        self, sink: WireSink, user: StreamPort, full_at: int, ahead: Ahead | None = None
    ) -> None:
        super().__init__(user, full_at, ahead)
        self._sink = sink
        self._placements: dict[str, Placement] = {}
        self._gateway = BinanceRestPort(
            rest_url=sink.url,
            credentials=Credentials(key=KEY, secret=SECRET),
            clock=VenueClock(),
            instruments={SYMBOL: INSTRUMENT},
            settings=VenueSettings(),
            ahead=ahead,
        )

    def open(self, outlet: Outlet) -> None:
        """Start the worker and the real gateway."""
        self._gateway.open(_Hearing(outlet, self._answered))
        super().open(outlet)

    def receive(self, envelope: Envelope) -> None:
        """Have placements sent; take everything else."""
        command = envelope.body
        if isinstance(command, PlaceOrders):
            self._placements.update((one.client_order_id, one) for one in command.orders)
        if isinstance(command, PlaceOrders | DropPlacements | Quiesce):
            self._gateway.receive(envelope)
        else:
            super().receive(envelope)

    def close(self, timeout_s: float) -> None:
        """End both."""
        self._gateway.close(timeout_s)
        super().close(timeout_s)

    def ready_ns(self) -> list[int]:
        """Return when the request of each order was at the other end of the wire, in order."""
        return self._sink.arrived_ns()

    def _answered(self, answer: PlaceAnswered) -> None:
        placement = self._placements.pop(answer.client_order_id)
        if answer.outcome is Outcome.DONE:
            self._work.put(Rested(placement, answer.order_id))
