"""The reading half of the REST port: the account, single orders, trades, funding, the market."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import stamina

from grinder.errors import InvariantError, RefusedError, TransientError, VenueError
from grinder.kernel.message import Envelope, Message
from grinder.messages.venue import (
    AccountRead,
    OrderQueried,
    QueryOrder,
    ReadAccount,
    ReadDepth,
    ReadFailed,
    ReadFunding,
    ReadMarketStats,
    ReadTrades,
    TradesRead,
)
from grinder.model.instrument import Instrument
from grinder.model.legs import market_of, markets_of
from grinder.model.order import Trade
from grinder.model.settings import VenueSettings
from grinder.model.units import NS_PER_MS
from grinder.venues import binance_requests as requests
from grinder.venues.binance_bodies import BodyDecoder
from grinder.venues.binance_errors import CLOCK_REFUSED, ORDER_UNKNOWN, code_and_text
from grinder.venues.budget import Purpose
from grinder.venues.http import Request
from grinder.venues.line import VenueLine
from grinder.venues.workers import Job, WorkerPool

READ_THREADS = 2
"""One for the periodic snapshot, one so that the look-up of a lost order need not wait for it."""
ATTEMPTS = 3
PAUSE_S = 0.05
PAUSE_MAX_S = 0.5

Read = QueryOrder | ReadAccount | ReadTrades | ReadFunding | ReadDepth | ReadMarketStats


class ReadDesk:
    """Answer every read exactly once: with what was read, or with ReadFailed."""

    def __init__(
        self,
        line: VenueLine,
        instruments: Mapping[str, Instrument],
        settings: VenueSettings,
        *,
        name: str = "rest-read",
        threads: int = READ_THREADS,
    ) -> None:
        self._line = line
        self._markets = tuple(markets_of(instruments))
        self._settings = settings
        self._bodies = BodyDecoder(instruments)
        self._pool = WorkerPool(name, threads, settings.queue_max, line.release)

    def start(self) -> None:
        """Start the threads."""
        self._pool.start()

    def close(self, deadline: float) -> None:
        """Refuse what waits, let what is under way end until ``deadline``, monotonic seconds."""
        self._pool.stop()
        self._pool.join(deadline)

    def accept(self, envelope: Envelope, command: Read) -> None:
        """Queue a read."""
        self._pool.submit(
            Job(
                run=partial(self._serve, envelope),
                refuse=lambda part, why: self._line.tell(envelope, _failed(part, 0, why)),
                parts=(command,),
            )
        )

    def _serve(self, envelope: Envelope, command: Read) -> None:
        mark = self._line.clock.mark()
        answer: Message = _failed(command, 0, "the port failed before it could tell")
        try:
            answer = self._answer(envelope, command)
        finally:
            self._line.tell(envelope, answer)
        if isinstance(answer, ReadFailed) and answer.code == CLOCK_REFUSED:
            self._line.remeasure(envelope, since=mark)

    def _answer(self, envelope: Envelope, command: Read) -> Message:
        why = self._line.obstacle(Purpose.READ)
        if why:
            return _failed(command, 0, why)
        self._line.remeasure_if_due(envelope)
        fetch = partial(self._fetch, envelope)
        try:
            if isinstance(command, QueryOrder):
                return self._queried(fetch, command)
            if isinstance(command, ReadAccount):
                return self._account(fetch, command)
            if isinstance(command, ReadTrades):
                return self._trades(fetch, command)
            if isinstance(command, ReadDepth | ReadMarketStats):
                return self._of_market(fetch, command)
            return self._bodies.funding(fetch(requests.funding(command)))
        except VenueError as error:
            return _failed(command, *code_and_text(error))
        except ValueError as error:
            return _failed(command, 0, f"the answer was not understood: {error}")

    def _queried(self, fetch: Callable[[Request], Any], command: QueryOrder) -> OrderQueried:
        try:
            order = self._bodies.order(fetch(requests.order_query(command)))
        except RefusedError as error:
            if error.code != ORDER_UNKNOWN:
                raise
            order = None
        return OrderQueried(
            symbol=command.symbol, client_order_id=command.client_order_id, order=order
        )

    def _account(self, fetch: Callable[[Request], Any], command: ReadAccount) -> AccountRead:
        asked_ns = self._line.now_ns()
        wallet, unrealized_pnl = self._bodies.wallet(fetch(requests.ACCOUNT))
        positions = self._bodies.positions(fetch(requests.POSITIONS))
        open_orders = tuple(
            order
            for market in self._markets
            for order in self._bodies.orders(fetch(requests.open_orders(market)))
        )
        return AccountRead(
            token=command.token,
            wallet=wallet,
            unrealized_pnl=unrealized_pnl,
            positions=positions,
            open_orders=open_orders,
            asked_ns=asked_ns,
        )

    def _of_market(
        self, fetch: Callable[[Request], Any], command: ReadDepth | ReadMarketStats
    ) -> Message:
        symbol, token = command.symbol, command.token
        if isinstance(command, ReadDepth):
            return self._bodies.depth(fetch(requests.depth(symbol)), symbol, token)
        day = fetch(requests.day_ticker(symbol))
        held = fetch(requests.open_interest(symbol))
        return self._bodies.market_stats(day, held, symbol, token)

    def _trades(self, fetch: Callable[[Request], Any], command: ReadTrades) -> TradesRead:
        """Return one page, walking from window to window until it is full or today is reached."""
        symbol, market = command.symbol, market_of(command.symbol)
        if command.from_id:
            page = self._bodies.trades(fetch(requests.trades_from(market, command.from_id)))
            return _page(symbol, page)
        now_ms = self._line.clock.venue_ms()
        start_ms = max(command.since_ns // NS_PER_MS, now_ms - requests.TRADES_KEPT_MS)
        found: dict[int, Trade] = {}
        while True:
            page = self._bodies.trades(fetch(requests.trades_since(market, start_ms)))
            found.update((each.trade_id, each) for each in page)
            start_ms += requests.TRADES_SPAN_MS
            if start_ms > now_ms or len(found) >= requests.ROWS_MAX:
                return _page(symbol, tuple(found.values())[: requests.ROWS_MAX])

    def _fetch(self, envelope: Envelope, request: Request) -> Any:
        for attempt in stamina.retry_context(
            on=TransientError,
            attempts=ATTEMPTS,
            wait_initial=PAUSE_S,
            wait_max=PAUSE_MAX_S,
            wait_jitter=PAUSE_S,
        ):
            with attempt:
                return self._line.call(
                    envelope,
                    request,
                    timeout_ms=self._settings.read_timeout_ms,
                    recv_window_ms=self._settings.recv_window_ms,
                )
        raise InvariantError("expected an answer or an error after the last attempt")


def _page(symbol: str, trades: tuple[Trade, ...]) -> TradesRead:
    is_full = len(trades) >= requests.ROWS_MAX
    next_id = trades[-1].trade_id + 1 if is_full else 0
    # The venue lists the trades of a market: those of its other leg fill the page, too.
    own = tuple(one for one in trades if one.symbol == symbol)
    return TradesRead(symbol=symbol, trades=own, next_id=next_id)


def _failed(command: Read, code: int, text: str) -> ReadFailed:
    return ReadFailed(
        request=type(command).__name__,
        symbol=getattr(command, "symbol", ""),
        client_order_id=getattr(command, "client_order_id", ""),
        token=getattr(command, "token", 0),
        code=code,
        text=text,
    )
