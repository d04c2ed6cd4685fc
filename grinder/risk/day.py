"""What was won or lost since midnight UTC, and the latch that ends a day that lost too much.

It counts what the books say: realised and unrealised profit, funding, and fees against it. Once the
loss exceeds the limit nothing is entered before the next midnight, even if what is held recovers:
a day on the edge would else begin and end with every tick.

The first day of a process may have begun before it. Where books are kept beyond the run, they tell
what it had brought by then; otherwise it begins at nothing.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from grinder.messages.ledger import DayChanged, LedgerChanged
from grinder.model.units import NS_PER_S

DAY_NS = 86_400 * NS_PER_S
EPOCH = date(1970, 1, 1)
_ZERO = Decimal(0)


class DayLoss:
    """The day's account, over all symbols, in quote units, exact."""

    __slots__ = (
        "_base",
        "_booked",
        "_fills",
        "_nets",
        "_untold",
        "carried",
        "day",
        "equity",
        "is_first",
        "is_lost",
        "limit",
        "net",
    )

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
        self.is_first = True
        """True on the day on which the process began."""
        self.carried = _ZERO
        """What earlier processes won on that day; negative when lost."""
        self._base = _ZERO
        self._booked: dict[str, Decimal] = {}
        """By symbol: realised and funding less fees, without what is only on paper."""
        self._nets: dict[str, Decimal] = {}
        self._fills: dict[str, int] = {}
        self._untold: frozenset[str] = frozenset()

    @property
    def is_told(self) -> bool:
        """False in a later generation until the books have told what they hold of each symbol."""
        return not self._untold

    @property
    def pnl(self) -> Decimal:
        """Won since midnight UTC; negative when lost, 0 while the books have not told."""
        return self.net - self._base + self.carried if self.is_told else self.carried

    @property
    def fraction(self) -> Decimal:
        """Loss of the day over the equity at its begin, in [0, 1]; 0 while that is unknown."""
        if self.equity <= 0:
            return _ZERO
        return min(max(-self.pnl / self.equity, _ZERO), Decimal(1))

    def hear(self, changed: LedgerChanged) -> None:
        """Take one symbol's totals, unless they are those of books that are being read again."""
        symbol = changed.symbol
        if self._untold:
            self._untold -= {symbol}
        if changed.fills < self._fills.get(symbol, 0):
            return
        self._fills[symbol] = changed.fills
        booked = changed.realized_pnl + changed.funding - changed.fees
        net = booked + changed.unrealized_pnl
        self._booked[symbol] = booked
        self.net += net - self._nets.get(symbol, _ZERO)
        self._nets[symbol] = net

    def hear_day(self, changed: DayChanged) -> None:
        """Take from the books what the day had brought before this process began."""
        if not self.is_told:
            return
        if self.is_first and (date.fromisoformat(changed.day) - EPOCH).days == self.day:
            booked = changed.realized_pnl + changed.funding - changed.fees
            self.carried = booked - sum(self._booked.values(), _ZERO)

    def look(self, now_ns: int, equity: Decimal) -> bool:
        """Begin a new day if it is one; return whether this look found the day lost.

        Args:
            now_ns: since the epoch, UTC.
            equity: of the account now; 0 while unknown.
        """
        day = now_ns // DAY_NS
        if day != self.day and self.is_told:
            if self.day:
                self._base, self.carried, self.is_first = self.net, _ZERO, False
            self.day, self.is_lost, self.equity = day, False, _ZERO
        if not self.equity:
            self.equity = max(equity, _ZERO)
        if self.is_lost or not self.limit or self.pnl >= -self.limit:
            return False
        self.is_lost = True
        return True

    def latched(self) -> tuple[tuple[str, str], ...]:
        """Return what the next generation has to know, as (key, value)."""
        worth = {symbol for symbol, net in self._nets.items() if net}
        return (
            ("day", str(self.day or "")),
            ("day_base", str(self._base)),
            ("day_equity", str(self.equity or "")),
            ("day_lost", "yes" if self.is_lost else ""),
            ("day_carried", str(self.carried) if self.is_first else ""),
            ("day_symbols", " ".join(sorted(self._untold | worth))),
        )

    def recall(self, known: dict[str, str]) -> None:
        """Take over the day of an earlier generation; its books are told of later."""
        if known.get("day"):
            self.day = int(known["day"])
            self._base = Decimal(known["day_base"])
            self.equity = Decimal(known.get("day_equity") or 0)
            self.is_lost = bool(known.get("day_lost"))
            self.is_first = bool(known.get("day_carried"))
            self.carried = Decimal(known.get("day_carried") or 0)
            # One symbol's loss without another's profit is nobody's loss.
            self._untold = frozenset(known.get("day_symbols", "").split())
