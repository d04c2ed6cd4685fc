"""``exchangeInfo`` to instruments, with the filters as the venue states them."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Any

from grinder.model.instrument import Instrument
from grinder.venues.fixed import money

NO_LIMIT = 2**62
NEEDED = ("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL", "PERCENT_PRICE")


def instruments(body: Any, wanted: tuple[str, ...]) -> tuple[Instrument, ...]:
    """Return the instruments of the ``wanted`` symbols that ``body`` lists, in its order.

    Raises:
        ValueError: the body is no exchange information, or a wanted symbol lacks a filter or a
            field; the message names the symbol.
    """
    if not isinstance(body, dict) or not isinstance(body.get("symbols"), list):
        raise ValueError("expected an object with symbols, was something else")
    return tuple(
        instrument(row)
        for row in body["symbols"]
        if isinstance(row, dict) and row.get("symbol") in wanted
    )


def instrument(row: dict[str, Any]) -> Instrument:
    """Return one symbol of ``exchangeInfo`` as an instrument.

    Raises:
        ValueError: it lacks a filter or a field; the message names the symbol.
    """
    symbol = str(row.get("symbol", ""))
    try:
        filters = {each["filterType"]: each for each in row["filters"]}
        missing = tuple(name for name in NEEDED if name not in filters)
        if missing:
            raise ValueError(f"has no {', '.join(missing)}")
        return _instrument(symbol, row, filters)
    except KeyError as error:
        raise ValueError(f"symbol {symbol}: field {error} is missing") from None
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ValueError(f"symbol {symbol}: {error}") from None


def weight_limit_1m(body: Any) -> int:
    """Return the request weight allowed in a minute; 2,400 when ``body`` does not say."""
    for limit in body.get("rateLimits", ()):
        if limit.get("rateLimitType") == "REQUEST_WEIGHT" and limit.get("interval") == "MINUTE":
            return int(limit["limit"]) // max(1, int(limit.get("intervalNum", 1)))
    return 2_400


def _instrument(symbol: str, row: dict[str, Any], filters: dict[str, dict[str, Any]]) -> Instrument:
    price, lot = filters["PRICE_FILTER"], filters["LOT_SIZE"]
    band = filters["PERCENT_PRICE"]
    tick, step = money(price["tickSize"]), money(lot["stepSize"])
    if tick <= 0 or step <= 0:
        raise ValueError(f"expected a tick and a lot above 0, was {tick} and {step}")
    return Instrument(
        symbol=symbol,
        status=row["status"],
        base_asset=row["baseAsset"],
        quote_asset=row["quoteAsset"],
        tick=tick,
        lot=step,
        price_ticks_min=max(1, _steps_up(money(price["minPrice"]), tick)),
        price_ticks_max=_steps_down(money(price["maxPrice"]), tick) or NO_LIMIT,
        qty_lots_min=max(1, _steps_up(money(lot["minQty"]), step)),
        qty_lots_max=_steps_down(money(lot["maxQty"]), step) or NO_LIMIT,
        market_qty_lots_max=_steps_down(money(filters["MARKET_LOT_SIZE"]["maxQty"]), step)
        or NO_LIMIT,
        notional_min=money(filters["MIN_NOTIONAL"]["notional"]),
        multiplier_up=money(band["multiplierUp"]),
        multiplier_down=money(band["multiplierDown"]),
        orders_max=int(filters.get("MAX_NUM_ORDERS", {}).get("limit", 200)),
    )


def _steps_up(value: Decimal, step: Decimal) -> int:
    return int((value / step).to_integral_value(ROUND_CEILING))


def _steps_down(value: Decimal, step: Decimal) -> int:
    return int(value // step)
