"""The venue: the exchange and everything that its doors share. It runs on one event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from grinder.model.instrument import Instrument
from grinder.simulation.exchange import Exchange
from grinder.simulation.market import DepthDiff, Mark, MarketEvent, Quote, Status, Trade
from grinder.simulation.recording import Recording
from grinder.simulation.reports import Execution, OrderReport, OwnReport, OwnTrade
from grinder.venues.sim import catalog, frames, userframes
from grinder.venues.sim.accounts import Accounts
from grinder.venues.sim.book import PublicBook
from grinder.venues.sim.channels import Channels
from grinder.venues.sim.clock import VenueClock
from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.failures import Failures
from grinder.venues.sim.faults import Faults
from grinder.venues.sim.limits import Counters
from grinder.venues.sim.liquidations import tell_if_liquidated
from grinder.venues.sim.maintenance import State
from grinder.venues.sim.orderlog import OrderLog
from grinder.venues.sim.refusing import invalid_symbol
from grinder.venues.sim.rendering import plain
from grinder.venues.sim.streams import Hub

FUNDING_HISTORY_MAX = 1000
NEVER_MS = 2**63

OPERATIONS = {
    Execution.NEW: "accepted",
    Execution.AMENDMENT: "amended",
    Execution.CANCELED: "canceled",
    Execution.EXPIRED: "expired",
    Execution.TRADE: "fill",
    Execution.CALCULATED: "fill",
}
"""The order log's word for what happened to an order."""


class Venue:
    """The exchange with its public market, its accounts and its streams.

    Raises ConfigError when the symbols or recordings of the configuration are not usable.
    """

    def __init__(self, config: VenueConfig) -> None:
        self.config = config
        self.info = catalog.exchange_info(config.data)
        self.instruments: Mapping[str, Instrument] = catalog.instruments(self.info, config.symbols)
        self.recordings: Mapping[str, Recording] = catalog.recordings(
            config.data, self.instruments, config.spread_ticks
        )
        self.clock = VenueClock(config.speed)
        self.hub = Hub(config.limits)
        self.counters = Counters(config.limits)
        self.faults = Faults()
        self.failures = Failures()
        self.log = OrderLog(config.order_log)
        self.accounts = Accounts(config.accounts, config.limits.listen_key_ms)
        now_ms = self.clock.now_ms()
        self.exchange = self._exchange(now_ms)
        self.books = {symbol: PublicBook(each, now_ms) for symbol, each in self.instruments.items()}
        self._channels = {symbol: Channels(book, self.hub) for symbol, book in self.books.items()}
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
        frame = frames.contract_info(row, state.published, self.clock.now_ms())
        self.hub.publish("!contractInfo", frame)

    def mark(self, symbol: str) -> None:
        """State the mark price now: the middle of the quote, without a premium."""
        now_ms = self.clock.now_ms()
        mid = self.books[symbol].mid()
        if not mid:
            return
        interval = self.config.funding_interval_ms
        self.apply(
            Mark(
                at_ms=0,
                symbol=symbol,
                mark_price=mid,
                index_price=mid,
                funding_rate=self.config.funding_rate,
                next_funding_ms=(now_ms // interval + 1) * interval,
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
        """Send user-data frames to the owner, if a listen key is alive."""
        listen_key = self.accounts.listen_key_of(account)
        if listen_key is not None and self.hub.has_listeners(listen_key):
            for frame in frames:
                self.hub.publish_user(listen_key, frame)

    def pump(self, now_ms: int) -> None:
        """Pass on what the exchange said: to the log, to owners, to the public tape."""
        self.collect(now_ms)
        if now_ms >= self._funding_ms:
            self._mark_fundings(now_ms)
        if self._untold:
            reports, self._untold = self._untold, {}
            for account, told in reports.items():
                self.tell(account, userframes.ordered(told, now_ms))

    def collect(self, now_ms: int) -> None:
        """Write what the exchange said to the log; owners are told of it when it is pumped."""
        for event in self.exchange.drain():
            if isinstance(event, OwnTrade):
                self._print(event, now_ms)
                continue
            self._untold.setdefault(event.account, []).append(event)
            if isinstance(event, OrderReport):
                self._note(event)
                tell_if_liquidated(self.hub, event, now_ms)

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
        exchange = Exchange(
            self.instruments, fees=self.config.fees, can_liquidate=True, start_ms=start_ms
        )
        for seed in self.config.accounts:
            exchange.open_account(seed.key, seed.balance, fee_tier=seed.fee_tier, fees=seed.fees)
        return exchange

    def _mark_fundings(self, now_ms: int) -> None:
        """State the marks anew whose funding was due, before anybody hears of it.

        Who hears of a funding may ask at once for it, and for the next one.
        """
        self._funding_ms = NEVER_MS
        for symbol, book in self.books.items():
            if book.mark is None:
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

    def _note(self, report: OrderReport) -> None:
        operation = OPERATIONS[report.execution]
        self.log.append(report.ts_ms, report.account, operation, **_noted(report))


def _noted(report: OrderReport) -> dict[str, Any]:
    """Return what the order log says of a change of an order."""
    order = report.order
    fields: dict[str, Any] = {
        "symbol": order.symbol,
        "client_id": order.client_order_id,
        "order_id": order.order_id,
        "side": order.side.value,
        "type": order.type.value,
        "price": plain(order.price),
        "qty": plain(order.qty),
        "filled_qty": plain(order.filled_qty),
        "reduce_only": order.reduce_only,
        "status": order.status.value,
    }
    if report.execution is Execution.AMENDMENT and order.modify_id is not None:
        fields["modify_id"] = order.modify_id
    if report.execution in (Execution.TRADE, Execution.CALCULATED):
        fields |= {
            "trade_id": report.trade_id,
            "last_price": plain(report.last_price),
            "last_qty": plain(report.last_qty),
            "is_maker": report.is_maker,
            "commission": plain(report.commission),
            "realised": plain(report.realised_profit),
        }
    return fields
