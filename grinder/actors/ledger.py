"""LedgerActor: fills and funding in, what they were worth out."""

from __future__ import annotations

from collections.abc import Mapping

from grinder.actors.bookkeeping import SETTLE_NS, Bookkeeping
from grinder.kernel.address import Address
from grinder.kernel.signals import TimerFired
from grinder.ledger.account import Ledger
from grinder.ledger.bookkeeper import Bookkeeper
from grinder.ledger.gaps import SWEEP_NS, TRIES_MAX, Gaps, Step
from grinder.ledger.past import Lasting
from grinder.messages.account import AccountSynced, FundingPaid, PositionChanged
from grinder.messages.books import BooksDoubted
from grinder.messages.ledger import LedgerChanged
from grinder.messages.market import MarkPriced
from grinder.messages.orders import OrderFilled, OrdersRequested, OrdersSynced
from grinder.messages.risk import LedgerRequested
from grinder.messages.venue import (
    BudgetReported,
    ClockMeasured,
    FundingRead,
    ReadFunding,
    TradesRead,
    VenueDenied,
    VenueThrottled,
)
from grinder.model.instrument import Instrument
from grinder.model.order import Trade
from grinder.model.position import Position
from grinder.model.units import NS_PER_S

DAY_NS = 10 * NS_PER_S
"""Pause between two looks at whether the day has changed."""


class LedgerActor(Bookkeeping):
    """Keep the books of the run, and of the account if there is a store for them.

    Hears OrderFilled, FundingPaid, MarkPriced, PositionChanged, OrdersSynced, AccountSynced, from
    its venue TradesRead and FundingRead, from the store BooksRestored and BooksReported. Says
    LedgerChanged, PortfolioChanged, RoundTripCompleted, DayChanged, BooksDoubted, OrdersRequested.
    Trades that nobody told are asked for once a minute, and where the account holds something else.
    Restart: reads the trades and funding of the run again from the venue, and the books from the
    store; each row counts once.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        started_ns: int,
        venue: Address,
        *,
        source: str,
        store: Address | None = None,
    ) -> None:
        books = Bookkeeper(instruments, source, started_ns, is_kept=store is not None)
        self._symbols = tuple(instruments)
        super().__init__(books, Gaps(self._symbols, started_ns), venue, store)
        self._ledger = Ledger(instruments)
        self._started_ns = started_ns
        self._based: set[str] = set()
        # Symbols whose position has been taken over once; from there on each fill moves it.
        self._lacking = Lasting()
        # What the fills of the past lack of the position stated, in lots.

    def on_start(self) -> None:
        """Read the run's past, if there is one, and what was kept of former runs."""
        self.set_timer("sweep", SWEEP_NS)
        if self.generation > 1:
            self.ask(self._books.past())
            self.tell(self._venue, ReadFunding(since_ns=self._started_ns))
        if self._store is not None:
            self.deliver(self._books.restore(self.generation))
            self.set_timer("day", DAY_NS)

    def _say_if(self, changed: LedgerChanged | None) -> None:
        if changed is not None:
            self.say(changed)
            self.say(self._ledger.total())

    # What happens.

    def on_order_filled(self, fill: OrderFilled) -> None:
        """Book a fill."""
        self._gaps.heard(fill.symbol, self.now_ns)
        self.book(fill)

    def book(self, fill: OrderFilled) -> None:
        """Book a fill of the run, whoever told of it."""
        self._say_if(self._ledger.filled(fill))
        if self._books.knows(fill.symbol):
            self.deliver(self._books.heard(fill))

    def on_funding_paid(self, payment: FundingPaid) -> None:
        """Book a payment."""
        self._say_if(self._ledger.funded(payment))
        self.deliver(self._books.paid(payment))

    def on_mark_priced(self, mark: MarkPriced) -> None:
        """Value what is held."""
        for changed in self._ledger.marked(mark):
            self._say_if(changed)

    def on_position_changed(self, position: PositionChanged) -> None:
        """Note which fills a position holds already."""
        self._ledger.stated(position)

    def on_orders_synced(self, synced: OrdersSynced) -> None:
        """Take what was held before the first fill that is told."""
        symbol = synced.symbol
        if symbol in self._unread:
            return
        if symbol not in self._based:
            self._base(synced)
        if symbol in self._based and self._books.lacks_base(symbol):
            settled_ns = self._ledger.of(symbol).settled_ns
            self.deliver(self._books.base(symbol, synced.position_lots, settled_ns))
        self.compare(synced, self._ledger.of(symbol).stated_ns)

    def _base(self, synced: OrdersSynced) -> None:
        symbol = synced.symbol
        lacking = synced.position_lots - self._ledger.of(symbol).position_lots
        # A position may be stated before a fill that it holds is told: what lasts was there before.
        age_ns = self._lacking.age_ns(symbol, lacking, self.now_ns)
        if self.generation == 1 or age_ns >= SETTLE_NS:
            self._based.add(symbol)
            self._say_if(self._ledger.synced(synced))

    def on_account_synced(self, account: AccountSynced) -> None:
        """Hold what is held against the fills, and ask for those that are missing."""
        super().on_account_synced(account)
        held = {one.symbol: one for one in account.positions}
        for symbol in self._symbols:
            if symbol in self._based and symbol not in self._unread:
                self._look(held.get(symbol) or Position(symbol=symbol), account.asked_ns)

    def _look(self, held: Position, asked_ns: int) -> None:
        symbol = held.symbol
        off_lots = held.qty_lots - self._ledger.of(symbol).position_lots
        step = self._gaps.seen(symbol, off_lots, asked_ns, self.now_ns)
        if step is Step.ASK:
            self.ask_for_missed(symbol)
        elif step is Step.GIVE_UP:
            text = f"{off_lots} lots held which no trade explains, asked for {TRIES_MAX} times"
            self.say(BooksDoubted(symbol=symbol, detail=text))
            self._say_if(self._ledger.taken_over(symbol, held.qty_lots, held.entry_price))

    # What happened before.

    def on_trades_read(self, answer: TradesRead) -> None:
        """Book what is not booked yet, and read on if there may be more."""
        symbol = answer.symbol
        is_past = self._unread.is_past(symbol)
        if is_past:
            self._book_past(answer)
        else:
            for trade in self._gaps.listed(answer):
                self.book(_fill(trade))
        was_unread = symbol in self._unread
        for question in self._unread.answered(answer):
            self.tell(self._venue, question)
        if was_unread and symbol not in self._unread:
            self.finish(symbol)

    def _book_past(self, answer: TradesRead) -> None:
        if self.generation > 1 and answer.symbol not in self._based:
            self._gaps.past_listed(answer)
        for trade in answer.trades:
            fill = _fill(trade)
            if self.generation > 1 and trade.ts_ns >= self._started_ns:
                self._say_if(self._ledger.filled(fill))
            self.deliver(self._books.listed(fill))

    def on_funding_read(self, answer: FundingRead) -> None:
        """Book what is not booked yet."""
        for symbol, transaction_id, amount, event_ns in answer.payments:
            payment = FundingPaid(
                symbol=symbol, transaction_id=transaction_id, amount=amount, event_ns=event_ns
            )
            if event_ns >= self._started_ns:
                self._say_if(self._ledger.funded(payment))
            self.deliver(self._books.paid(payment))
        if answer.next_ns:
            self.tell(self._venue, ReadFunding(since_ns=answer.next_ns))

    def on_ledger_requested(self, _: LedgerRequested) -> None:
        """Say every total: whoever asks has forgotten what he heard."""
        for symbol in self._ledger.symbols:
            self.say(self._ledger.of(symbol).said())

    def on_timer_fired(self, timer: TimerFired) -> None:
        """Do what is due."""
        if timer.key == "past":
            for question in self._unread.again():
                self.tell(self._venue, question)
        elif timer.key == "funding":
            self.tell(self._venue, ReadFunding(since_ns=self._books.funding_since_ns))
        elif timer.key == "day":
            self.deliver(self._books.today())
            self.set_timer("day", DAY_NS)
        elif timer.key == "sweep":
            for symbol in self._symbols:
                self.ask_for_missed(symbol)
            self.set_timer("sweep", SWEEP_NS)
        elif timer.key == "restore":
            self.deliver(self._books.restore(self.generation))
        else:
            self._ask_for_positions()

    def _ask_for_positions(self) -> None:
        """Ask what is held, now that every fill of the past is booked."""
        wanted = [
            symbol
            for symbol in self._symbols
            if symbol not in self._based or self.needs_position(symbol)
        ]
        for symbol in wanted:
            self.say(OrdersRequested(symbol=symbol))
        if wanted:
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
