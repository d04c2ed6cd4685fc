"""How the account stands, and what that leaves each symbol to risk.

Equity is that of the last account snapshot and what the books have won or lost since; the kill
switch goes by snapshots alone, which are the venue's own word. Policies are told when something has
changed enough to act on, not with every mark price.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

import attrs

from grinder.messages.risk import RiskBudgetChanged
from grinder.model.strategy import SizingSettings
from grinder.model.units import NS_PER_S
from grinder.sizing.allocator import allocate, candidates

MATERIAL = Decimal("0.001")
"""A change by this share of what was said last, or of the equity, is worth saying."""
PAUSE_NS = NS_PER_S
"""No symbol is told more often than this, but of a flip."""
_ZERO = Decimal(0)
_RATIO_STEP = Decimal("0.05")


@attrs.frozen(kw_only=True)
class Standing:
    """The account at one moment; fractions in [0, 1]."""

    equity: Decimal
    """In quote units."""
    budget_ratio: Decimal
    """What is left of the drawdown that trips the kill switch; 0 when the day is lost."""
    session_drawdown: Decimal
    daily_drawdown: Decimal
    is_killed: bool

    @property
    def may_enter(self) -> bool:
        """False when nothing is left to risk; a change of it is told at once."""
        return not self.is_killed and self.budget_ratio > 0

    def differs(self, said: Standing) -> bool:
        """Return whether somebody who was told ``said`` should hear of this."""
        return (
            abs(self.equity - said.equity) >= MATERIAL * said.equity
            or self.budget_ratio != said.budget_ratio
            or abs(self.session_drawdown - said.session_drawdown) >= MATERIAL
            or abs(self.daily_drawdown - said.daily_drawdown) >= MATERIAL
        )


class Equity:
    """Equity between two snapshots, and its highest; in quote units."""

    __slots__ = ("_net", "_snapshot", "peak")

    def __init__(self) -> None:
        self._snapshot: Decimal | None = None
        self._net = _ZERO
        self.peak = _ZERO

    def measure(self, equity: Decimal, net: Decimal) -> None:
        """Take a snapshot, and what the books were worth when it was heard."""
        self._snapshot, self._net = equity, net

    def settle(self, net: Decimal) -> None:
        """Take what the books were worth all along: it was won before the snapshot."""
        self._net = net

    def now(self, net: Decimal) -> Decimal:
        """Return the equity at what the books are worth now; 0 while unknown."""
        if self._snapshot is None:
            return _ZERO
        equity = max(_ZERO, self._snapshot + net - self._net)
        self.peak = max(self.peak, equity)
        return equity

    def drawdown(self, equity: Decimal) -> Decimal:
        """Return the loss of ``equity`` from the highest, as a fraction of that."""
        return max(_ZERO, (self.peak - equity) / self.peak) if self.peak > 0 else _ZERO

    def latched(self, kept: str) -> str:
        """Return the highest equity for the next generation: ``kept`` while it is near enough."""
        if kept and abs(self.peak - Decimal(kept)) <= MATERIAL * self.peak:
            return kept
        return str(self.peak) if self.peak else ""


def ratio_left(drawdown: Decimal, limit: float) -> Decimal:
    """Return what is left until ``limit``, in [0, 1], up to the twentieth.

    In steps, because each of them may change the size of every level that rests.
    """
    left = 1 - drawdown / Decimal(repr(limit))
    return (max(_ZERO, left) / _RATIO_STEP).to_integral_value(ROUND_CEILING) * _RATIO_STEP


class Budgets:
    """What each symbol was told last."""

    def __init__(self, settings: SizingSettings, symbols: tuple[str, ...]) -> None:
        self._fraction = settings.drawdown_budget
        self._candidates = candidates(symbols, settings.tiers)
        self._symbols = symbols
        self._said: dict[str, tuple[Standing, int]] = {}

    def forget(self) -> None:
        """Tell everyone again: somebody has lost his memory."""
        self._said.clear()

    def look(self, standing: Standing, now_ns: int) -> tuple[RiskBudgetChanged, ...]:
        """Return what has to be said now, symbol by symbol."""
        due = [symbol for symbol in self._symbols if self._is_due(symbol, standing, now_ns)]
        if not due:
            return ()
        equity = standing.equity
        shares = dict(allocate(equity, self._fraction, self._candidates).shares)
        self._said.update(dict.fromkeys(due, (standing, now_ns)))
        return tuple(
            RiskBudgetChanged(
                symbol=symbol,
                equity=equity,
                budget=shares[symbol],
                budget_ratio=standing.budget_ratio,
                session_drawdown=float(standing.session_drawdown),
                daily_drawdown=float(standing.daily_drawdown),
                is_killed=standing.is_killed,
            )
            for symbol in due
        )

    def _is_due(self, symbol: str, standing: Standing, now_ns: int) -> bool:
        before = self._said.get(symbol)
        if before is None:
            return True
        said, said_ns = before
        if standing.may_enter is not said.may_enter or standing.is_killed is not said.is_killed:
            return True
        return now_ns - said_ns >= PAUSE_NS and standing.differs(said)
