"""The books of an account: what is kept beyond the run, and how it is taken up again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from grinder.kernel.message import Message
from grinder.ledger.days import DayBook
from grinder.ledger.keeping import SymbolKeeper
from grinder.messages.account import AccountSynced, FundingPaid
from grinder.messages.books import (
    BookBase,
    BookFill,
    BookFunding,
    BooksReported,
    BooksRestored,
    RestoreBooks,
)
from grinder.messages.ledger import DayChanged
from grinder.messages.orders import OrderFilled
from grinder.messages.venue import ReadTrades
from grinder.model.instrument import Instrument

PAYMENTS_MAX = 10_000
COMMANDS = (RestoreBooks, BookBase, BookFill, BookFunding)
"""What the port is told; everything else that comes out of here is said. DayChanged is both."""


class Bookkeeper:
    """Round trips of all symbols, days, and the conversation with the store.

    Without a store the round trips are those of the run, and nothing else is.
    """

    def __init__(
        self, instruments: Mapping[str, Instrument], source: str, started_ns: int, *, is_kept: bool
    ) -> None:
        quotes = {one.quote_asset for one in instruments.values()}
        self._started_ns = started_ns
        self._is_kept = is_kept
        self._keepers = {name: SymbolKeeper(one, source) for name, one in instruments.items()}
        self._quote_asset = min(quotes, default="USDT")
        self._days = DayBook(self._quote_asset)
        self._payments: dict[tuple[str, int], None] = {}
        self._token = 0
        self._is_restoring = False
        self._restores = 0
        self._since_ns = started_ns
        self.funding_since_ns = started_ns
        """From when on payments are to be read."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols that are traded."""
        return tuple(self._keepers)

    def of(self, symbol: str) -> SymbolKeeper:
        """Return the keeper of a symbol that is traded."""
        return self._keepers[symbol]

    def past(self) -> tuple[ReadTrades, ...]:
        """Return what a later life has to read of the run; what is heard meanwhile waits."""
        for one in self._keepers.values():
            one.is_reading = True
        return tuple(self._whole_run(symbol) for symbol in self._keepers)

    def knows(self, symbol: str) -> bool:
        """Return whether ``symbol`` is traded."""
        return symbol in self._keepers

    def restore(self, generation: int) -> tuple[Message, ...]:
        """Ask the store for what was kept; nothing without one. A later answer voids an earlier."""
        if not self._is_kept:
            return ()
        self._token = max(self._token + 1, generation << 16)
        self._is_restoring = True
        self._restores += generation
        for one in self._keepers.values():
            one.forget()
        return (
            RestoreBooks(
                token=self._token,
                started_ns=self._started_ns,
                symbols=tuple(self._keepers),
                quote_asset=self._quote_asset,
            ),
        )

    def must_restore(self, report: BooksReported) -> bool:
        """Return whether rows were lost and nothing has been done about it yet."""
        return report.is_torn and not self._is_restoring

    def restored(self, answer: BooksRestored) -> dict[str, ReadTrades] | None:
        """Take what was kept; return what to read of each symbol, None for a stale answer."""
        if answer.token != self._token:
            return None
        self._is_restoring = False
        self._since_ns = answer.since_ns
        self.funding_since_ns = min(self._started_ns, answer.funding_since_ns)
        self._days.restore(answer.day)
        self._payments = dict.fromkeys(answer.payments)
        questions: dict[str, ReadTrades] = {}
        if self._restores > 1:
            # Something was told before this life, or is lost: it may never have been kept.
            questions = {symbol: self._whole_run(symbol) for symbol in self._keepers}
        for books in answer.symbols:
            symbol = books.state.symbol
            keeper = self._keepers.get(symbol)
            if keeper is not None:
                keeper.restore(books)
                questions[symbol] = ReadTrades(
                    symbol=symbol,
                    from_id=books.trade_ids[0] if books.trade_ids else 0,
                    since_ns=answer.since_ns,
                )
        return questions

    def _whole_run(self, symbol: str) -> ReadTrades:
        return ReadTrades(symbol=symbol, from_id=0, since_ns=self._started_ns)

    def heard(self, fill: OrderFilled) -> list[Message]:
        """Take a fill that is told as it happens."""
        return self._counted(self._keepers[fill.symbol].hear(fill))

    def listed(self, fill: OrderFilled) -> list[Message]:
        """Take a trade that the venue lists; one of before the books began is none of theirs."""
        if fill.event_ns < self._since_ns:
            return []
        return self._counted(self._keepers[fill.symbol].hear_past(fill))

    def missed(self, symbol: str) -> tuple[ReadTrades, ...]:
        """Return what has to be read once more, because too much was told meanwhile."""
        keeper = self._keepers[symbol]
        is_short, keeper.is_short = keeper.is_short, False
        if not is_short or keeper.state is None:
            return ()
        return (ReadTrades(symbol=symbol, from_id=keeper.last_id + 1, since_ns=0),)

    def past_read(self, symbol: str) -> list[Message]:
        """Take note that the venue's list has come to its end."""
        return self._counted(self._keepers[symbol].past_read())

    def lacks_base(self, symbol: str) -> bool:
        """Return whether it is still unknown what was held before the first fill."""
        keeper = self._keepers[symbol]
        return keeper.state is None and not keeper.is_reading and not keeper.is_foreign

    def base(self, symbol: str, position_lots: int, settled_ns: int) -> list[Message]:
        """Begin with a position of the venue's."""
        return self._counted(self._keepers[symbol].base(position_lots, settled_ns))

    def rebase(self, symbol: str, position_lots: int, settled_ns: int) -> list[Message]:
        """Begin anew with a position that the fills do not explain."""
        return self._counted(self._keepers[symbol].rebase(position_lots, settled_ns))

    def paid(self, payment: FundingPaid) -> list[Message]:
        """Take a funding payment; once each."""
        key = (payment.symbol, payment.transaction_id)
        if not self._is_kept or key in self._payments:
            return []
        self._payments[key] = None
        if len(self._payments) > PAYMENTS_MAX:
            del self._payments[next(iter(self._payments))]
        row = BookFunding(
            symbol=payment.symbol,
            transaction_id=payment.transaction_id,
            amount=payment.amount,
            event_ns=payment.event_ns,
        )
        return [row, *self._days.add(row)]

    def seen(self, account: AccountSynced) -> list[Message]:
        """Take what the account is worth."""
        if self._is_restoring or not self._is_kept:
            return []
        return list(self._days.see(account.wallet + account.unrealized_pnl, account.answered_ns))

    def today(self) -> Iterable[DayChanged]:
        """Return the day, if it has changed since it was told."""
        return () if self._is_restoring or not self._is_kept else self._days.changed()

    def _counted(self, outcomes: Iterable[Message]) -> list[Message]:
        """Return ``outcomes`` and what they make of the day; no rows where nothing is kept."""
        found: list[Message] = []
        for one in outcomes:
            if isinstance(one, BookFill):
                if self._is_kept:
                    found += [one, *self._days.add(one)]
            elif self._is_kept or not isinstance(one, BookBase):
                found.append(one)
        return found
