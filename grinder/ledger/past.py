"""What is read of the past, and how long a difference has lasted."""

from __future__ import annotations

from typing import NamedTuple

import attrs

from grinder.messages.venue import ReadTrades, TradesRead


class _Asked(NamedTuple):
    question: ReadTrades
    is_past: bool


class PastReads:
    """Questions on the trades of each symbol, one open at a time; each has one answer.

    Those on the past are to be answered before the books go on, and are asked until they are; one
    that only makes sure is not. A symbol is contained while its past is being read.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Asked]] = {}
        self._failed: set[str] = set()

    def __contains__(self, symbol: str) -> bool:
        return any(one.is_past for one in self._waiting.get(symbol, ()))

    def is_open(self, symbol: str) -> bool:
        """Return whether any question is open."""
        return symbol in self._waiting

    def is_past(self, symbol: str) -> bool:
        """Return whether the next answer belongs to a question on the past."""
        waiting = self._waiting.get(symbol)
        return not waiting or waiting[0].is_past

    def want(self, question: ReadTrades, *, is_past: bool = True) -> tuple[ReadTrades, ...]:
        """Return the question if it is to be asked now; else it waits for the one that is open."""
        waiting = self._waiting.setdefault(question.symbol, [])
        waiting.append(_Asked(question, is_past))
        return (question,) if len(waiting) == 1 else ()

    def answered(self, answer: TradesRead) -> tuple[ReadTrades, ...]:
        """Return what is to be asked next; the symbol is not contained any more when all is."""
        waiting = self._waiting.get(answer.symbol)
        if not waiting:
            return ()
        asked = waiting.pop(0)
        if answer.next_id:
            question = attrs.evolve(asked.question, from_id=answer.next_id)
            waiting.insert(0, _Asked(question, asked.is_past))
        return self._next(answer.symbol)

    def _next(self, symbol: str) -> tuple[ReadTrades, ...]:
        waiting = self._waiting[symbol]
        if not waiting:
            del self._waiting[symbol]
        return tuple(one.question for one in waiting[:1])

    def failed(self, symbol: str) -> tuple[ReadTrades, ...]:
        """Note that the open question came to nothing; return what is to be asked instead."""
        if symbol in self._waiting and not self.is_past(symbol):
            self._waiting[symbol].pop(0)
            return self._next(symbol)
        if symbol in self._waiting:
            self._failed.add(symbol)
        return ()

    def again(self) -> tuple[ReadTrades, ...]:
        """Return the questions on the past that came to nothing."""
        found = tuple(self._waiting[symbol][0].question for symbol in sorted(self._failed))
        self._failed.clear()
        return found


class Lasting:
    """How long something has been the same, symbol by symbol."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[object, int]] = {}

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._since

    def age_ns(self, symbol: str, value: object, now_ns: int) -> int:
        """Return for how long ``value`` has been said of ``symbol`` without a break."""
        known = self._since.get(symbol)
        if known is None or known[0] != value:
            self._since[symbol] = (value, now_ns)
            return 0
        return now_ns - known[1]

    def forget(self, symbol: str) -> None:
        """Take note that it is over."""
        self._since.pop(symbol, None)
