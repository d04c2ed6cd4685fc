"""What the venue says against the response models of Binance's SDK: a witness that is not ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from conformance import sdk_models
from grinder.venues.sim.server import TABLE
from grinder.venues.sim.wsapi import METHODS, SESSIONS
from venue import shapes
from venue.walk import Heard, walked

TRAILING = "only of TRAILING_STOP_MARKET, which is a conditional order today"
SHARED = "the page of the REST call that answers the same has the field"
SENT = "only when the request had a modifyId"
RECORDED = "recorded on the live venue, or quoted in a client's source"

EXCUSED: Mapping[str, Mapping[str, str]] = {
    "": {
        "activatePrice is absent": TRAILING,
        "priceRate is absent": TRAILING,
        "modifyId is absent": SENT,
        "icebergQuantity is None, not str": "the example is the text None, and recorded as null",
        "adlQuantile.HEDGE is absent": "of crossed positions in hedge mode",
    },
    "GET /fapi/v1/adlQuantile": {"adlQuantile.BOTH is absent": "the model joins two forms"},
    "GET /fapi/v1/apiTradingStatus": {
        f"indicators.{name} is absent": "only of who broke a rule"
        for name in ("BTCUSDT", "ETHUSDT", "ACCOUNT")
    },
    "GET /fapi/v1/orderAmendment": {"amendment.modifyId is absent": "not simulated"},
    "GET /fapi/v1/openAlgoOrders": {
        "activatePrice is unknown": SHARED,
        "callbackRate is unknown": SHARED,
    },
    "GET /fapi/v1/allAlgoOrders": {
        "activatePrice is unknown": SHARED,
        "callbackRate is unknown": SHARED,
    },
    "GET /fapi/v1/algoOrder": {
        f"{name} is unknown": RECORDED
        for name in ("tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice")
    },
    "GET /fapi/v1/exchangeInfo": {
        "symbols[].settlePlan is absent": "the example is of 2020; the recorded answer has it not",
        "symbols[].maxMoveOrderLimit is unknown": RECORDED,
        "futuresType is unknown": RECORDED,
        **{
            f"symbols[].filters[].{name} is absent": "the model joins all kinds of filters"
            for name in (
                *("maxPrice", "minPrice", "tickSize", "maxQty", "minQty", "stepSize", "limit"),
                *("notional", "multiplierUp", "multiplierDown", "multiplierDecimal"),
            )
        },
    },
    "GET /fapi/v1/ticker/bookTicker": {"lastUpdateId is unknown": RECORDED},
    "GET /fapi/v2/account": {
        f"positions[].{name} is unknown": RECORDED
        for name in ("isolatedMargin", "notional", "isolatedWallet", "breakEvenPrice")
    },
    "GET /fapi/v3/account": {"assets[].marginAvailable is unknown": SHARED},
    "ws account.status": {
        "feeBurn is unknown": SHARED,
        **{
            f"positions[].{name} is unknown": RECORDED
            for name in ("isolatedMargin", "notional", "isolatedWallet")
        },
    },
    "ws algoOrder.place": {
        f"{name} is unknown": SHARED for name in ("activatePrice", "callbackRate")
    },
    "ws depth": {
        **{
            f"{name} is absent": "the model has both beside the result" for name in ("bids", "asks")
        },
        **{
            f"{name} is unknown": "the model has both beside the result"
            for name in ("bids", "asks")
        },
    },
    "ws order.modify": {"pair is unknown": SHARED},
    "ws userDataStream.stop": {"result is {}, not str": "the example's empty object became a text"},
    "event ACCOUNT_CONFIG_UPDATE": {"ai is absent": "only of the multi-assets mode"},
    "event ACCOUNT_UPDATE": {
        "a.P[].ma is unknown": RECORDED,
        "a.S is absent": "of no recorded event",
    },
    "event ALGO_UPDATE": {
        "o.rm is absent": "only of orders that failed",
        "o.ia is absent": TRAILING,
    },
    "event ORDER_TRADE_UPDATE": {
        "o.M is absent": SENT,
        "o.AP is absent": TRAILING,
        "o.cr is absent": TRAILING,
    },
    "event contractInfo": {"bks is absent": "only when brackets were changed"},
}
"""Differences that are right: by kind (or of every kind), the end of the line and the reason."""

WITHOUT_A_MODEL = {
    "GET /fapi/v1/ping",
    "DELETE /fapi/v1/listenKey",
    "ws ping",
    "ws time",
    "ws session.logon",
    "ws session.status",
    "ws session.logout",
    "event trade",
}
"""What the SDK has no model of."""
BATCHES = {f"{method} /fapi/v1/batchOrders" for method in ("POST", "PUT", "DELETE")}
ERROR = ("code is absent", "msg is absent")
"""In batches: the model of an element joins the order and the error that it may be instead."""

STREAMS = {
    "event bookTicker": "<symbol>@bookTicker",
    "event depthUpdate": "<symbol>@depth@<updateSpeed>",
    "event aggTrade": "<symbol>@aggTrade",
    "event markPriceUpdate": "<symbol>@markPrice@<updateSpeed>",
    "event kline": "<symbol>@kline_<interval>",
    "event continuous_kline": "<pair>_<contractType>@continuousKline_<interval>",
    "event 24hrTicker": "<symbol>@ticker",
    "event 24hrMiniTicker": "<symbol>@miniTicker",
    "event contractInfo": "!contractInfo",
    "event forceOrder": "!forceOrder@arr",
}


SOCKET_ENVELOPE = ("id", "status", "rateLimits")


def models() -> Iterator[tuple[str, Any]]:
    """Yield kind and model of everything that the venue says; None where the SDK has no model."""
    rest, socket = sdk_models.rest_models(), sdk_models.socket_models()
    streams = sdk_models.stream_models_by_name()
    for method, path in TABLE:
        yield f"{method} {path}", rest.get((method, path))
    for name in (*METHODS, *SESSIONS):
        yield f"ws {name}", socket.get(name)
    for kind in shapes.SHAPES:
        if kind.startswith("event "):
            name = kind.removeprefix("event ")
            yield kind, streams[STREAMS[kind]] if kind in STREAMS else sdk_models.event_model(name)


MODELS = dict(models())


@pytest.fixture(scope="module")
def heard() -> Heard:
    return walked()


def differences(kind: str, value: Any) -> Iterator[str]:
    """Yield how a value differs from the SDK's model of its kind, without what is excused."""
    if kind.startswith("ws "):
        value = {"result": value}
    excuses = {**EXCUSED[""], **EXCUSED.get(kind, {})}
    for each in sdk_models.differences(value, MODELS[kind]):
        line = each.removeprefix(".").removeprefix("result.").removeprefix("[].")
        is_around = kind.startswith("ws ") and line.split()[0] in SOCKET_ENVELOPE
        # The models of user events are told apart by the name and do not have it.
        is_name = line == "e is unknown" and kind not in STREAMS
        if not is_around and not is_name and line not in excuses:
            yield line


@pytest.mark.parametrize("kind", [kind for kind, model in MODELS.items() if model is not None])
def test_everything_the_venue_says_fits_the_model_of_the_sdk(heard: Heard, kind: str) -> None:
    for value in heard.values.get(kind, []):
        rows = value if kind.endswith(" /fapi/v1/batchOrders") else [value]
        for row in rows:
            is_refusal = isinstance(row, dict) and row.keys() == {"code", "msg"}
            found = [] if kind in BATCHES and is_refusal else list(differences(kind, row))
            assert [line for line in found if kind not in BATCHES or line not in ERROR] == []


def test_the_sdk_has_a_model_of_nearly_everything() -> None:
    assert {kind for kind, model in MODELS.items() if model is None} == WITHOUT_A_MODEL
