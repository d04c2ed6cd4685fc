"""From which trade on fills may have gone unheard, symbol by symbol.

A gap begins where the last trade was counted when the stream was lost. Its beginning is noted then:
once the stream is back, a fill of today is counted before the list that holds those of the gap.
"""

from __future__ import annotations

from grinder.execution.book import OrderBook
from grinder.messages.venue import ReadTrades, TradesRead
from grinder.model.units import NS_PER_S

BACKFILL_NS = 900 * NS_PER_S
"""How far back a restarted actor looks for fills that its predecessor may have missed."""


class CatchUp:
    """The gaps of one account. What happened before ``started_ns`` is not looked for."""

    def __init__(self, book: OrderBook, symbols: tuple[str, ...], started_ns: int) -> None:
        self._book = book
        self._symbols = symbols
        self._started_ns = started_ns
        self._gaps: dict[str, ReadTrades] = {}
        self._asked: set[str] = set()

    def begin(self, now_ns: int) -> None:
        """Note that fills may go unheard from now on; a gap that is open stays as it is."""
        for symbol in self._symbols:
            self._gaps.setdefault(symbol, self._resume(symbol, now_ns))

    def _resume(self, symbol: str, now_ns: int) -> ReadTrades:
        return self._book.resume_trades(symbol, max(self._started_ns, now_ns - BACKFILL_NS))

    def questions(self, now_ns: int) -> tuple[ReadTrades, ...]:
        """Return one question for each symbol, from the beginning of its gap on."""
        self._asked.update(self._gaps)
        return tuple(
            self._gaps.get(symbol) or self._resume(symbol, now_ns) for symbol in self._symbols
        )

    def heard(self, answer: TradesRead) -> ReadTrades | None:
        """Take note of a list of trades; return the question for what follows it."""
        symbol = answer.symbol
        if answer.next_id:
            return ReadTrades(symbol=symbol, from_id=answer.next_id, since_ns=0)
        if symbol in self._asked:
            self._asked.discard(symbol)
            del self._gaps[symbol]
        return None

    def failed(self, symbol: str) -> bool:
        """Take note that a list could not be read; return whether a gap is still to be filled."""
        self._asked.discard(symbol)
        return symbol in self._gaps
