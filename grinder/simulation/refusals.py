"""Every refusal of the simulated venue: its code, its text and its HTTP status.

The texts are the venue's: recorded where a recording exists, else those of its error-code page.
Texts change while codes stay, so a client must match on the code.
"""

from __future__ import annotations

from enum import Enum

from grinder.errors import GrinderError


class Rule(Enum):
    """One reason to refuse, as (code, text with named places, HTTP status)."""

    BAD_PARAMETER = (
        -1102,
        "Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
        400,
    )
    NO_ORDER_KEY = (
        -1102,
        "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
        400,
    )
    NO_ALGO_KEY = (
        -1102,
        "Param 'algoId' or 'clientAlgoId' must be sent, but both were empty/null!",
        400,
    )
    UNWANTED_PARAMETER = (-1106, "Parameter '{name}' sent when not required.", 400)
    PRECISION = (-1111, "Precision is over the maximum defined for this asset.", 400)
    ORDER_TYPE = (-1116, "Invalid orderType.", 400)
    SIDE = (-1117, "Invalid side.", 400)
    SYMBOL = (-1121, "Invalid symbol.", 400)
    UNKNOWN_ON_CANCEL = (-2011, "Unknown order sent.", 400)
    UNKNOWN_ON_QUERY = (-2013, "Order does not exist.", 400)
    ACCOUNT = (-2015, "Invalid API-key, IP, or permissions for action.", 401)
    WOULD_TRIGGER = (-2021, "Order would immediately trigger.", 400)
    MARGIN = (-2019, "Margin is insufficient.", 400)
    REDUCE_ONLY = (-2022, "ReduceOnly Order is rejected.", 400)
    ORDERS_MAX = (-2025, "Reach max open order limit.", 400)
    POSITION_MAX = (
        -2027,
        "Exceeded the maximum allowable position at current leverage.",
        400,
    )
    LEVERAGE_MARGIN = (
        -2028,
        "Leverage is smaller than permitted: insufficient margin balance.",
        400,
    )
    PRICE_MAX = (-4002, "Price greater than max price.", 400)
    QTY_ZERO = (-4003, "Quantity less than or equal to zero.", 400)
    QTY_MIN = (-4004, "Quantity less than min quantity.", 400)
    QTY_MAX = (-4005, "Quantity greater than max quantity.", 400)
    PRICE_MIN = (-4013, "Price less than min price.", 400)
    PRICE_TICK = (-4014, "Price not increased by tick size.", 400)
    CLIENT_ID = (-4015, "Client order id is not valid.", 400)
    PRICE_CAP = (-4016, "Limit price can't be higher than {limit}.", 400)
    QTY_STEP = (-4023, "Qty not increased by step size.", 400)
    PRICE_FLOOR = (-4024, "Limit price can't be lower than {limit}.", 400)
    LEVERAGE = (-4028, "Leverage {leverage} is not valid", 400)
    CONDITIONALS_MAX = (-4045, "Reach max stop order limit.", 400)
    MARGIN_TYPE_SAME = (-4046, "No need to change margin type.", 400)
    MARGIN_TYPE_ORDERS = (
        -4047,
        "Margin type cannot be changed if there exists open orders.",
        400,
    )
    MARGIN_TYPE_POSITION = (-4048, "Margin type cannot be changed if there exists position.", 400)
    MARGIN_OF_CROSSED = (-4049, "Add margin only support for isolated position.", 400)
    CROSSED_BALANCE = (-4050, "Cross balance insufficient.", 400)
    ISOLATED_BALANCE = (-4051, "Isolated balance insufficient.", 400)
    MARGIN_OF_FLAT = (-4054, "Cannot add position margin: position is 0.", 400)
    AMOUNT = (-4055, "Amount must be positive.", 400)
    POSITION_MODE_SAME = (-4059, "No need to change position side.", 400)
    POSITION_SIDE = (-4061, "Order's position side does not match user's setting.", 400)
    POSITION_MODE_ORDERS = (
        -4067,
        "Position side cannot be changed if there exists open orders.",
        400,
    )
    POSITION_MODE_POSITION = (
        -4068,
        "Position side cannot be changed if there exists position.",
        400,
    )
    CLIENT_ID_IN_USE = (-4116, "ClientOrderId is duplicated.", 400)
    REDUCE_ONLY_SURPLUS = (
        -4118,
        "ReduceOnly Order Failed. Please check your existing position and open orders",
        400,
    )
    CONDITIONAL_TYPE = (
        -4120,
        "Order type not supported for this endpoint. "
        "Please use the Algo Order API endpoints instead.",
        400,
    )
    CLOSE_POSITION_EXISTS = (
        -4130,
        "An open stop or take profit order with GTE and closePosition in the direction "
        "is existing.",
        400,
    )
    MARKET_PRICE_BAND = (
        -4131,
        "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
        400,
    )
    CLOSE_POSITION_QTY = (-4137, "Quantity must be zero with closePosition equals true.", 400)
    SYMBOL_STATUS = (-4140, "Invalid symbol status for opening position.", 400)
    ISOLATED_LEVERAGE = (
        -4161,
        "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
        400,
    )
    NOTIONAL_MIN = (
        -4164,
        "Order's notional must be no smaller than {notional} (unless you choose reduce only).",
        400,
    )
    POST_ONLY = (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        "The order will not be recorded in the order history",
        400,
    )
    AMEND_TYPE = (-5025, "Only limit order is supported.", 400)
    AMENDMENTS_MAX = (-5026, "Exceed maximum modify order limit.", 400)
    AMEND_UNCHANGED = (-5027, "No need to modify the order.", 400)
    AMEND_NOTIONAL_MIN = (
        -5029,
        "Order's notional must be no smaller than {notional}.",
        400,
    )
    PRICE_MATCH_TYPE = (
        -5038,
        "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT.",
        400,
    )
    NO_DEPTH = (-5041, "No depth matches this BBO order.", 400)
    GOOD_TILL = (
        -5040,
        "The goodTillDate timestamp must be greater than the current time plus 600 seconds",
        400,
    )
    AMEND_NOT_REDUCE_ONLY = (-5047, "The original order is not a reduce-only order.", 400)


class Refusal(GrinderError):  # noqa: N818 - the venue refuses; it is no error of ours
    """The simulated venue refused a request; nothing changed.

    ``rule`` says why; ``code``, ``msg`` and ``http_status`` are what the venue would send.
    """

    def __init__(self, rule: Rule, **places: object) -> None:
        self._rule = rule
        self._msg = rule.value[1].format(**places)
        super().__init__(f"{rule.value[0]}: {self._msg}")

    @property
    def rule(self) -> Rule:
        """The rule that was broken."""
        return self._rule

    @property
    def code(self) -> int:
        """The venue's code, negative."""
        return self._rule.value[0]

    @property
    def msg(self) -> str:
        """The venue's text."""
        return self._msg

    @property
    def http_status(self) -> int:
        """The HTTP status that goes with it."""
        return self._rule.value[2]
