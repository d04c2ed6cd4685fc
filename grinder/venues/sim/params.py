"""Parameters of a request: decoded once, then read with the venue's own complaints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import orjson

from grinder.model.order import OrderType, PositionSide, Side, TimeInForce
from grinder.simulation.orders import CONDITIONAL_TYPES, NewOrder, PriceMatch, SelfTradePrevention
from grinder.simulation.refusals import Refusal, Rule
from grinder.venues.sim.refusing import ApiRefusal, illegal, is_whole, mandatory, not_valid

PARAMETERS_MAX = 200
"""Parameters of a query string or a body; no call has nearly as many."""
NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
"""The venue's way to write a number: no exponent, no blank, no digits but these."""
DAY_MS = 86_400_000
DAYS_MAX = 7
"""The longest window in which orders and fills can be asked for."""


class Params:
    """The parameters of one request, or of one element of a batch."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        """Return a mandatory text."""
        value = self.values.get(name)
        if not value:
            raise mandatory(name)
        return value

    def maybe(self, name: str) -> str | None:
        """Return a text or None."""
        return self.values.get(name) or None

    def integer(self, name: str) -> int:
        """Return a mandatory whole number, not negative."""
        text = self.text(name)
        if not is_whole(text):
            raise mandatory(name)
        return int(text)

    def maybe_integer(self, name: str) -> int | None:
        """Return a whole number or None."""
        return self.integer(name) if self.maybe(name) else None

    def decimal(self, name: str) -> Decimal:
        """Return a mandatory exact number."""
        text = self.text(name)
        if not NUMBER.fullmatch(text):
            raise illegal(name)
        return Decimal(text)

    def maybe_decimal(self, name: str) -> Decimal | None:
        """Return an exact number or None."""
        return self.decimal(name) if self.maybe(name) else None

    def flag(self, name: str) -> bool:
        """Return a truth value; absent is false."""
        value = (self.maybe(name) or "false").lower()
        if value not in ("true", "false"):
            raise mandatory(name)
        return value == "true"

    def limit(self, default: int, most: int) -> int:
        """Return how many rows are wanted.

        Raises:
            ApiRefusal: -1130, none or more than ``most``.
        """
        wanted = self.maybe_integer("limit")
        if wanted is not None and not 1 <= wanted <= most:
            raise not_valid("limit")
        return default if wanted is None else wanted

    def window(self, days_max: int | None = None) -> tuple[int | None, int | None]:
        """Return the time between which rows are wanted, epoch ms, either end open.

        With ``days_max``, a window with one end is that long.

        Raises:
            ApiRefusal: -1023, it ends before it starts; -4165, it is longer than ``days_max``.
        """
        start, end = self.maybe_integer("startTime"), self.maybe_integer("endTime")
        if start is not None and end is not None and start > end:
            raise ApiRefusal(-1023, "Start time is greater than end time.")
        if days_max is None or (start is None and end is None):
            return start, end
        span = days_max * DAY_MS
        start = max(0, (end or 0) - span) if start is None else start
        end = start + span if end is None else end
        if end - start > span:
            raise ApiRefusal(-4165, f"Maximum time interval is {days_max} days.")
        return start, end

    def array(self, name: str, most: int) -> list[Any]:
        """Return a JSON array of 1 to ``most`` elements."""
        try:
            found = orjson.loads(self.text(name))
        except orjson.JSONDecodeError:
            raise mandatory(name) from None
        if not isinstance(found, list):
            raise mandatory(name)
        if not 1 <= len(found) <= most:
            raise ApiRefusal(-4082, "Invalid number of batch place orders.")
        return found


def decoded(query: str, body: str) -> dict[str, str]:
    """Return the parameters of query string and body; the query string wins."""
    return dict(_rows(body)) | dict(_rows(query))


def _rows(text: str) -> list[tuple[str, str]]:
    # What has too many is refused by check_single, and not worth the time to read it.
    return parse_qsl(text, keep_blank_values=True) if _is_short(text) else []


def _is_short(text: str) -> bool:
    return text.count("&") < PARAMETERS_MAX


def check_single(query: str, body: str) -> None:
    """Check that neither query string nor body names too many parameters, or one of them twice.

    Raises:
        ApiRefusal: -1101.
    """
    for text in (query, body):
        if not _is_short(text):
            raise ApiRefusal(-1101, "Too many parameters sent for this endpoint.")
        rows = _rows(text)
        if len(rows) != len(dict(rows)):
            raise ApiRefusal(-1101, "Duplicate values for a parameter detected.")


def elements(params: Params, most: int) -> list[Mapping[str, Any]]:
    """Return the elements of a batch, all of them objects.

    Raises:
        ApiRefusal: -1102 or -4082, for the whole batch.
    """
    found = params.array("batchOrders", most)
    if not all(isinstance(value, dict) for value in found):
        raise mandatory("batchOrders")
    return found


def named_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return JSON values as the texts that a form would carry; null is not sent.

    Raises:
        ApiRefusal: -1102, a value is an array or an object.
    """
    return {name: as_text(name, each) for name, each in values.items() if each is not None}


def as_text(name: str, value: Any) -> str:
    """Return a JSON value as the text that a form would carry.

    Raises:
        ApiRefusal: -1102, it is an array, an object or null.
    """
    if value is None or isinstance(value, list | dict):
        raise mandatory(name)
    return str(value).lower() if isinstance(value, bool) else str(value)


def new_order(params: Params) -> NewOrder:
    """Return the order that the parameters ask for.

    Raises:
        ApiRefusal: a parameter is missing, malformed, or asks for what is not simulated.
        Refusal: side, type or time in force is none of the venue's words.
    """
    symbol = params.text("symbol")
    side = side_of(params)
    kind = params.text("type")
    if kind in CONDITIONAL_TYPES:
        raise Refusal(Rule.CONDITIONAL_TYPE)
    if params.flag("closePosition"):
        raise Refusal(Rule.UNWANTED_PARAMETER, name="closePosition")
    if kind not in OrderType.__members__:
        raise Refusal(Rule.ORDER_TYPE)
    is_limit = kind == OrderType.LIMIT
    time_in_force = params.text("timeInForce") if is_limit else "GTC"
    if time_in_force not in TimeInForce.__members__:
        raise ApiRefusal(-1115, "Invalid timeInForce.")
    if not is_limit and params.maybe("price"):
        raise Refusal(Rule.UNWANTED_PARAMETER, name="price")
    price_match = price_match_of(params)
    is_priced = is_limit and (price_match is PriceMatch.NONE or params.maybe("price"))
    return NewOrder(
        symbol=symbol,
        side=side,
        type=kind,
        price=params.decimal("price") if is_priced else None,
        qty=params.decimal("quantity"),
        time_in_force=TimeInForce(time_in_force),
        reduce_only=params.flag("reduceOnly"),
        client_order_id=params.maybe("newClientOrderId"),
        good_till_ms=params.maybe_integer("goodTillDate"),
        self_trade_prevention=prevention_of(params),
        position_side=position_side_of(params),
        price_match=price_match,
    )


def wants_result(params: Params) -> bool:
    """Tell whether the answer to an order shall wait for its outcome; absent is no.

    Raises:
        ApiRefusal: the response type is none of the venue's words.
    """
    kind = params.maybe("newOrderRespType") or "ACK"
    if kind not in ("ACK", "RESULT"):
        raise ApiRefusal(-1136, "Invalid newOrderRespType.")
    return kind == "RESULT"


def side_of(params: Params) -> Side:
    """Return the side.

    Raises:
        Refusal: it is neither BUY nor SELL.
    """
    side = params.text("side")
    if side not in Side.__members__:
        raise Refusal(Rule.SIDE)
    return Side(side)


def position_side_of(params: Params) -> PositionSide:
    """Return the position side; absent is BOTH.

    Raises:
        ApiRefusal: it is none of the venue's words.
    """
    text = params.maybe("positionSide") or "BOTH"
    if text not in PositionSide.__members__:
        raise ApiRefusal(-4060, "Invalid position side.")
    return PositionSide(text)


def price_match_of(params: Params) -> PriceMatch:
    """Return which price of the book is wanted; absent is NONE.

    Raises:
        ApiRefusal: it is none of the venue's words.
    """
    text = params.maybe("priceMatch") or "NONE"
    if text not in PriceMatch.__members__:
        raise ApiRefusal(-5037, "Invalid price match.")
    return PriceMatch(text)


def prevention_of(params: Params) -> SelfTradePrevention:
    """Return who expires in a self-trade; absent is the maker.

    Raises:
        ApiRefusal: it is none of the venue's words; NONE is no longer one.
    """
    text = params.maybe("selfTradePreventionMode") or "EXPIRE_MAKER"
    if text not in SelfTradePrevention.__members__:
        raise ApiRefusal(-5039, "Invalid self trade prevention mode.")
    return SelfTradePrevention(text)
