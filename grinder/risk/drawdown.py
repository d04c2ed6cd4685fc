"""How much has been lost, as fractions of equity."""

from __future__ import annotations

from decimal import Decimal


class Drawdown:
    """Equity at start and now, in quote units, exact.

    The loss against the start is the one that the limit means. It neither falls below 0 nor rises
    above 1.
    """

    __slots__ = ("equity", "start")

    def __init__(self) -> None:
        self.start: Decimal | None = None
        """First equity heard; None before."""
        self.equity = Decimal(0)

    def update(self, equity: Decimal) -> None:
        """Take the equity of now: wallet balance plus unrealised profit.

        Raises:
            ValueError: the equity is not finite, or the first one is not above 0.
        """
        if not equity.is_finite():
            raise ValueError(f"expected a finite equity, was {equity}")
        if self.start is None:
            if equity <= 0:
                raise ValueError(f"expected an equity above 0 at start, was {equity}")
            self.start = equity
        self.equity = equity

    def restart(self, equity: Decimal) -> None:
        """Begin anew from ``equity``: a new session, on an operator's word.

        Raises:
            ValueError: the equity is not a finite number above 0; nothing changes then.
        """
        if not equity.is_finite() or equity <= 0:
            raise ValueError(f"expected an equity above 0 at start, was {equity}")
        self.start = self.equity = equity

    @property
    def fraction(self) -> Decimal:
        """Loss since the start over the equity at start, in [0, 1]; 0 before the first update."""
        return _fraction(self.start, self.equity)

    def at(self, equity: Decimal) -> Decimal:
        """Return the loss that ``equity`` would be, as a fraction of the equity at start."""
        return _fraction(self.start, equity)

    def is_breached(self, limit: float) -> bool:
        """Return whether the loss since the start has reached ``limit`` (0.2 is a fifth)."""
        # The shortest decimal that reads back as the float: 0.2 means a fifth, not its binary.
        return self.fraction >= Decimal(repr(limit))


def _fraction(reference: Decimal | None, equity: Decimal) -> Decimal:
    if reference is None:
        return Decimal(0)
    return min(max((reference - equity) / reference, Decimal(0)), Decimal(1))
