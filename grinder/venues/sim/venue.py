"""The venue: the exchange and everything that its doors share. It runs on one event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from grinder.model.instrument import Instrument
from grinder.simulation.exchange import Exchange
from grinder.simulation.market import DepthDiff, Mark, MarketEvent, Quote, Status, Trade
from grinder.simulation.recording import Recording
from grinder.simulation.reports import OrderReport, OwnReport, OwnTrade
from grinder.venues.sim import catalog, frames, userframes
from grinder.venues.sim.accounts import Accounts, credentials
from grinder.venues.sim.auth import Credential
from grinder.venues.sim.book import PublicBook
from grinder.venues.sim.channels import Channels
from grinder.venues.sim.clock import VenueClock
from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.failures import Failures
from grinder.venues.sim.faults import Faults
from grinder.venues.sim.limits import Counters
from grinder.venues.sim.liquidations import tell_if_liquidated
from grinder.venues.sim.maintenance import State
from grinder.venues.sim.orderlog import OrderLog, note
from grinder.venues.sim.products import USDM, Product
from grinder.venues.sim.refusing import invalid_symbol
from grinder.venues.sim.speaking import owner_stream, publisher
from grinder.venues.sim.streams import Hub

FUNDING_HISTORY_MAX = 1000
NEVER_MS = 2**63


@attrs.frozen(kw_only=True)
class Shared:
    """What the venues of several markets have together."""

    clock: VenueClock
    failures: Failures
    log: OrderLog
    counters: Counters
    keys: dict[str, Credential]

    @classmethod
    def of(cls, config: VenueConfig) -> Shared:
        """Make it as a configuration says."""
        return cls(
            clock=VenueClock(config.speed),
            failures=Failures(),
            log=OrderLog(config.order_log),
            counters=Counters(config.limits),
            keys=credentials(config.accounts),
        )


class Venue:
    """The exchange with its public market, its accounts and its streams.

    Raises ConfigError when the symbols or recordings of the configuration are not usable.
    """

    def __init__(
        self, config: VenueConfig, product: Product = USDM, beside: Venue | None = None
    ) -> None:
        """Make the venue of a market; it shares keys, clock, log and more with one ``beside``."""
        self.config = config
        self.product = product
        self.info = catalog.exchange_info(config.data, product.info)
        self.instruments: Mapping[str, Instrument] = catalog.instruments(self.info, config.symbols)
        self.recordings: Mapping[str, Recording] = catalog.recordings(
            config.data, self.instruments, config.spread_ticks
        )
        self.hub = Hub(config.limits)
        self.publisher = publisher(self.hub, product.public_frame)
        self.faults = Faults()
        self.shared: Shared = beside.shared if beside else Shared.of(config)
        shared = self.shared
        self.clock, self.failures, self.log = shared.clock, shared.failures, shared.log
        # One pool for both kinds of futures, another for spot.
        self.counters = Counters(config.limits) if product.is_spot else shared.counters
        self.accounts = Accounts(shared.keys, config.limits.listen_key_ms)
        now_ms = self.clock.now_ms()
        self.exchange = self._exchange(now_ms)
        self.books = {
            symbol: PublicBook(each, now_ms, product.decimals)
            for symbol, each in self.instruments.items()
        }
        self._channels = {
            symbol: Channels(book, self.publisher, product.depth_ms)
            for symbol, book in self.books.items()
        }
        self.funding_history: dict[str, deque[Mark]] = {
            symbol: deque(maxlen=FUNDING_HISTORY_MAX) for symbol in self.books
        }
        self._untold: dict[str, list[OwnReport]] = {}
        self._funding_ms = NEVER_MS
        self.stopping = asyncio.Event()

    def book(self, symbol: str) -> PublicBook:
        """Return the public market of a symbol.

        Raises:
            ApiRefusal: the symbol is not traded here.
        """
        found = self.books.get(symbol)
        if found is None:
            raise invalid_symbol()
        return found

    def apply(self, event: MarketEvent) -> None:
        """Take one market event: into the book, to listeners, to the exchange, to owners."""
        now_ms = self.clock.now_ms()
        book, channels = self.books[event.symbol], self._channels[event.symbol]
        if isinstance(event, Quote):
            channels.quoted(event, book.apply_quote(event, now_ms), now_ms)
            self.exchange.quote(
                event.symbol,
                event.bid_ticks,
                event.bid_lots,
                event.ask_ticks,
                event.ask_lots,
                now_ms,
            )
        elif isinstance(event, DepthDiff):
            channels.changed(event, book.apply_diff(event, now_ms), now_ms)
            self.exchange.depth(event.symbol, event.bids, event.asks, now_ms)
        elif isinstance(event, Trade):
            trade_id = self.exchange.next_trade_id(event.symbol)
            channels.traded(event, book.apply_trade(event, trade_id), now_ms)
            self.exchange.trade(
                event.symbol,
                event.price_ticks,
                event.lots,
                event.buyer_is_maker,
                now_ms,
                trade_id=trade_id,
            )
        elif isinstance(event, Status):
            self.set_state(event.symbol, State(event.status))
        else:
            self._mark(event, now_ms)
        self.pump(now_ms)

    def set_state(self, symbol: str, state: State) -> None:
        """Set the trading status of a symbol; tell the listeners of contract news if it changed."""
        states = self.faults.states
        if states.get(symbol, State.TRADING) is state:
            return
        states[symbol] = state
        row = next(row for row in self.info["symbols"] if row["symbol"] == symbol)
        if not self.product.is_spot:
            frame = frames.contract_info(row, state.published, self.clock.now_ms())
            self.publisher.publish("!contractInfo", frame)

    def mark(self, symbol: str) -> None:
        """State the mark price now: the middle of the quote, without a premium."""
        now_ms = self.clock.now_ms()
        mid = self.books[symbol].mid()
        if not mid:
            return
        interval = self.config.funding_interval_ms
        due_ms = 0 if self.product.is_spot else (now_ms // interval + 1) * interval
        self.apply(
            Mark(
                at_ms=0,
                symbol=symbol,
                mark_price=mid,
                index_price=mid,
                funding_rate=self.config.funding_rate,
                next_funding_ms=due_ms,
            )
        )

    def tick(self) -> None:
        """Do what the clock demands: deadlines of orders, expiry of keys, slow streams."""
        now_ms = self.clock.now_ms()
        self.exchange.advance(now_ms)
        self.pump(now_ms)
        for listen_key in self.accounts.expired(now_ms):
            self.expire(listen_key)
        for channels in self._channels.values():
            channels.tick(now_ms)

    def expire(self, listen_key: str) -> None:
        """Tell the listeners of a listen key that it is gone; they hear nothing after it."""
        frame = userframes.listen_key_expired(listen_key, self.clock.now_ms())
        self.hub.publish_user(listen_key, frame)

    def tell(self, account: str, frames: Iterable[dict[str, Any]]) -> None:
        """Send user-data frames to the owner: to a living listen key, and to subscriptions."""
        names = (self.accounts.listen_key_of(account), owner_stream(account))
        wanted = [name for name in names if name and self.hub.has_listeners(name)]
        if wanted:
            for frame in frames:
                for name in wanted:
                    self.hub.publish_user(name, frame)

    def pump(self, now_ms: int) -> None:
        """Pass on what the exchange said: to the log, to owners, to the public tape."""
        self.collect(now_ms)
        if now_ms >= self._funding_ms:
            self._mark_fundings(now_ms)
        if self._untold:
            reports, self._untold = self._untold, {}
            for account, told in reports.items():
                self.tell(account, self.product.user_frames(told, now_ms))

    def collect(self, now_ms: int) -> None:
        """Write what the exchange said to the log; owners are told of it when it is pumped."""
        for event in self.exchange.drain():
            if isinstance(event, OwnTrade):
                self._print(event, now_ms)
                continue
            self._untold.setdefault(event.account, []).append(event)
            if isinstance(event, OrderReport):
                note(self.log, event)
                tell_if_liquidated(self.publisher, event, now_ms)

    def reset(self) -> None:
        """Begin anew with fresh accounts at the present market; faults and counts are cleared."""
        # Ids go on from the tape's, should it have printed faster than a thousand a second.
        numbers = [book.trade_id for book in self.books.values()]
        self.exchange = self._exchange(max(self.clock.now_ms(), *numbers))
        self.faults.clear()
        self.counters.reset()
        self.log.clear()
        self.hub.stall(())
        now_ms = self.clock.now_ms()
        for symbol, book in self.books.items():
            self.exchange.depth(symbol, tuple(book.bids.items()), tuple(book.asks.items()), now_ms)
            if book.quote is not None:
                quote = book.quote
                self.exchange.quote(
                    symbol,
                    quote.bid_ticks,
                    quote.bid_lots,
                    quote.ask_ticks,
                    quote.ask_lots,
                    now_ms,
                )
            self.mark(symbol)

    def close(self) -> None:
        """Release what the venue holds."""
        self.stopping.set()
        self.log.close()

    def _exchange(self, start_ms: int) -> Exchange:
        exchange = self.product.exchange(self.instruments, self.config.fees, start_ms)
        for seed in self.config.accounts:
            self.product.open_account(exchange, seed)
        return exchange

    def _mark_fundings(self, now_ms: int) -> None:
        """State the marks anew whose funding was due, before anybody hears of it.

        Who hears of a funding may ask at once for it, and for the next one.
        """
        self._funding_ms = NEVER_MS
        for symbol, book in self.books.items():
            if book.mark is None or not book.mark.next_funding_ms:
                continue
            if book.mark.next_funding_ms <= now_ms:
                self.mark(symbol)
            self._funding_ms = min(self._funding_ms, book.mark.next_funding_ms)

    def _mark(self, event: Mark, now_ms: int) -> None:
        book = self.books[event.symbol]
        before = book.mark
        # A clock that was set back leaves fundings behind that never were.
        if before is not None and before.next_funding_ms <= now_ms < event.next_funding_ms:
            self.funding_history[event.symbol].append(before)
        book.apply_mark(event, now_ms)
        self._funding_ms = min(self._funding_ms, event.next_funding_ms)
        self._channels[event.symbol].marked(event, now_ms)
        self.exchange.mark(
            event.symbol,
            event.mark_price,
            event.index_price,
            event.funding_rate,
            event.next_funding_ms,
            now_ms,
        )

    def _print(self, trade: OwnTrade, now_ms: int) -> None:
        book = self.books[trade.symbol]
        event = Trade(
            at_ms=0,
            symbol=trade.symbol,
            price_ticks=trade.price_ticks,
            lots=trade.qty_lots,
            buyer_is_maker=trade.buyer_is_maker,
        )
        trade_id = book.apply_trade(event, trade.trade_id)
        self._channels[trade.symbol].traded(event, trade_id, now_ms)
