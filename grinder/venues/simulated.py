"""A whole venue inside the stepped runtime: four ports over one simulated exchange.

The ports stand where the network ports stand in a live run and take the same commands. Between
them and the exchange lies a latency in virtual time; nothing is lost unless the world is told to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import cast

import attrs

from grinder.kernel.address import Address
from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet, Port
from grinder.kernel.stepped import SteppedOutlet
from grinder.messages.market import (
    BookTicked,
    CloseStream,
    DepthChanged,
    LiquidationPrinted,
    MarkPriced,
    OpenStream,
    StreamOpened,
    TradePrinted,
)
from grinder.messages.venue import (
    KeepUserStream,
    OpenUserStream,
    Outcome,
    UserStreamKept,
)
from grinder.model.instrument import Instrument
from grinder.model.legs import markets_of
from grinder.model.order import Side
from grinder.model.units import NS_PER_MS
from grinder.simulation.exchange import Exchange
from grinder.simulation.market import DepthDiff, Mark, MarketEvent, Quote, Trade
from grinder.simulation.reports import AccountReport, OrderReport
from grinder.venues.simulated_market import SeenMarket
from grinder.venues.simulated_words import account_reported, order_reported

MARK_INTERVAL_MS = 1_000
FUNDING_INTERVAL_MS = 8 * 3_600_000


@attrs.frozen(kw_only=True)
class Latency:
    """One-way delays in milliseconds of virtual time."""

    order_ms: int = 5
    """From our port to the matching engine, and back."""
    event_ms: int = 5
    """From the matching engine to our private stream."""


class SimulatedVenue:
    """The exchange, its market, and the ports into it."""

    def __init__(
        self,
        exchange: Exchange,
        instruments: Mapping[str, Instrument],
        source: Iterator[MarketEvent],
        *,
        account: str = "sim",
        latency: Latency | None = None,
        funding_rate: Decimal = Decimal("0.0001"),
    ) -> None:
        self.exchange = exchange
        self.instruments = instruments
        self.markets = markets_of(instruments)
        self.seen = SeenMarket(self.markets)
        self.account = account
        self.latency = latency or Latency()
        self.public = StreamDoor(self, "public")
        self.market = StreamDoor(self, "market")
        self.user = UserDoor(self)
        self.is_silent = False
        """While True the market streams say nothing and stay open."""
        self.silent: set[str] = set()  # Symbols of which they say nothing for now.
        self.depth_lost = 0  # How many of the next changes of depth get lost on their way.
        self.skew_ns = 0
        """How far the stamps of the market streams are ahead of the time that it is."""
        self._source = source
        self._funding_rate = funding_rate
        self._outlet: SteppedOutlet | None = None
        self._update_id = 0
        self._start_ns = 0
        self._mids: dict[str, tuple[int, int]] = {}
        self._armed_ms = 0

    @property
    def now_ms(self) -> int:
        """The venue's time in milliseconds since the epoch."""
        return self.outlet.now_ns() // NS_PER_MS

    @property
    def outlet(self) -> SteppedOutlet:
        """The way back into the runtime."""
        assert self._outlet is not None, "the runtime has not opened the ports"
        return self._outlet

    def connect(self, outlet: Outlet) -> None:
        """Take the outlet of the first port that is opened and begin to play the market."""
        if self._outlet is not None:
            return
        self._outlet = cast("SteppedOutlet", outlet)
        self._start_ns = outlet.now_ns()
        self._play_next()
        self._outlet.call_at(self._start_ns, self._mark)

    def _play_next(self) -> None:
        event = next(self._source, None)
        if event is not None:
            self.outlet.call_at(self._start_ns + event.at_ms * NS_PER_MS, self._play, event)

    def _play(self, event: MarketEvent) -> None:
        now_ns = self.outlet.now_ns()
        now_ms = now_ns // NS_PER_MS
        if event.__class__ is Quote:
            self._play_quote(event, now_ns, now_ms)
        elif isinstance(event, Trade):
            self._play_trade(event, now_ns, now_ms)
        elif isinstance(event, DepthDiff):
            self._play_depth(event, now_ns, now_ms)
        elif isinstance(event, Mark):
            self._state_mark(event, now_ns, now_ms)
        self.settle()
        self._play_next()

    def _play_quote(self, event: Quote, now_ns: int, now_ms: int) -> None:
        self.exchange.quote(
            event.symbol,
            event.bid_ticks,
            event.bid_lots,
            event.ask_ticks,
            event.ask_lots,
            now_ms,
        )
        self._update_id += 1
        self._mids[event.symbol] = (event.bid_ticks, event.ask_ticks)
        self._tell_quote(event, self._update_id, now_ns + self.skew_ns, now_ns)

    def _tell_quote(self, event: Quote, update_id: int, event_ns: int, now_ns: int) -> None:
        owner = self.public.owner
        if owner is not None and not self.is_silent and event.symbol not in self.silent:
            self.outlet.tell(
                owner,
                BookTicked(
                    symbol=event.symbol,
                    bid_ticks=event.bid_ticks,
                    bid_lots=event.bid_lots,
                    ask_ticks=event.ask_ticks,
                    ask_lots=event.ask_lots,
                    update_id=update_id,
                    event_ns=event_ns,
                    received_ns=now_ns,
                    connection=self.public.connection,
                ),
            )

    def quoted(self, symbol: str) -> tuple[int, int]:
        """Return the best bid and ask as they were played last; (0, 0) before that."""
        return self._mids.get(symbol, (0, 0))

    def misquote(self, quote: Quote, *, behind_ms: int = 0, is_old: bool = False) -> None:
        """Tell a quote that is not in the book: crossed, late or told before.

        Args:
            quote: what is told; its time does not count.
            behind_ms: how much older than now its stamp is.
            is_old: whether its number is not above that of the quote before.
        """
        self._update_id += not is_old
        now_ns = self.outlet.now_ns()
        self._tell_quote(quote, self._update_id, now_ns - behind_ms * NS_PER_MS, now_ns)

    def liquidate(self, symbol: str, side: Side, price_ticks: int, lots: int) -> None:
        """Tell that an order of ``side`` closed somebody's position; nothing else happens."""
        self.market.say(
            LiquidationPrinted(
                symbol=symbol,
                side=side,
                price_ticks=price_ticks,
                qty_lots=lots,
                event_ns=self.outlet.now_ns() + self.skew_ns,
                connection=self.market.connection,
            )
        )

    def _play_trade(self, event: Trade, now_ns: int, now_ms: int) -> None:
        trade_id = self.exchange.next_trade_id(event.symbol)
        self.exchange.trade(
            event.symbol,
            event.price_ticks,
            event.lots,
            event.buyer_is_maker,
            now_ms,
            trade_id=trade_id,
        )
        self.seen.traded(event, now_ms)
        self.market.say(
            TradePrinted(
                symbol=event.symbol,
                price_ticks=event.price_ticks,
                qty_lots=event.lots,
                buyer_is_maker=event.buyer_is_maker,
                trade_id=trade_id,
                event_ns=now_ns + self.skew_ns,
                connection=self.market.connection,
            )
        )

    def _play_depth(self, event: DepthDiff, now_ns: int, now_ms: int) -> None:
        self.exchange.depth(event.symbol, event.bids, event.asks, now_ms)
        self._update_id += 1
        previous_id = self.seen.changed(event, self._update_id)
        if self.depth_lost:
            self.depth_lost -= 1
            return
        self.public.say(
            DepthChanged(
                symbol=event.symbol,
                first_id=previous_id + 1,
                last_id=self._update_id,
                previous_id=previous_id,
                bids=event.bids,
                asks=event.asks,
                event_ns=now_ns + self.skew_ns,
                connection=self.public.connection,
            )
        )

    def _mark(self) -> None:
        now_ns = self.outlet.now_ns()
        now_ms = now_ns // NS_PER_MS
        next_ms = (now_ms // FUNDING_INTERVAL_MS + 1) * FUNDING_INTERVAL_MS
        for symbol, (bid, ask) in self._mids.items():
            price = self.markets[symbol].tick * (bid + ask) / 2
            mark = Mark(
                at_ms=0,
                symbol=symbol,
                mark_price=price,
                index_price=price,
                funding_rate=self._funding_rate,
                next_funding_ms=next_ms,
            )
            self._state_mark(mark, now_ns, now_ms)
        self.settle()
        self.outlet.call_at(now_ns + MARK_INTERVAL_MS * NS_PER_MS, self._mark)

    def _state_mark(self, mark: Mark, now_ns: int, now_ms: int) -> None:
        self.exchange.mark(
            mark.symbol,
            mark.mark_price,
            mark.index_price,
            mark.funding_rate,
            mark.next_funding_ms,
            now_ms,
        )
        self.market.say(
            MarkPriced(
                symbol=mark.symbol,
                mark_price=mark.mark_price,
                index_price=mark.index_price,
                funding_rate=mark.funding_rate,
                next_funding_ns=mark.next_funding_ms * NS_PER_MS,
                event_ns=now_ns + self.skew_ns,
                connection=self.market.connection,
            )
        )

    def settle(self) -> None:
        """Send what the exchange has to say, and be there when its next deadline comes."""
        events = self.exchange.drain()
        if events:
            at_ns = self.outlet.now_ns() + self.latency.event_ms * NS_PER_MS
            for event in events:
                if isinstance(event, OrderReport | AccountReport) and event.account == self.account:
                    self.outlet.call_at(at_ns, self.user.report, event)
        due_ms = self.exchange.next_deadline_ms()
        if due_ms is not None and due_ms != self._armed_ms:
            self._armed_ms = due_ms
            self.outlet.call_at(due_ms * NS_PER_MS, self._advance)

    def _advance(self) -> None:
        self._armed_ms = 0
        self.exchange.advance(self.now_ms)
        self.settle()

    def later(self, function: Callable[..., None], *arguments: object) -> None:
        """Call ``function`` one order latency from now."""
        self.outlet.call_at(
            self.outlet.now_ns() + self.latency.order_ms * NS_PER_MS, function, *arguments
        )


class StreamDoor(Port):
    """A market stream."""

    def __init__(self, venue: SimulatedVenue, stream: str) -> None:
        self._venue = venue
        self._stream = stream
        self.owner: Address | None = None
        """Who opened it; None while it is closed."""
        self.connection = 0

    def open(self, outlet: Outlet) -> None:
        """Begin with the first port that is opened."""
        self._outlet = outlet
        self._venue.connect(outlet)

    def receive(self, envelope: Envelope) -> None:
        """Open or close."""
        command = envelope.body
        if isinstance(command, OpenStream):
            self.owner = self._outlet.resolve(envelope.sender)
            self.connection = command.connection
            self._outlet.tell(
                self.owner,
                StreamOpened(stream=self._stream, connection=command.connection),
                cause=envelope.seq,
            )
        elif isinstance(command, CloseStream):
            self.owner = None

    def say(self, message: TradePrinted | DepthChanged | MarkPriced | LiquidationPrinted) -> None:
        """Tell whoever opened it."""
        venue = self._venue
        if self.owner is not None and not venue.is_silent and message.symbol not in venue.silent:
            self._outlet.tell(self.owner, message)

    def close(self, timeout_s: float) -> None:
        """Say no more."""
        self.owner = None


class UserDoor(Port):
    """The private stream."""

    def __init__(self, venue: SimulatedVenue) -> None:
        self._venue = venue
        self._owner: Address | None = None
        self.connection = 0

    def open(self, outlet: Outlet) -> None:
        """Take the outlet."""
        self._outlet = outlet
        self._venue.connect(outlet)

    def receive(self, envelope: Envelope) -> None:
        """Open, or answer a keep-alive."""
        command = envelope.body
        if isinstance(command, OpenUserStream):
            self._owner = self._outlet.resolve(envelope.sender)
            self.connection = command.connection
            self._venue.later(self._opened, command.connection, envelope.seq)
        elif isinstance(command, KeepUserStream):
            self._outlet.tell(
                self._outlet.resolve(envelope.sender),
                UserStreamKept(
                    connection=command.connection, outcome=Outcome.DONE, code=0, text=""
                ),
                cause=envelope.seq,
            )

    def _opened(self, connection: int, cause: int) -> None:
        if self._owner is not None:
            self._outlet.tell(
                self._owner, StreamOpened(stream="private", connection=connection), cause=cause
            )

    def report(self, event: OrderReport | AccountReport) -> None:
        """Tell one event, if somebody listens."""
        if self._owner is None:
            return
        if isinstance(event, OrderReport):
            instrument = self._venue.markets[event.order.symbol]
            self._outlet.tell(self._owner, order_reported(event, instrument, self.connection))
        else:
            self._outlet.tell(self._owner, account_reported(event, self.connection))

    def close(self, timeout_s: float) -> None:
        """Say no more."""
        self._owner = None
