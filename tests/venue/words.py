"""The words of the venue: which texts a field may hold.

A field is named by its kind and path (``event kline k.i``), by its path, or by its last name alone;
the most particular name decides. Sources: Binance docs, Common Definition, and the enumerations on
the page of each call and event.
"""

from __future__ import annotations

from collections.abc import Mapping

SIDES = frozenset({"BUY", "SELL"})
POSITION_SIDES = frozenset({"BOTH", "LONG", "SHORT"})
STATUSES = frozenset(
    {
        "NEW",
        "PARTIALLY_FILLED",
        "FILLED",
        "CANCELED",
        "REJECTED",
        "EXPIRED",
        "EXPIRED_IN_MATCH",
    }
)
TYPES = frozenset({"LIMIT", "MARKET"})
CONDITIONAL_TYPES = frozenset(
    {"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"}
)
TIMES_IN_FORCE = frozenset({"GTC", "IOC", "FOK", "GTX", "GTD", "RPI"})
PREVENTIONS = frozenset({"NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"})
PRICE_MATCHES = frozenset(
    {"NONE", "OPPONENT", "OPPONENT_5", "QUEUE", "QUEUE_5", "QUEUE_10", "QUEUE_20"}
)
WORKING_TYPES = frozenset({"CONTRACT_PRICE", "MARK_PRICE"})
ALGO_STATUSES = frozenset(
    {"NEW", "CANCELED", "TRIGGERING", "TRIGGERED", "FINISHED", "REJECTED", "EXPIRED"}
)
INCOMES = frozenset(
    {"TRANSFER", "REALIZED_PNL", "FUNDING_FEE", "COMMISSION", "INSURANCE_CLEAR", "AUTO_EXCHANGE"}
)
REASONS = frozenset(
    {
        "DEPOSIT",
        "WITHDRAW",
        "ORDER",
        "FUNDING_FEE",
        "ADJUSTMENT",
        "INSURANCE_CLEAR",
        "ADMIN_DEPOSIT",
        "MARGIN_TRANSFER",
        "MARGIN_TYPE_CHANGE",
        "ASSET_TRANSFER",
        "AUTO_EXCHANGE",
    }
)
CONTRACTS = frozenset(
    {"PERPETUAL", "CURRENT_MONTH", "NEXT_MONTH", "CURRENT_QUARTER", "NEXT_QUARTER"}
)
CONTRACT_STATUSES = frozenset(
    {
        "PENDING_TRADING",
        "TRADING",
        "PRE_DELIVERING",
        "DELIVERING",
        "DELIVERED",
        "PRE_SETTLE",
        "SETTLING",
        "CLOSE",
    }
)
EXECUTIONS = frozenset({"NEW", "CANCELED", "CALCULATED", "EXPIRED", "TRADE", "AMENDMENT"})
INTERVALS = frozenset(
    "1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split()  # noqa: SIM905
)

WORDS: Mapping[str, frozenset[str]] = {
    "side": SIDES,
    "positionSide": POSITION_SIDES,
    "status": STATUSES,
    "type": TYPES,
    "origType": TYPES,
    "actualType": TYPES,
    "orderType": CONDITIONAL_TYPES,
    "orderTypes": TYPES | CONDITIONAL_TYPES,
    "timeInForce": TIMES_IN_FORCE,
    "selfTradePreventionMode": PREVENTIONS,
    "priceMatch": PRICE_MATCHES,
    "workingType": WORKING_TYPES,
    "algoType": frozenset({"CONDITIONAL"}),
    "algoStatus": ALGO_STATUSES,
    "incomeType": INCOMES,
    "deltaType": frozenset({"TRADE", "USER_ADJUST"}),
    "marginType": frozenset({"cross", "isolated"}),
    "isAutoAddMargin": frozenset({"true", "false"}),
    "GET /fapi/v1/symbolConfig [].marginType": frozenset({"CROSSED", "ISOLATED"}),
    "GET /fapi/v1/exchangeInfo symbols[].status": CONTRACT_STATUSES,
    "contractType": CONTRACTS,
    "underlyingType": frozenset({"COIN", "INDEX"}),
    "timezone": frozenset({"UTC"}),
    "futuresType": frozenset({"U_MARGINED"}),
    "filterType": frozenset(
        {
            "PRICE_FILTER",
            "LOT_SIZE",
            "MARKET_LOT_SIZE",
            "MAX_NUM_ORDERS",
            "MAX_NUM_ALGO_ORDERS",
            "MIN_NOTIONAL",
            "PERCENT_PRICE",
            "POSITION_RISK_CONTROL",
        }
    ),
    "positionControlSide": frozenset({"NONE", "LONG", "SHORT"}),
    "permissionSets": frozenset({"GRID", "COPY", "DCA", "PSB"}),
    "rateType": frozenset({"Regular", "Special"}),
    "rateLimitType": frozenset({"REQUEST_WEIGHT", "ORDERS"}),
    "interval": frozenset({"SECOND", "MINUTE", "DAY"}),
    "event ORDER_TRADE_UPDATE o.S": SIDES,
    "event ORDER_TRADE_UPDATE o.o": TYPES | {"LIQUIDATION"},
    "event ORDER_TRADE_UPDATE o.ot": TYPES | {"LIQUIDATION"},
    "event ORDER_TRADE_UPDATE o.f": TIMES_IN_FORCE,
    "event ORDER_TRADE_UPDATE o.x": EXECUTIONS,
    "event ORDER_TRADE_UPDATE o.X": STATUSES,
    "event ORDER_TRADE_UPDATE o.wt": WORKING_TYPES,
    "event ORDER_TRADE_UPDATE o.ps": POSITION_SIDES,
    "event ORDER_TRADE_UPDATE o.V": PREVENTIONS,
    "event ORDER_TRADE_UPDATE o.pm": PRICE_MATCHES,
    "event TRADE_LITE S": SIDES,
    "event ACCOUNT_UPDATE a.m": REASONS,
    "event ACCOUNT_UPDATE a.P[].mt": frozenset({"cross", "isolated"}),
    "event ACCOUNT_UPDATE a.P[].ps": POSITION_SIDES,
    "event ALGO_UPDATE o.at": frozenset({"CONDITIONAL"}),
    "event ALGO_UPDATE o.o": CONDITIONAL_TYPES,
    "event ALGO_UPDATE o.S": SIDES,
    "event ALGO_UPDATE o.ps": POSITION_SIDES,
    "event ALGO_UPDATE o.f": TIMES_IN_FORCE,
    "event ALGO_UPDATE o.X": ALGO_STATUSES,
    "event ALGO_UPDATE o.act": TYPES | {"0"},
    "event ALGO_UPDATE o.V": PREVENTIONS,
    "event ALGO_UPDATE o.wt": WORKING_TYPES,
    "event ALGO_UPDATE o.pm": PRICE_MATCHES,
    "event MARGIN_CALL p[].ps": POSITION_SIDES,
    "event MARGIN_CALL p[].mt": frozenset({"CROSSED", "ISOLATED"}),
    "event trade X": frozenset({"MARKET", "INSURANCE_FUND", "ADL", "NA"}),
    "event kline k.i": INTERVALS,
    "event continuous_kline k.i": INTERVALS,
    "event continuous_kline ct": CONTRACTS,
    "event contractInfo ct": CONTRACTS,
    "event contractInfo cs": CONTRACT_STATUSES,
    "event forceOrder o.S": SIDES,
    "event forceOrder o.o": frozenset({"LIMIT"}),
    "event forceOrder o.f": frozenset({"IOC"}),
    "event forceOrder o.X": STATUSES,
}
"""Fields whose texts are enumerated."""

FREE = frozenset(
    {
        "accountAlias",
        "apiKey",
        "asset",
        "baseAsset",
        "clientAlgoId",
        "clientOrderId",
        "commissionAsset",
        "e",
        "id",
        "listenKey",
        "marginAsset",
        "msg",
        "pair",
        "quoteAsset",
        "result",
        "stream",
        "symbol",
        "underlyingSubType",
        "GET /fapi/v1/income [].info",
        "event ACCOUNT_CONFIG_UPDATE ac.s",
        "event ACCOUNT_UPDATE a.B[].a",
        "event ACCOUNT_UPDATE a.P[].ma",
        "event ACCOUNT_UPDATE a.P[].s",
        "event ALGO_UPDATE o.caid",
        "event ALGO_UPDATE o.rm",
        "event ALGO_UPDATE o.s",
        "event MARGIN_CALL p[].s",
        "event ORDER_TRADE_UPDATE o.N",
        "event ORDER_TRADE_UPDATE o.c",
        "event ORDER_TRADE_UPDATE o.s",
        "event TRADE_LITE c",
        "event forceOrder o.s",
        "event kline k.s",
        "ps",
        "s",
    }
)
"""Fields whose texts are names: of symbols, coins, orders, keys."""


def names(kind: str, path: str) -> tuple[str, ...]:
    """Return the names of a field, the most particular first."""
    last = path.replace("[]", "").rpartition(".")[2]
    return f"{kind} {path}", path, last
