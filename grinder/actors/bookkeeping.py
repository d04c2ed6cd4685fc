"""What LedgerActor does to keep books beyond the run."""

from __future__ import annotations

from collections.abc import Iterable

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.message import Message
from grinder.ledger.bookkeeper import COMMANDS, Bookkeeper
from grinder.ledger.gaps import GRACE_NS, Gaps
from grinder.ledger.past import PastReads
from grinder.messages.account import AccountSynced
from grinder.messages.books import BooksDoubted, BooksReported, BooksRestored
from grinder.messages.ledger import DayChanged
from grinder.messages.orders import OrdersSynced
from grinder.messages.venue import ReadFailed, ReadFunding, ReadTrades
from grinder.model.units import NS_PER_S

RETRY_NS = 5 * NS_PER_S
SETTLE_NS = 10 * NS_PER_S
"""How long fills may be told after the position that holds them; see ``Tally``."""


class Bookkeeping(Actor):
    """The half of an actor that keeps the round trips, and what the store is told and answers.

    Hears AccountSynced, BooksRestored, BooksReported, ReadFailed. A subclass hands it what the
    venue lists and states.
    """

    def __init__(
        self, books: Bookkeeper, gaps: Gaps, venue: Address, store: Address | None
    ) -> None:
        self._books = books
        self._gaps = gaps
        self._venue = venue
        self._store = store
        self._unread = PastReads()
        # Symbols whose past is being read: a position stated meanwhile would count twice.
        self._is_bad = False
        self._unchecked: set[str] = set()
        # Symbols whose kept position has not been held against the venue's.
        self._account: AccountSynced | None = None
        # The last snapshot: a position that is stated otherwise may be an old belief.

    def ask(self, questions: Iterable[ReadTrades]) -> None:
        """Ask the venue, one question on each symbol at a time."""
        for question in questions:
            for due in self._unread.want(question):
                self.tell(self._venue, due)

    def ask_for_missed(self, symbol: str) -> None:
        """Ask for trades that nobody told, unless any are being read or were just now."""
        if self._unread.is_open(symbol):
            return
        question = self._gaps.question(symbol, self.now_ns)
        if question is not None:
            self._unread.want(question, is_past=False)
            self.tell(self._venue, question)

    def deliver(self, messages: Iterable[Message]) -> None:
        """Tell the store what is for it, and say the rest."""
        for message in messages:
            if isinstance(message, (*COMMANDS, DayChanged)) and self._store is not None:
                self.tell(self._store, message)
            if not isinstance(message, COMMANDS):
                self.say(message)

    def on_account_synced(self, account: AccountSynced) -> None:
        """Note what the account is worth, and what it holds."""
        self._account = account
        self.deliver(self._books.seen(account))

    def compare(self, synced: OrdersSynced, stated_ns: int) -> None:
        """Begin the round trips anew if what was kept lastingly is not what is held.

        ``stated_ns`` is the venue time up to which fills are in that position.
        """
        symbol = synced.symbol
        self._unchecked.discard(symbol)
        lots = synced.position_lots
        off_ns = self._books.of(symbol).off_for_ns(lots, self.now_ns)
        if off_ns < 0:
            return
        since_ns = self.now_ns - off_ns
        is_lasting = off_ns >= SETTLE_NS and self._holds(symbol, lots, since_ns)
        if is_lasting and self._gaps.is_read_since(symbol, since_ns):
            self.deliver(self._books.rebase(symbol, lots, stated_ns))
            return
        if off_ns >= GRACE_NS:
            self.ask_for_missed(symbol)
        self.set_timer("base", SETTLE_NS)

    def _holds(self, symbol: str, lots: int, since_ns: int) -> bool:
        """Return whether the account was seen to hold so much, by a snapshot since then."""
        account = self._account
        if account is None or account.asked_ns < since_ns:
            return False
        return lots == sum(one.qty_lots for one in account.positions if one.symbol == symbol)

    def needs_position(self, symbol: str) -> bool:
        """Return whether the round trips wait for the venue to say what is held."""
        is_off = self._books.of(symbol).is_off
        return self._books.lacks_base(symbol) or is_off or symbol in self._unchecked

    def on_books_restored(self, answer: BooksRestored) -> None:
        """Go on from what was kept: read what has been traded and paid since."""
        questions = self._books.restored(answer)
        if questions is None:
            return
        self.tell(self._venue, ReadFunding(since_ns=answer.funding_since_ns))
        self.ask(questions.values())
        for symbol in self._books.symbols:
            if symbol not in self._unread:
                self.finish(symbol)

    def on_books_reported(self, report: BooksReported) -> None:
        """Take the books up again after rows were lost; the venue still knows them."""
        if self._books.must_restore(report):
            self.set_timer("restore", RETRY_NS)
        is_bad = report.is_torn or not report.is_written
        if is_bad and not self._is_bad:
            text = report.detail or f"{report.lost} rows found no room and are read again"
            self.say(BooksDoubted(symbol="", detail=text))
        self._is_bad = is_bad

    def finish(self, symbol: str) -> None:
        """Go on with what is told: the past is known."""
        missed = self._books.missed(symbol)
        if missed:
            self.ask(missed)
        else:
            self.deliver(self._books.past_read(symbol))
            if not self._books.lacks_base(symbol):
                self._unchecked.add(symbol)
            self.set_timer("base", SETTLE_NS if self.generation > 1 else 0)

    def on_read_failed(self, failed: ReadFailed) -> None:
        """Try again later."""
        if failed.request == ReadTrades.__name__:
            for question in self._unread.failed(failed.symbol):
                self.tell(self._venue, question)
            if failed.symbol in self._unread:
                self.set_timer("past", RETRY_NS)
        else:
            self.set_timer("funding", RETRY_NS)
