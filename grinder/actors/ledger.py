"""LedgerActor: fills and funding in, what they were worth out."""

from __future__ import annotations

from collections.abc import Mapping

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.signals import TimerFired
from grinder.ledger.account import Ledger
from grinder.messages.account import FundingPaid, PositionChanged
from grinder.messages.ledger import LedgerChanged
from grinder.messages.market import MarkPriced
from grinder.messages.orders import OrderFilled, OrdersRequested, OrdersSynced
from grinder.messages.risk import LedgerRequested
from grinder.messages.venue import (
    BudgetReported,
    ClockMeasured,
    FundingRead,
    ReadFailed,
    ReadFunding,
    ReadTrades,
    TradesRead,
    VenueDenied,
    VenueThrottled,
)
from grinder.model.instrument import Instrument
from grinder.model.order import Trade
from grinder.model.units import NS_PER_S

PAGE = 1_000
"""Rows of one answer; a full page means that there may be more."""
RETRY_NS = 5 * NS_PER_S
SETTLE_NS = 10 * NS_PER_S
"""How long fills may be told after the position that holds them; see ``Tally``."""


class LedgerActor(Actor):
    """Keep the books of the run.

    Hears OrderFilled, FundingPaid, MarkPriced, PositionChanged, OrdersSynced, and on a restart
    TradesRead and FundingRead. Says LedgerChanged, OrdersRequested.
    Restart: reads the trades and funding of the run again from the venue; each counts once.
    """

    def __init__(
        self, instruments: Mapping[str, Instrument], started_ns: int, venue: Address
    ) -> None:
        self._symbols = tuple(instruments)
        self._ledger = Ledger(instruments)
        self._started_ns = started_ns
        self._venue = venue
        self._unread: set[str] = set()
        # Symbols whose past is being read: a position stated meanwhile would count twice.
        self._based: set[str] = set()
        # Symbols whose position has been taken over once; from there on each fill moves it.
        self._lacking: dict[str, tuple[int, int]] = {}
        # What the fills of the past lack of the position stated, in lots, and since when.

    def on_start(self) -> None:
        """Read the run's past, if there is one."""
        if self.generation > 1:
            self._read_past()

    def _read_past(self) -> None:
        self._unread.update(self._symbols)
        for symbol in self._symbols:
            self.tell(self._venue, ReadTrades(symbol=symbol, from_id=0, since_ns=self._started_ns))
        self.tell(self._venue, ReadFunding(since_ns=self._started_ns))

    def _say_if(self, changed: LedgerChanged | None) -> None:
        if changed is not None:
            self.say(changed)

    def on_order_filled(self, fill: OrderFilled) -> None:
        """Book a fill."""
        self._say_if(self._ledger.filled(fill))

    def on_funding_paid(self, payment: FundingPaid) -> None:
        """Book a payment."""
        self._say_if(self._ledger.funded(payment))

    def on_mark_priced(self, mark: MarkPriced) -> None:
        """Value what is held."""
        self._say_if(self._ledger.marked(mark))

    def on_position_changed(self, position: PositionChanged) -> None:
        """Note which fills a position holds already."""
        self._ledger.stated(position)

    def on_orders_synced(self, synced: OrdersSynced) -> None:
        """Take what was held before the first fill that is told."""
        symbol = synced.symbol
        if symbol in self._unread or symbol in self._based:
            return
        lacking = synced.position_lots - self._ledger.of(symbol).position_lots
        # A position may be stated before a fill that it holds is told: what lasts was there before.
        lots, since_ns = self._lacking.get(symbol, (lacking, self.now_ns))
        if self.generation == 1 or (lots == lacking and self.now_ns - since_ns >= SETTLE_NS):
            self._based.add(symbol)
            self._say_if(self._ledger.synced(synced))
        self._lacking[symbol] = (lacking, since_ns if lots == lacking else self.now_ns)

    def on_trades_read(self, answer: TradesRead) -> None:
        """Book what is not booked yet, and read on if there may be more."""
        for trade in answer.trades:
            self._say_if(self._ledger.filled(_fill(trade)))
        if len(answer.trades) == PAGE:
            next_id = answer.trades[-1].trade_id + 1
            self.tell(
                self._venue,
                ReadTrades(symbol=answer.symbol, from_id=next_id, since_ns=self._started_ns),
            )
        elif answer.symbol in self._unread:
            self._unread.discard(answer.symbol)
            self.set_timer("base", SETTLE_NS)

    def on_funding_read(self, answer: FundingRead) -> None:
        """Book what is not booked yet."""
        for symbol, transaction_id, amount, event_ns in answer.payments:
            if event_ns >= self._started_ns:
                self._say_if(
                    self._ledger.funded(
                        FundingPaid(
                            symbol=symbol,
                            transaction_id=transaction_id,
                            amount=amount,
                            event_ns=event_ns,
                        )
                    )
                )

    def on_ledger_requested(self, _: LedgerRequested) -> None:
        """Say every total: whoever asks has forgotten what he heard."""
        for symbol in self._ledger.symbols:
            self.say(self._ledger.of(symbol).said())

    def on_read_failed(self, _: ReadFailed) -> None:
        """Try again later."""
        self.set_timer("past", RETRY_NS)

    def on_timer_fired(self, timer: TimerFired) -> None:
        """Read the past again, or ask what is held now that every fill of the past is booked."""
        if timer.key == "past":
            self._read_past()
            return
        unbased = [symbol for symbol in self._symbols if symbol not in self._based]
        for symbol in unbased:
            self.say(OrdersRequested(symbol=symbol))
        if unbased:
            self.set_timer("base", SETTLE_NS)

    def on_venue_news(
        self, news: VenueThrottled | VenueDenied | BudgetReported | ClockMeasured
    ) -> None:
        """Pass on what the port learned by the way."""
        self.say(news)


def _fill(trade: Trade) -> OrderFilled:
    """Return a listed trade as the fill that it was; which order it belonged to does not matter."""
    return OrderFilled(
        symbol=trade.symbol,
        client_order_id="",
        order_id=trade.order_id,
        trade_id=trade.trade_id,
        side=trade.side,
        level="",
        price_ticks=trade.price_ticks,
        qty_lots=trade.qty_lots,
        filled_lots=trade.qty_lots,
        remaining_lots=0,
        reduce_only=False,
        is_maker=trade.is_maker,
        fee=trade.fee,
        fee_asset=trade.fee_asset,
        realized_pnl=trade.realized_pnl,
        event_ns=trade.ts_ns,
    )
