"""Doors that go wrong: a port in front of another one, which loses, delays and doubles.

What a fault does to requests it does before the venue behind sees them; what it does to answers and
events it does to what that venue has told. A write whose outcome was lost is answered as unknown,
with the time from which the venue can't take it any more, as the real port does.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import attrs

from grinder.execution.book import narrowed
from grinder.kernel.address import Address
from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet, Port
from grinder.kernel.stepped import SteppedOutlet
from grinder.messages.control import AcquireLease, LeaseRefused
from grinder.messages.market import (
    BookTicked,
    DepthChanged,
    FrameRejected,
    LiquidationPrinted,
    MarkPriced,
    StreamClosed,
    TradePrinted,
)
from grinder.messages.orders import CancelOrder, Placement, PlaceOrders
from grinder.messages.venue import (
    AccountReported,
    CancelAnswered,
    OrderReported,
    Outcome,
    PlaceAnswered,
    QueryOrder,
    Quiesced,
    ReadAccount,
    ReadDepth,
    ReadFailed,
    ReadFunding,
    ReadMarketStats,
    ReadTrades,
    VenueThrottled,
)
from grinder.model.units import NS_PER_MS
from grinder.venues.answers import cancel_refused, cancel_unknown, place_refused, place_unknown
from grinder.worlds.plan import Fault

MARKET = (BookTicked, TradePrinted, MarkPriced, DepthChanged, LiquidationPrinted)
USER = (OrderReported, AccountReported)
READS = (QueryOrder, ReadAccount, ReadTrades, ReadFunding, ReadDepth, ReadMarketStats)
TIMEOUT_MS = 1_500
WINDOW_MS = 6_000
"""Receive window and margin: from then on an unanswered write can't be taken any more."""


@attrs.define
class _Active:
    fault: Fault
    until_ns: int
    random: Random


class Weather:
    """Which faults are in force now."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._active: dict[str, _Active] = {}
        self.hits: dict[str, int] = {}
        """How often each kind has hit something."""
        self.dead: set[tuple[str, int]] = set()
        """Streams and connections whose peer has died without a word: nothing comes any more."""
        self.heard_ns: dict[str, int] = {}
        """When a book was last let through, by symbol."""

    def begin(self, fault: Fault) -> None:
        """Let ``fault`` be in force for its time."""
        until_ns = self._now_ns() + fault.ms * NS_PER_MS
        self._active[fault.kind] = _Active(fault, until_ns, Random(fault.seed))

    def strikes(self, kind: str) -> bool:
        """Return whether a fault of this kind hits what passes now."""
        active = self._active.get(kind)
        if active is None:
            return False
        if self._now_ns() >= active.until_ns:
            del self._active[kind]
            return False
        if active.fault.share < 1 and active.random.random() >= active.fault.share:
            return False
        self.hits[kind] = self.hits.get(kind, 0) + 1
        return True

    def left_ns(self, kind: str) -> int:
        """Return how long a fault of this kind goes on."""
        active = self._active.get(kind)
        return max(0, active.until_ns - self._now_ns()) if active is not None else 0

    def pause_ms(self, kind: str, most: int) -> int:
        """Return a delay drawn for a fault of this kind."""
        active = self._active.get(kind)
        return active.random.randint(1, most) if active is not None else 0


class FaultyOutlet(SteppedOutlet):
    """What the port behind speaks with."""

    def __init__(self, outlet: SteppedOutlet, door: FaultyDoor) -> None:
        self._outlet = outlet
        self._door = door

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        """Pass ``message`` on, or let happen to it what goes wrong."""
        self._door.pass_on(receiver, message, cause)

    def resolve(self, name: str) -> Address:
        """Return the address called ``name``."""
        return self._outlet.resolve(name)

    def now_ns(self) -> int:
        """Return the virtual time."""
        return self._outlet.now_ns()

    def call_at(self, at_ns: int, function: Callable[..., None], *arguments: object) -> None:
        """Call ``function`` then; unless the process it belongs to is gone by then."""
        self._outlet.call_at(at_ns, function, *arguments)


class FaultyDoor(Port):
    """Stands before the port of a venue, of one of its streams, or of a lease store."""

    def __init__(self, inner: Port, weather: Weather) -> None:
        self._inner = inner
        self._weather = weather
        self._undecided_ns = 0
        self._hidden: set[str] = set()
        # Names of writes whose answer is withheld: they are told as unknown instead.

    def open(self, outlet: Outlet) -> None:
        """Open the port behind."""
        assert isinstance(outlet, SteppedOutlet)
        self._outlet = outlet
        self._inner.open(FaultyOutlet(outlet, self))

    def close(self, timeout_s: float) -> None:
        """Close the port behind."""
        self._inner.close(timeout_s)

    # Requests.

    def receive(self, envelope: Envelope) -> None:
        """Pass a command on, or let happen to it what goes wrong."""
        command = envelope.body
        if isinstance(command, PlaceOrders):
            # Each order is a request of its own, whatever it was told with.
            passed = [one for one in command.orders if not self._is_write_stopped(envelope, one)]
            if passed:
                self._inner.receive(attrs.evolve(envelope, body=narrowed(command, passed)))
        elif isinstance(command, CancelOrder):
            if not self._is_write_stopped(envelope, command):
                self._inner.receive(envelope)
        elif isinstance(command, READS) and self._weather.strikes("reads-fail"):
            failed = ReadFailed(
                request=type(command).__name__,
                symbol=getattr(command, "symbol", ""),
                client_order_id=getattr(command, "client_order_id", ""),
                token=getattr(command, "token", 0),
                code=0,
                text="no answer",
            )
            self._answer_later(envelope, failed, TIMEOUT_MS)
        elif isinstance(command, AcquireLease) and self._weather.strikes("lease-silent"):
            return
        elif isinstance(command, AcquireLease) and self._weather.strikes("lease-refused"):
            refused = LeaseRefused(holder="", reason="the store is read-only")
            self._answer_later(envelope, refused, 1)
        else:
            self._inner.receive(envelope)

    def _is_write_stopped(self, envelope: Envelope, command: Placement | CancelOrder) -> bool:
        weather = self._weather
        is_entry = isinstance(command, Placement) and not command.reduce_only
        if weather.strikes("banned") or (is_entry and weather.strikes("throttled")):
            self._throttle(envelope)
            self._refuse(envelope, command, -1003, "Too many requests", 1)
        elif isinstance(command, Placement) and weather.strikes("too-many-orders"):
            self._refuse(envelope, command, -1015, "Too many new orders", 10)
        elif weather.strikes("clock-refused"):
            self._refuse(envelope, command, -1021, "Timestamp outside of recvWindow", 10)
        elif weather.strikes("overloaded"):
            self._refuse(envelope, command, -1008, "Server is currently overloaded", 10)
        elif weather.strikes("request-lost"):
            self._lose(envelope, command)
        elif weather.strikes("unknown-503"):
            if weather.pause_ms("unknown-503", 2) == 1:
                self._lose(envelope, command)
                return True
            self._hide(envelope, command)
            return False
        elif weather.strikes("reply-lost"):
            self._hide(envelope, command)
            return False
        else:
            return False
        return True

    def _throttle(self, envelope: Envelope) -> None:
        is_ban = self._weather.left_ns("banned") > 0
        left_ns = self._weather.left_ns("banned" if is_ban else "throttled")
        throttled = VenueThrottled(
            until_ns=self._outlet.now_ns() + left_ns,
            status=418 if is_ban else 429,
            text="Way too many requests" if is_ban else "Too many requests",
        )
        self._answer_later(envelope, throttled, 1)

    def _refuse(
        self, envelope: Envelope, command: Placement | CancelOrder, code: int, text: str, ms: int
    ) -> None:
        if isinstance(command, Placement):
            sent_ns = self._outlet.now_ns()
            tick_ns = _tick_ns(envelope)
            answer: Message = place_refused(command, code, text, tick_ns=tick_ns, sent_ns=sent_ns)
        else:
            answer = cancel_refused(command, code, text)
        self._answer_later(envelope, answer, ms)

    def _lose(self, envelope: Envelope, command: Placement | CancelOrder) -> None:
        """Answer a write that never arrived as unknown, when its time is over."""
        self._answer_later(envelope, self._unknown(envelope, command), TIMEOUT_MS)

    def _hide(self, envelope: Envelope, command: Placement | CancelOrder) -> None:
        """Let a write be done, and answer it as unknown all the same."""
        self._hidden.add(command.client_order_id)
        self._answer_later(envelope, self._unknown(envelope, command), TIMEOUT_MS)

    def _unknown(self, envelope: Envelope, command: Placement | CancelOrder) -> Message:
        sent_ns = self._outlet.now_ns()
        if isinstance(command, CancelOrder):
            return cancel_unknown(command, "no answer")
        decided_ns = sent_ns + WINDOW_MS * NS_PER_MS
        self._undecided_ns = max(self._undecided_ns, decided_ns)
        return place_unknown(
            command,
            "no answer",
            tick_ns=_tick_ns(envelope),
            sent_ns=sent_ns,
            decided_ns=decided_ns,
        )

    def _answer_later(self, envelope: Envelope, answer: Message, ms: int) -> None:
        sender = self._outlet.resolve(envelope.sender)
        self._tell_at(ms, sender, answer, envelope.seq)

    # Answers and events.

    def pass_on(self, receiver: Address, message: Message, cause: int) -> None:
        """Tell what the port behind has said, or let happen to it what goes wrong."""
        if isinstance(message, MARKET):
            self._pass_market(receiver, message, cause)
        elif isinstance(message, USER):
            self._pass_event(receiver, message, cause)
        elif isinstance(message, Quiesced) and self._outlet.now_ns() < self._undecided_ns:
            left_ms = (self._undecided_ns - self._outlet.now_ns()) // NS_PER_MS + 1
            self._tell_at(left_ms, receiver, message, cause)
        elif isinstance(message, PlaceAnswered | CancelAnswered):
            self._pass_answer(receiver, message, cause)
        else:
            self._outlet.tell(receiver, message, cause=cause)

    def _pass_answer(
        self, receiver: Address, message: PlaceAnswered | CancelAnswered, cause: int
    ) -> None:
        name = message.client_order_id
        if name in self._hidden:
            self._hidden.discard(name)
            if message.outcome is not Outcome.REFUSED:
                return
        if self._weather.strikes("reply-late"):
            self._tell_at(self._weather.pause_ms("reply-late", 1_400), receiver, message, cause)
        elif self._weather.strikes("event-first"):
            self._tell_at(30, receiver, message, cause)
        else:
            self._outlet.tell(receiver, message, cause=cause)

    def _pass_event(self, receiver: Address, message: Message, cause: int) -> None:
        weather = self._weather
        if self._is_dead("user", "user-silent", message) or weather.strikes("event-lost"):
            return
        if weather.strikes("event-late"):
            self._tell_at(weather.pause_ms("event-late", 900), receiver, message, cause)
            return
        self._outlet.tell(receiver, message, cause=cause)
        if weather.strikes("event-twice"):
            self._tell_at(weather.pause_ms("event-twice", 50), receiver, message, cause)

    def _is_dead(self, stream: str, kind: str, message: Message) -> bool:
        line = (stream, getattr(message, "connection", 0))
        if self._weather.strikes(kind):
            self._weather.dead.add(line)
        return line in self._weather.dead

    def _pass_market(self, receiver: Address, message: Message, cause: int) -> None:
        weather = self._weather
        stream = "public" if isinstance(message, BookTicked | DepthChanged) else "market"
        if self._is_dead(stream, "market-silent", message) or weather.strikes("tick-lost"):
            return
        if weather.strikes("tick-corrupt"):
            message = FrameRejected(
                stream=stream, connection=getattr(message, "connection", 0), detail="cut short"
            )
        if isinstance(message, BookTicked) and weather.strikes("tick-crossed"):
            message = attrs.evolve(
                message, bid_ticks=message.ask_ticks + 1, ask_ticks=message.bid_ticks
            )
        if isinstance(message, BookTicked) and message.bid_ticks < message.ask_ticks:
            weather.heard_ns[message.symbol] = self._outlet.now_ns()
        if weather.strikes("tick-late"):
            self._tell_at(weather.pause_ms("tick-late", 2_000), receiver, message, cause)
            return
        self._outlet.tell(receiver, message, cause=cause)
        if weather.strikes("tick-twice"):
            self._tell_at(weather.pause_ms("tick-twice", 200), receiver, message, cause)

    def _tell_at(self, ms: int, receiver: Address, message: Message, cause: int) -> None:
        at_ns = self._outlet.now_ns() + ms * NS_PER_MS
        self._outlet.call_at(at_ns, self._tell, receiver, message, cause)

    def _tell(self, receiver: Address, message: Message, cause: int) -> None:
        self._outlet.tell(receiver, message, cause=cause)


def closed(stream: str, connection: int) -> StreamClosed:
    """Return that a connection has ended by itself."""
    return StreamClosed(stream=stream, connection=connection, reason="reset by peer")


def _tick_ns(envelope: Envelope) -> int:
    return envelope.body.tick_ns if isinstance(envelope.body, PlaceOrders) else 0
