"""What is read of the past, and how long a difference has lasted."""

from __future__ import annotations

import attrs

from grinder.messages.venue import ReadTrades, TradesRead


class PastReads:
    """Questions on the trades of each symbol, one open at a time; each has one answer."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[ReadTrades]] = {}
        self._failed: set[str] = set()

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._waiting

    def want(self, question: ReadTrades) -> tuple[ReadTrades, ...]:
        """Return the question if it is to be asked now; else it waits for the one that is open."""
        waiting = self._waiting.setdefault(question.symbol, [])
        waiting.append(question)
        return (question,) if len(waiting) == 1 else ()

    def answered(self, answer: TradesRead) -> tuple[ReadTrades, ...]:
        """Return what is to be asked next; the symbol is not contained any more when all is."""
        symbol = answer.symbol
        waiting = self._waiting.get(symbol)
        if not waiting:
            return ()
        question = waiting.pop(0)
        if answer.next_id:
            waiting.insert(0, attrs.evolve(question, from_id=answer.next_id))
        if not waiting:
            del self._waiting[symbol]
        return tuple(waiting[:1])

    def failed(self, symbol: str) -> None:
        """Note that the open question came to nothing."""
        if symbol in self._waiting:
            self._failed.add(symbol)

    def again(self) -> tuple[ReadTrades, ...]:
        """Return the questions that came to nothing."""
        found = tuple(self._waiting[symbol][0] for symbol in sorted(self._failed))
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
