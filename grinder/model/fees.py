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
