"""Request weights, order windows and bans, counted as the venue counts them."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from grinder.venues.sim.config import Limits
from grinder.venues.sim.refusing import ApiRefusal, is_whole

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
DAY_MS = 86_400_000
FIVE_MINUTES_MS = 300_000

FUNDING_PATHS = tuple(
    f"/{kind}/v1/{name}" for kind in ("fapi", "dapi") for name in ("fundingRate", "fundingInfo")
)
"""Reads that are counted in a pool of their own, shared by all of them."""

WEIGHTS: dict[tuple[str, str], int] = {
    ("POST", "/fapi/v1/order"): 0,
    ("PUT", "/fapi/v1/order"): 0,
    ("POST", "/fapi/v1/batchOrders"): 5,
    ("PUT", "/fapi/v1/batchOrders"): 5,
    ("POST", "/fapi/v1/algoOrder"): 0,
    ("GET", "/fapi/v1/allAlgoOrders"): 5,
    ("GET", "/fapi/v1/allOrders"): 5,
    ("POST", "/fapi/v1/countdownCancelAll"): 10,
    ("GET", "/fapi/v2/positionRisk"): 5,
    ("GET", "/fapi/v3/positionRisk"): 5,
    ("GET", "/fapi/v2/account"): 5,
    ("GET", "/fapi/v3/account"): 5,
    ("GET", "/fapi/v2/balance"): 5,
    ("GET", "/fapi/v3/balance"): 5,
    ("GET", "/fapi/v1/userTrades"): 5,
    ("GET", "/fapi/v1/income"): 30,
    ("GET", "/fapi/v1/commissionRate"): 20,
    ("GET", "/fapi/v1/positionSide/dual"): 30,
    ("GET", "/fapi/v1/multiAssetsMargin"): 30,
    ("GET", "/fapi/v1/symbolConfig"): 5,
    ("GET", "/fapi/v1/accountConfig"): 5,
    ("GET", "/fapi/v1/aggTrades"): 20,
    ("GET", "/fapi/v1/trades"): 5,
    ("GET", "/fapi/v1/historicalTrades"): 200,
    ("GET", "/fapi/v1/adlQuantile"): 5,
    ("GET", "/fapi/v1/feeBurn"): 30,
    ("POST", "/fapi/v1/order/test"): 1,
    ("GET", "/fapi/v1/account"): 5,
    ("DELETE", "/api/v3/openOrders"): 1,
    ("GET", "/api/v3/order"): 4,
    ("GET", "/api/v3/account"): 20,
    ("GET", "/api/v3/account/commission"): 20,
    ("GET", "/api/v3/allOrders"): 20,
    ("GET", "/api/v3/rateLimit/order"): 40,
    ("PUT", "/api/v3/order/amend/keepPriority"): 4,
    ("GET", "/api/v3/exchangeInfo"): 20,
    ("GET", "/api/v3/trades"): 25,
    ("GET", "/api/v3/historicalTrades"): 25,
    ("GET", "/api/v3/aggTrades"): 4,
    ("GET", "/api/v3/klines"): 2,
    ("GET", "/api/v3/uiKlines"): 2,
    ("GET", "/api/v3/avgPrice"): 2,
}
"""Weights other than 1 that do not depend on the parameters; COIN-M has those of USDT-M."""

WITHOUT_SYMBOL = {
    ("GET", "/fapi/v1/openOrders"): (1, 40),
    ("GET", "/fapi/v1/openAlgoOrders"): (1, 40),
    ("GET", "/fapi/v1/ticker/bookTicker"): (2, 5),
    ("GET", "/fapi/v1/ticker/price"): (1, 2),
    ("GET", "/fapi/v2/ticker/price"): (1, 2),
    ("GET", "/fapi/v1/premiumIndex"): (1, 10),
    ("GET", "/fapi/v1/ticker/24hr"): (1, 40),
    ("GET", "/fapi/v1/forceOrders"): (20, 50),
    ("GET", "/api/v3/openOrders"): (6, 80),
    ("GET", "/api/v3/ticker/bookTicker"): (2, 4),
    ("GET", "/api/v3/ticker/price"): (2, 4),
    ("GET", "/api/v3/ticker/24hr"): (2, 80),
}
"""Weights with and without a symbol."""

KLINE_PATHS = tuple(
    f"/fapi/v1/{name}"
    for name in (
        "klines",
        "continuousKlines",
        "markPriceKlines",
        "indexPriceKlines",
        "premiumIndexKlines",
    )
)

DEPTH_WEIGHTS = {"5": 2, "10": 2, "20": 2, "50": 2, "100": 5, "500": 10, "1000": 20}


def weight(method: str, path: str, params: Mapping[str, str]) -> int:
    """Return the weight of a call."""
    path = path.replace("/dapi/", "/fapi/", 1)
    if path == "/api/v3/depth":
        limit = params.get("limit", "100")
        rows = int(limit) if is_whole(limit) else 100
        return 5 if rows <= 100 else 25 if rows <= 500 else 50
    if path == "/api/v3/myTrades":
        return 5 if params.get("orderId") else 20
    if path == "/fapi/v1/depth":
        return DEPTH_WEIGHTS.get(params.get("limit", "500"), 10)
    if path in FUNDING_PATHS:
        return 0
    if path in KLINE_PATHS:
        limit = params.get("limit", "500")
        rows = int(limit) if is_whole(limit) else 500
        return 1 if rows < 100 else 2 if rows < 500 else 5 if rows <= 1000 else 10
    if (method, path) in WITHOUT_SYMBOL:
        with_symbol, without = WITHOUT_SYMBOL[method, path]
        return with_symbol if params.get("symbol") else without
    return WEIGHTS.get((method, path), 1)


@attrs.define
class Window:
    """A counter that starts anew at every full multiple of ``span_ms`` of the clock."""

    span_ms: int
    used: int = 0
    number: int = 0

    def add(self, amount: int, now_ms: int) -> int:
        """Count ``amount`` (0 only turns the window) and return the sum in this window."""
        number = now_ms // self.span_ms
        if number != self.number:
            self.number, self.used = number, 0
        self.used += amount
        return self.used


class Counters:
    """Count weight for the one address that the venue serves, and orders for each account."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        is_day = limits.is_long_window_a_day
        self._long_ms, self._long, self._long_text = (
            (DAY_MS, "1D", "1 DAY") if is_day else (MINUTE_MS, "1M", "1 MINUTE")
        )
        self._weight = Window(MINUTE_MS)
        self._refused = Window(MINUTE_MS)
        self._funding = Window(FIVE_MINUTES_MS)
        self._orders: dict[str, tuple[Window, Window]] = {}
        self._banned_until_ms = 0

    def charge(self, amount: int, now_ms: int) -> None:
        """Count the weight of one request.

        Raises:
            ApiRefusal: the address is banned (418) or the window is full (429).
        """
        if now_ms < self._banned_until_ms:
            raise self._ban()
        if self._weight.add(amount, now_ms) > self._limits.weight_1m:
            raise self._refusal(f"{self._limits.weight_1m} requests per minute", now_ms)

    def read_funding(self, now_ms: int) -> None:
        """Count one read of funding rates or intervals.

        Raises:
            ApiRefusal: their pool is empty (429); who goes on is banned (418).
        """
        if self._funding.add(1, now_ms) > self._limits.funding_5m:
            raise self._refusal(f"{self._limits.funding_5m} requests per 5 minutes", now_ms)

    def _refusal(self, limit: str, now_ms: int) -> ApiRefusal:
        if self._refused.add(1, now_ms) > self._limits.refusals_before_ban:
            self._banned_until_ms = now_ms + self._limits.ban_ms
            return self._ban()
        return ApiRefusal(
            -1003,
            f"Too many requests; current limit of IP(127.0.0.1) is {limit}. Please use the "
            "websocket for live updates to avoid polling the API.",
            429,
        )

    def order(self, account: str, ten_seconds: int, minute: int, now_ms: int) -> None:
        """Count an order call against both windows of ``account``.

        Raises:
            ApiRefusal: a window is full; then the call is counted in neither.
        """
        short, long = self._windows(account)
        for window, amount, limit, text in (
            (short, ten_seconds, self._limits.orders_10s, "10 SECOND"),
            (long, minute, self._limits.orders_1m, self._long_text),
        ):
            if window.add(0, now_ms) + amount > limit:
                raise ApiRefusal(
                    -1015, f"Too many new orders; current limit is {limit} orders per {text}.", 429
                )
        short.add(ten_seconds, now_ms)
        long.add(minute, now_ms)

    def weight_header(self, now_ms: int) -> dict[str, str]:
        """Return the header that tells the weight used in this minute."""
        return {"X-MBX-USED-WEIGHT-1M": str(self._weight.add(0, now_ms))}

    def order_headers(self, account: str, now_ms: int) -> dict[str, str]:
        """Return the headers that tell the order counts of ``account``."""
        short, long = self._windows(account)
        return {
            "X-MBX-ORDER-COUNT-10S": str(short.add(0, now_ms)),
            f"X-MBX-ORDER-COUNT-{self._long}": str(long.add(0, now_ms)),
        }

    def ban(self, until_ms: int) -> None:
        """Refuse everything with 418 until ``until_ms`` of venue time; 0 ends a ban."""
        self._banned_until_ms = until_ms

    def reset(self) -> None:
        """Forget every count and ban."""
        self._weight = Window(MINUTE_MS)
        self._refused = Window(MINUTE_MS)
        self._funding = Window(FIVE_MINUTES_MS)
        self._orders.clear()
        self._banned_until_ms = 0

    def _windows(self, account: str) -> tuple[Window, Window]:
        return self._orders.setdefault(account, (Window(TEN_SECONDS_MS), Window(self._long_ms)))

    def _ban(self) -> ApiRefusal:
        return ApiRefusal(
            -1003,
            f"Way too many requests; IP(127.0.0.1) banned until {self._banned_until_ms}. "
            "Please use the websocket for live updates to avoid bans.",
            418,
        )
