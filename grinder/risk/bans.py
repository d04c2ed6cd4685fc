"""Symbols that an operator has banned: none of them is entered until the ban is over.

Exits and cancels are not touched. A ban ends by itself or is lifted by name; both are news.
"""

from __future__ import annotations

import json

import attrs

from grinder.messages.risk import BanSymbol, SymbolBanned

FOR_EVER_NS = 2**63 - 1


class Bans:
    """Every ban in force, by symbol, and what was said of it last. Times in ns."""

    __slots__ = ("_said", "by_symbol")

    def __init__(self) -> None:
        self.by_symbol: dict[str, SymbolBanned] = {}
        """One that is over stays until that has been told."""
        self._said: dict[str, SymbolBanned] = {}

    def add(self, command: BanSymbol, now_ns: int) -> None:
        """Ban a symbol from now on; a ban that it had ends with this one."""
        until_ns = now_ns + command.duration_ns if command.duration_ns else FOR_EVER_NS
        self.by_symbol[command.symbol] = SymbolBanned(
            symbol=command.symbol,
            is_banned=True,
            until_ns=until_ns,
            reason=command.reason,
            operator=command.operator,
        )

    def lift(self, symbol: str) -> None:
        """End the ban of a symbol, if it has one."""
        self.by_symbol.pop(symbol, None)

    def holds(self, symbol: str, now_ns: int) -> bool:
        """Return whether a symbol is banned."""
        ban = self.by_symbol.get(symbol)
        return ban is not None and now_ns < ban.until_ns

    def news(self, now_ns: int) -> tuple[SymbolBanned, ...]:
        """Forget bans that are over; return every ban that began, changed or ended."""
        for symbol in [one for one in self.by_symbol if not self.holds(one, now_ns)]:
            del self.by_symbol[symbol]
        ended = [self._said[one] for one in self._said if one not in self.by_symbol]
        begun = [ban for symbol, ban in self.by_symbol.items() if self._said.get(symbol) != ban]
        self._said = dict(self.by_symbol)
        return (*[attrs.evolve(one, is_banned=False) for one in ended], *begun)

    def forget(self) -> None:
        """Tell of every ban again, and of an end not told yet: somebody has lost his memory."""
        self._said = {symbol: _unsaid(ban) for symbol, ban in self._said.items()}

    def text(self) -> str:
        """Return every ban for the next generation; empty without any."""
        rows = [
            [one.symbol, one.until_ns, one.reason, one.operator] for one in self.by_symbol.values()
        ]
        return json.dumps(rows) if rows else ""

    def recall(self, text: str) -> None:
        """Take what ``text`` returned before, and tell of each, be it of its end.

        What was banned meanwhile stays as it is.
        """
        for symbol, until_ns, reason, operator in json.loads(text or "[]"):
            ban = SymbolBanned(
                symbol=symbol, is_banned=True, until_ns=until_ns, reason=reason, operator=operator
            )
            self.by_symbol.setdefault(symbol, ban)
            self._said.setdefault(symbol, _unsaid(ban))


def _unsaid(ban: SymbolBanned) -> SymbolBanned:
    return attrs.evolve(ban, is_banned=False)
