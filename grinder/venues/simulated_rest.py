"""The signed half of the simulated venue in the stepped runtime."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet, Port
from grinder.messages.orders import CancelOrder, Placement, PlaceOrders
from grinder.messages.venue import (
    AccountRead,
    CancelAnswered,
    CountdownAnswered,
    DepthRead,
    DropPlacements,
    FundingRead,
    MarketStatsRead,
    OrderQueried,
    Outcome,
    PlaceAnswered,
    QueryOrder,
    Quiesce,
    Quiesced,
    ReadAccount,
    ReadDepth,
    ReadFunding,
    ReadMarketStats,
    ReadTrades,
    SetCountdown,
    TradesRead,
)
from grinder.model.legs import market_of
from grinder.model.units import NS_PER_MS
from grinder.simulation.refusals import Refusal
from grinder.simulation.reports import IncomeType
from grinder.venues.answers import cancel_refused, place_refused
from grinder.venues.binance_requests import ROWS_MAX
from grinder.venues.simulated import SimulatedVenue
from grinder.venues.simulated_words import new_order, open_order, position, trade


class SimulatedRestPort(Port):
    """Takes the commands of BinanceRestPort and answers each exactly once, in virtual time."""

    def __init__(self, venue: SimulatedVenue, ahead: Callable[[], bool] | None = None) -> None:
        self._venue = venue
        self._ahead = ahead
        self._serial = 0
        self._under_way = 0
        self._quiescing: list[Envelope] = []
        self._reads: dict[type[Message], Callable[[Envelope], Message]] = {
            QueryOrder: self._query,
            ReadAccount: self._account,
            ReadTrades: self._trades,
            ReadFunding: self._funding,
            ReadDepth: self._depth,
            ReadMarketStats: self._stats,
            SetCountdown: self._countdown,
        }

    def open(self, outlet: Outlet) -> None:
        """Take the outlet."""
        self._outlet = outlet
        self._venue.connect(outlet)

    def close(self, timeout_s: float) -> None:
        """Need nothing."""

    def receive(self, envelope: Envelope) -> None:
        """Send a command on its way."""
        body = envelope.body
        if isinstance(body, PlaceOrders):
            self._under_way += len(body.orders)
            self._venue.later(self._arrive_orders, envelope, body)
        elif isinstance(body, CancelOrder):
            self._under_way += 1
            self._venue.later(self._arrive_cancel, envelope, body)
        elif isinstance(body, DropPlacements):
            self._serial = max(self._serial, body.serial)
        elif isinstance(body, Quiesce):
            self._quiescing.append(envelope)
            self._venue.later(self._check_quiet)
        elif body.__class__ in self._reads:
            self._venue.later(self._read, envelope)

    def _reply(self, envelope: Envelope, answer: Message) -> None:
        self._outlet.tell(self._outlet.resolve(envelope.sender), answer, cause=envelope.seq)

    def _read(self, envelope: Envelope) -> None:
        answer = self._reads[envelope.body.__class__](envelope)
        self._venue.settle()
        self._venue.later(self._reply, envelope, answer)

    def _arrive_orders(self, envelope: Envelope, batch: PlaceOrders) -> None:
        for order in batch.orders:
            answer = self._placed(envelope, batch, order)
            self._venue.later(self._answered, envelope, answer)
            self._venue.settle()

    def _arrive_cancel(self, envelope: Envelope, cancel: CancelOrder) -> None:
        self._venue.later(self._answered, envelope, self._cancelled(cancel))
        self._venue.settle()

    def _answered(self, envelope: Envelope, answer: Message) -> None:
        self._under_way -= 1
        self._reply(envelope, answer)
        self._check_quiet()

    def _check_quiet(self) -> None:
        if self._under_way == 0:
            waiting, self._quiescing = self._quiescing, []
            for envelope in waiting:
                assert isinstance(envelope.body, Quiesce)
                self._reply(envelope, Quiesced(token=envelope.body.token))

    def _placed(self, envelope: Envelope, batch: PlaceOrders, place: Placement) -> PlaceAnswered:
        venue = self._venue
        permit = batch.permit
        refused = partial(place_refused, place, tick_ns=batch.tick_ns)
        now_ns = self._outlet.now_ns()
        has_leave = permit is not None and permit.holds(self._serial, now_ns)
        if not (place.reduce_only or has_leave):
            return refused(0, "permit void")
        if self._ahead is not None and not place.reduce_only and not self._ahead():
            return refused(0, "the journal is behind")
        try:
            order = venue.exchange.place(
                venue.account, new_order(place, venue.instruments[place.symbol]), venue.now_ms
            )
        except Refusal as refusal:
            return refused(refusal.code, refusal.msg, sent_ns=envelope.at_ns)
        return PlaceAnswered(
            symbol=place.symbol,
            client_order_id=place.client_order_id,
            outcome=Outcome.DONE,
            order_id=order.order_id,
            status=order.status,
            filled_lots=order.filled_lots,
            sent_ns=envelope.at_ns,
            tick_ns=batch.tick_ns,
        )

    def _cancelled(self, cancel: CancelOrder) -> CancelAnswered:
        venue = self._venue
        try:
            order = venue.exchange.cancel(
                venue.account,
                market_of(cancel.symbol),
                client_order_id=cancel.client_order_id,
                now_ms=venue.now_ms,
            )
        except Refusal as refusal:
            return cancel_refused(cancel, refusal.code, refusal.msg)
        return CancelAnswered(
            symbol=cancel.symbol,
            client_order_id=cancel.client_order_id,
            outcome=Outcome.DONE,
            order_id=order.order_id,
            status=order.status,
            filled_lots=order.filled_lots,
        )

    def _query(self, envelope: Envelope) -> OrderQueried:
        query = envelope.body
        assert isinstance(query, QueryOrder)
        venue = self._venue
        try:
            order = venue.exchange.order(
                venue.account,
                market_of(query.symbol),
                client_order_id=query.client_order_id,
                now_ms=venue.now_ms,
            )
        except Refusal:
            found = None
        else:
            found = open_order(order)
        return OrderQueried(symbol=query.symbol, client_order_id=query.client_order_id, order=found)

    def _account(self, envelope: Envelope) -> AccountRead:
        query = envelope.body
        assert isinstance(query, ReadAccount)
        venue = self._venue
        exchange = venue.exchange
        balance = exchange.balance(venue.account)
        return AccountRead(
            token=query.token,
            wallet=balance.wallet,
            unrealized_pnl=balance.unrealised,
            positions=tuple(
                position(one) for one in exchange.positions(venue.account) if one.qty_lots
            ),
            open_orders=tuple(
                open_order(one)
                for market in sorted(venue.markets)
                for one in exchange.open_orders(venue.account, market)
            ),
            asked_ns=envelope.at_ns,
        )

    def _trades(self, envelope: Envelope) -> TradesRead:
        query = envelope.body
        assert isinstance(query, ReadTrades)
        rows = self._venue.exchange.trades(
            self._venue.account,
            market_of(query.symbol),
            from_id=query.from_id or None,
            start_ms=None if query.from_id else math.ceil(query.since_ns / NS_PER_MS),
            limit=ROWS_MAX,
        )
        listed = [trade(row) for row in rows]
        next_id = listed[-1].trade_id + 1 if len(listed) >= ROWS_MAX else 0
        trades = tuple(one for one in listed if one.symbol == query.symbol)
        return TradesRead(symbol=query.symbol, trades=trades, next_id=next_id)

    def _funding(self, envelope: Envelope) -> FundingRead:
        query = envelope.body
        assert isinstance(query, ReadFunding)
        rows = self._venue.exchange.income(
            self._venue.account,
            income_type=IncomeType.FUNDING_FEE,
            start_ms=query.since_ns // NS_PER_MS,
            limit=ROWS_MAX,
        )
        payments = tuple(
            (row.symbol, row.income_id, row.amount, row.ts_ms * NS_PER_MS) for row in rows
        )
        next_ns = payments[-1][3] if len(payments) >= ROWS_MAX else 0
        return FundingRead(payments=payments, next_ns=next_ns)

    def _depth(self, envelope: Envelope) -> DepthRead:
        query = envelope.body
        assert isinstance(query, ReadDepth)
        return self._venue.seen.depth(query, self._venue.now_ms)

    def _stats(self, envelope: Envelope) -> MarketStatsRead:
        query = envelope.body
        assert isinstance(query, ReadMarketStats)
        venue = self._venue
        legs = venue.exchange.legs(venue.account, query.symbol)
        held_lots = sum(max(0, leg.qty_lots) for leg in legs)
        return venue.seen.stats(query, held_lots, venue.now_ms)

    def _countdown(self, envelope: Envelope) -> CountdownAnswered:
        command = envelope.body
        assert isinstance(command, SetCountdown)
        venue = self._venue
        venue.exchange.set_countdown(
            venue.account, command.symbol, command.countdown_ms, venue.now_ms
        )
        return CountdownAnswered(
            symbol=command.symbol,
            countdown_ms=command.countdown_ms,
            outcome=Outcome.DONE,
            code=0,
            text="",
        )
