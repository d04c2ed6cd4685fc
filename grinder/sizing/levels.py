"""How big each level of a ladder may be, so that the whole of it loses no more than its budget.

The loss that counts is that of one side filled whole, with what is held already on that side,
after the market has gone ``adverse_move`` further: every level is valued at its own price and what
is held at the price of now. What is held on the other side gives no room, because an exit may take
it away before the levels fill.

What does not fit is cut in one order: sizes shrink to the budget and the caps, then the outermost
levels go until none of the rest is below the venue's minimum, then the side stays empty.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, localcontext
from enum import StrEnum
from functools import lru_cache

import attrs

_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_ZERO = Decimal(0)


class Weights(StrEnum):
    """How a side's quantity is spread over its levels, the innermost first."""

    UNIFORM = "uniform"
    PYRAMID = "pyramid"
    """Level i has i to the power of 1.5: the outer ones are larger."""
    INVERSE_PYRAMID = "inverse-pyramid"


class SizingReason(StrEnum):
    """Why a side is not what the budget alone would make it."""

    SIZE_CAPPED = "SIZE_CAPPED"
    """A cap on the order or on the position is below what the budget allows."""
    LEVELS_CUT = "LEVELS_CUT"
    """Outer levels are left out: together they would be below the minimum."""
    NO_ROOM = "NO_ROOM"
    """A side stays empty: what is held, or the minimum, leaves nothing for it."""


def _check_positive(_: object, attribute: attrs.Attribute[Decimal], value: Decimal | None) -> None:
    if value is not None and not (value.is_finite() and value > 0):
        raise ValueError(f"expected a finite {attribute.name} above 0, was {value}")


def _check_prices(
    _: object, attribute: attrs.Attribute[tuple[Decimal, ...]], value: tuple[Decimal, ...]
) -> None:
    if not all(price.is_finite() and price > 0 for price in value):
        raise ValueError(f"expected {attribute.name} that are finite and above 0, was {value}")


@attrs.frozen(kw_only=True)
class SizingInputs:
    """One symbol's ladder without its sizes, and what may be lost with it.

    Raises:
        ValueError: a number outside its range, or a ladder without a level.
    """

    equity: Decimal = attrs.field(validator=_check_positive)
    """Of the account now, in quote units; above 0."""
    budget: Decimal = attrs.field(validator=_check_positive)
    """What this ladder may lose, in quote units; above 0 and at most the equity."""
    adverse_move: Decimal = attrs.field(validator=_check_positive)
    """How far the market goes against a full side, as a fraction of the price; in (0, 1]."""
    price: Decimal = attrs.field(validator=_check_positive)
    """Of now, in quote per base: what is held is valued at it."""
    buy_prices: tuple[Decimal, ...] = attrs.field(default=(), validator=_check_prices)
    """Where the buys are, the innermost first."""
    sell_prices: tuple[Decimal, ...] = attrs.field(default=(), validator=_check_prices)
    weights: Weights = Weights.UNIFORM
    first_levels: int | None = None
    """Only so many levels of each side get a size, at least 1; None for all of them."""
    position_qty: Decimal = _ZERO
    """Held, in base units; negative when short."""
    lot: Decimal = attrs.field(default=Decimal("0.00000001"), validator=_check_positive)
    """Quantities are rounded down to it, in base units."""
    qty_min: Decimal = Decimal("0.0001")
    """No level is smaller, in base units."""
    notional_min: Decimal = _ZERO
    """No level is worth less, in quote units."""
    order_notional_max: Decimal | None = attrs.field(default=None, validator=_check_positive)
    """No level is worth more, in quote units; None without a cap."""
    position_notional_max: Decimal | None = attrs.field(default=None, validator=_check_positive)
    """What is held and one side together are worth no more, in quote units; None without a cap."""

    def __attrs_post_init__(self) -> None:
        if self.budget > self.equity:
            raise ValueError(f"expected a budget up to {self.equity}, was {self.budget}")
        if self.adverse_move > 1:
            raise ValueError(f"expected an adverse move in (0, 1], was {self.adverse_move}")
        if not self.buy_prices and not self.sell_prices:
            raise ValueError("expected at least one level")
        if self.first_levels is not None and self.first_levels < 1:
            raise ValueError(f"expected first levels from 1, was {self.first_levels}")
        if not self.position_qty.is_finite() or self.qty_min < 0 or self.notional_min < 0:
            raise ValueError(f"expected a finite position and minima from 0, was {self}")


@attrs.frozen(kw_only=True)
class SizedLevels:
    """What each level may be, and what all of it can lose."""

    buys: tuple[Decimal, ...]
    """Quantity of each buy in base units, as many as there were prices; 0 where there is none."""
    sells: tuple[Decimal, ...]
    notional: Decimal
    """Worth of every level of both sides at its own price, in quote units."""
    worst_loss: Decimal
    """Loss of the worse side, filled whole with what is held, in quote units."""
    utilisation: Decimal
    """Worst loss over budget; above 1 only when what is held is too much by itself."""
    weights: Weights
    reasons: tuple[SizingReason, ...] = ()

    @property
    def levels_down(self) -> int:
        """Buys that have a size."""
        return sum(1 for qty in self.buys if qty)

    @property
    def levels_up(self) -> int:
        """Sells that have a size."""
        return sum(1 for qty in self.sells if qty)

    @property
    def schedule(self) -> tuple[Decimal, ...]:
        """One size for both sides of each level, as a ``GridPlan`` wants it.

        The smaller one where both have one, so that neither side exceeds its budget; with
        ``levels_down`` and ``levels_up`` it is the whole plan. Empty when no level has a size.
        """
        buys, sells = self.buys[: self.levels_down], self.sells[: self.levels_up]
        outer = max(buys, sells, key=len)
        return (*map(min, buys, sells), *outer[min(len(buys), len(sells)) :])


def loss_budget(equity: Decimal, fraction: Decimal) -> Decimal:
    """Return what may be lost of ``equity``, in quote units, exact.

    Raises:
        ValueError: an equity of 0 or less, or a fraction outside (0, 1].
    """
    if not (equity.is_finite() and equity > 0 and fraction.is_finite() and 0 < fraction <= 1):
        raise ValueError(f"expected equity > 0 and a fraction in (0, 1], was {equity}, {fraction}")
    return equity * fraction


def size_levels(inputs: SizingInputs) -> SizedLevels:
    """Return the largest sizes that keep the budget, the caps and the venue's minima."""
    with localcontext(_CONTEXT):
        held = inputs.position_qty * inputs.price
        reasons: set[SizingReason] = set()
        buys = _side(inputs, inputs.buy_prices, max(held, _ZERO), reasons)
        sells = _side(inputs, inputs.sell_prices, max(-held, _ZERO), reasons)
        bought = _worth(buys, inputs.buy_prices)
        sold = _worth(sells, inputs.sell_prices)
        longest = max(held, _ZERO) + bought
        shortest = max(-held, _ZERO) + sold
        worst_loss = max(longest, shortest) * inputs.adverse_move
        return SizedLevels(
            buys=buys,
            sells=sells,
            notional=bought + sold,
            worst_loss=worst_loss,
            utilisation=worst_loss / inputs.budget,
            weights=inputs.weights,
            reasons=tuple(one for one in SizingReason if one in reasons),
        )


@lru_cache(maxsize=512)
def level_weights(weights: Weights, levels: int) -> tuple[Decimal, ...]:
    """Return the weight of each level, the innermost first; only their ratios mean anything."""
    if weights is Weights.UNIFORM:
        return (Decimal(1),) * levels
    # x ** 1.5 as x times its root, to the digits of our own context whatever the caller's is.
    rising = tuple(
        _CONTEXT.multiply(number, _CONTEXT.sqrt(number))
        for number in map(Decimal, range(1, levels + 1))
    )
    return rising if weights is Weights.PYRAMID else rising[::-1]


def _side(
    inputs: SizingInputs,
    prices: tuple[Decimal, ...],
    held: Decimal,
    reasons: set[SizingReason],
) -> tuple[Decimal, ...]:
    if not prices:
        return ()
    room = inputs.budget / inputs.adverse_move - held
    cap = inputs.position_notional_max
    if cap is not None and cap - held < room:
        room = cap - held
        reasons.add(SizingReason.SIZE_CAPPED)
    levels = 0
    if room > 0:
        # Fewer levels are larger ones, so what fits with n of them fits with n - 1.
        levels = bisect_left(
            range(1, len(prices) + 1),
            True,
            key=lambda count: not _is_large_enough(inputs, prices[:count], room),
        )
    if levels < len(prices):
        reasons.add(SizingReason.LEVELS_CUT if levels else SizingReason.NO_ROOM)
    quantities, is_capped = _quantities(inputs, prices[:levels], room)
    if is_capped:
        reasons.add(SizingReason.SIZE_CAPPED)
    return (*quantities, *(_ZERO for _ in range(len(prices) - len(quantities))))


def _is_large_enough(inputs: SizingInputs, prices: tuple[Decimal, ...], room: Decimal) -> bool:
    quantities, _ = _quantities(inputs, prices, room)
    return all(
        qty > 0 and qty >= inputs.qty_min and qty * price >= inputs.notional_min
        for qty, price in zip(quantities, prices, strict=False)
    )


def _quantities(
    inputs: SizingInputs, prices: tuple[Decimal, ...], room: Decimal
) -> tuple[tuple[Decimal, ...], bool]:
    """Return the size of each of the first levels, and whether the cap on orders made one less."""
    weights = level_weights(inputs.weights, len(prices))
    total = sum((w * price for w, price in zip(weights, prices, strict=True)), start=_ZERO)
    cap = inputs.order_notional_max
    is_capped = False
    quantities = []
    for weight, price in zip(weights[: inputs.first_levels], prices, strict=False):
        qty = _down(room * weight / total, inputs.lot)
        if cap is not None and qty * price > cap:
            qty = _down(cap / price, inputs.lot)
            is_capped = True
        quantities.append(qty)
    return tuple(quantities), is_capped


def _down(qty: Decimal, lot: Decimal) -> Decimal:
    return (qty / lot).to_integral_value(ROUND_FLOOR) * lot


def _worth(quantities: tuple[Decimal, ...], prices: tuple[Decimal, ...]) -> Decimal:
    return sum((q * price for q, price in zip(quantities, prices, strict=True)), start=_ZERO)
