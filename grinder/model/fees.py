"""Commission rates."""

from __future__ import annotations

from decimal import Decimal

import attrs


@attrs.frozen(kw_only=True)
class FeeRates:
    """Fractions of notional: 0.0002 is two basis points. Positive is paid, negative is a rebate.

    Source of the defaults: Binance USDT-M futures at VIP 0.
    """

    maker: Decimal = Decimal("0.0002")
    taker: Decimal = Decimal("0.0005")


def _tier(maker: str, taker: str) -> FeeRates:
    return FeeRates(maker=Decimal(maker), taker=Decimal(taker))


FEE_TIERS = (
    _tier("0.0002", "0.0005"),
    _tier("0.00016", "0.0004"),
    _tier("0.00014", "0.00035"),
    _tier("0.00012", "0.00032"),
    _tier("0.0001", "0.0003"),
    _tier("0.00008", "0.00027"),
    _tier("0.00006", "0.00025"),
    _tier("0.00004", "0.00022"),
    _tier("0.00002", "0.0002"),
    _tier("0", "0.00017"),
)
"""Rates of VIP 0 to VIP 9. Source: Binance's fee schedule of USDT-M futures, paid in USDT."""
