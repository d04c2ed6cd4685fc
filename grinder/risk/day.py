"""What was won or lost since midnight UTC, and the latch that ends a day that lost too much.

It counts what the books say: realised and unrealised profit, funding, and fees against it. Once the
loss exceeds the limit nothing is entered before the next midnight, even if what is held recovers:
a day on the edge would else begin and end with every tick.
"""

from __future__ import annotations

from decimal import Decimal

from grinder.messages.ledger import LedgerChanged
from grinder.model.units import NS_PER_S

DAY_NS = 86_400 * NS_PER_S
_ZERO = Decimal(0)


class DayLoss:
    """The day's account, over all symbols, in quote units, exact."""

    __slots__ = ("_base", "_fills", "_nets", "day", "equity", "is_lost", "is_told", "limit", "net")

    def __init__(self, limit: Decimal) -> None:
        self.limit = limit
        """Loss that is still allowed; 0 allows any."""
        self.day = 0
        """Days since the epoch, UTC; 0 before the first look."""
        self.is_lost = False
        """True when the day's loss has exceeded the limit, until midnight UTC."""
        self.equity = _ZERO
        """At midnight, or when it was first known that day; 0 while unknown."""
        self.net = _ZERO
        """Worth of everything in the books since they began."""
        self.is_told = True
        """False in a later generation until the books have told what they hold."""
        self._base = _ZERO
        self._nets: dict[str, Decimal] = {}
        self._fills: dict[str, int] = {}

    @property
    def pnl(self) -> Decimal:
        """Won since midnight UTC; negative when lost, 0 while the books have not told."""
        return self.net - self._base if self.is_told else _ZERO

    @property
    def fraction(self) -> Decimal:
        """Loss of the day over the equity at its begin, in [0, 1]; 0 while that is unknown."""
        if self.equity <= 0:
            return _ZERO
        return min(max(-self.pnl / self.equity, _ZERO), Decimal(1))

    def hear(self, changed: LedgerChanged) -> None:
        """Take one symbol's totals, unless they are those of books that are being read again."""
        symbol = changed.symbol
        self.is_told = True
        if changed.fills < self._fills.get(symbol, 0):
            return
        self._fills[symbol] = changed.fills
        net = changed.realized_pnl + changed.unrealized_pnl + changed.funding - changed.fees
        self.net += net - self._nets.get(symbol, _ZERO)
        self._nets[symbol] = net

    def look(self, now_ns: int, equity: Decimal) -> bool:
        """Begin a new day if it is one; return whether this look found the day lost.

        Args:
            now_ns: since the epoch, UTC.
            equity: of the account now; 0 while unknown.
        """
        day = now_ns // DAY_NS
        if day != self.day and self.is_told:
            # What an earlier process lost today is not in the books, so the first day begins at 0.
            self._base = self.net if self.day else _ZERO
            self.day, self.is_lost, self.equity = day, False, _ZERO
        if not self.equity:
            self.equity = max(equity, _ZERO)
        if self.is_lost or not self.limit or self.pnl >= -self.limit:
            return False
        self.is_lost = True
        return True

    def latched(self) -> tuple[tuple[str, str], ...]:
        """Return what the next generation has to know, as (key, value)."""
        return (
            ("day", str(self.day or "")),
            ("day_base", str(self._base)),
            ("day_equity", str(self.equity or "")),
            ("day_lost", "yes" if self.is_lost else ""),
        )

    def recall(self, known: dict[str, str]) -> None:
        """Take over the day of an earlier generation; its books are told of later."""
        if known.get("day"):
            self.day = int(known["day"])
            self._base = Decimal(known["day_base"])
            self.equity = Decimal(known.get("day_equity") or 0)
            self.is_lost = bool(known.get("day_lost"))
            self.is_told = False
