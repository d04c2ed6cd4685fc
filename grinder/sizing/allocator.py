"""Who may lose how much: the budget of the account, split over symbols by how risky they are."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, localcontext
from enum import StrEnum

import attrs

from grinder.model.legs import market_of

_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_ZERO = Decimal(0)
_CENT = Decimal("0.01")
BUDGET_MIN = Decimal(1)
"""A share below it, in quote units, is none; it stays unallocated."""


class RiskTier(StrEnum):
    """How risky a symbol is; the riskier, the less it is given."""

    LOW = "LOW"
    MED = "MED"
    HIGH = "HIGH"


_SIXTHS = {RiskTier.LOW: 6, RiskTier.MED: 4, RiskTier.HIGH: 3}
"""A tier divides the weight by 1, 1.5 or 2: what is left of it, in sixths, so that it is exact."""


@attrs.frozen(kw_only=True)
class Candidate:
    """One symbol that may be given a share.

    Raises:
        ValueError: a weight that is negative or not finite.
    """

    symbol: str
    tier: RiskTier = RiskTier.LOW
    weight: Decimal = Decimal(1)
    """What a person wants it to have, against the others, before its tier."""
    is_enabled: bool = True

    def __attrs_post_init__(self) -> None:
        if not (self.weight.is_finite() and self.weight >= 0):
            raise ValueError(f"expected a finite weight from 0, was {self.weight}")

    @property
    def risk_weight(self) -> Decimal:
        """The weight by which shares are made, in sixths; only its ratio to others matters."""
        return self.weight * _SIXTHS[self.tier]


@attrs.frozen(kw_only=True)
class Allocation:
    """The whole split; money in quote units."""

    budget: Decimal
    """What was to be split, down to the cent."""
    shares: tuple[tuple[str, Decimal], ...]
    """(symbol, what it may lose), by symbol; everyone asked for is there, 0 when given nothing."""
    residual: Decimal
    """What nobody was given: rounding, shares too small, or everything."""
    equity: Decimal

    def of(self, symbol: str) -> Decimal:
        """Return the share of ``symbol``; 0 for one that was not asked for."""
        return dict(self.shares).get(symbol, _ZERO)

    def fraction(self, symbol: str) -> Decimal:
        """Return the share of ``symbol`` as a fraction of the equity."""
        return _CONTEXT.divide(self.of(symbol), self.equity)


def allocate(equity: Decimal, fraction: Decimal, candidates: Iterable[Candidate]) -> Allocation:
    """Split ``fraction`` of ``equity`` by weight over tier, each share down to the cent.

    The order of the candidates does not matter. A larger budget gives nobody less. Once a share
    falls below ``BUDGET_MIN`` it is 0 at one stroke: nobody else is given it.

    Args:
        equity: of the account now, in quote units.
        fraction: of it that all symbols together may lose, in (0, 1].
        candidates: who is asked for, enabled or not.

    Raises:
        ValueError: equity or fraction out of range, nobody asked for, a symbol twice, or enabled
            symbols that weigh nothing together.
    """
    if not (equity.is_finite() and equity > 0 and fraction.is_finite() and 0 < fraction <= 1):
        raise ValueError(f"expected equity > 0 and a fraction in (0, 1], was {equity}, {fraction}")
    asked = sorted(candidates, key=lambda one: one.symbol)
    if not asked or len({one.symbol for one in asked}) != len(asked):
        raise ValueError(f"expected candidates, each once, was {[one.symbol for one in asked]}")
    with localcontext(_CONTEXT):
        budget = (equity * fraction).quantize(_CENT, ROUND_DOWN)
        enabled = [one for one in asked if one.is_enabled]
        total = sum((one.risk_weight for one in enabled), start=_ZERO)
        if enabled and total == 0:
            raise ValueError("expected enabled candidates that weigh more than 0 together")
        shares = tuple(
            (one.symbol, _share(budget, one.risk_weight, total) if one.is_enabled else _ZERO)
            for one in asked
        )
        residual = budget - sum((share for _, share in shares), start=_ZERO)
    return Allocation(budget=budget, shares=shares, residual=residual, equity=equity)


def _share(budget: Decimal, weight: Decimal, total: Decimal) -> Decimal:
    share = (budget * weight / total).quantize(_CENT, ROUND_DOWN)
    return share if share >= BUDGET_MIN else _ZERO


def candidates(symbols: Iterable[str], tiers: Iterable[str] = ()) -> tuple[Candidate, ...]:
    """Return everyone of ``symbols``, equally wanted, with the tier that ``tiers`` gives it.

    Args:
        symbols: who is asked for, each leg of a market by itself.
        tiers: SYMBOL=LOW, MED or HIGH; LOW for whoever is not named. Others may be named, too.

    Raises:
        ValueError: a tier that does not read so, or a symbol named twice.
    """
    known: dict[str, RiskTier] = {}
    for text in tiers:
        symbol, _, tier = text.partition("=")
        if not symbol or symbol in known or tier not in RiskTier.__members__:
            raise ValueError(f'expected SYMBOL=LOW, MED or HIGH, each symbol once, was "{text}"')
        known[symbol] = RiskTier[tier]
    return tuple(
        Candidate(symbol=one, tier=known.get(market_of(one), RiskTier.LOW)) for one in symbols
    )
