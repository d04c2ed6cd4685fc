"""Bodies and frames of the venue against recorded and documented ones: fields and their kinds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest, Stream, World

SAMPLES = {
    row["name"]: row["payload"]
    for row in map(
        orjson.loads, (Path(__file__).parent / "data" / "payloads.jsonl").read_bytes().splitlines()
    )
}

GONE = {"activatePrice", "priceRate", "stopPrice", "cumBase", "baseQty", "pair", "ps", "note"}
"""Fields of stop orders, of COIN-M, or that only one side of the merger shows."""


def kind(value: Any) -> str:
    """Return the JSON kind; a text that is a number is not told from another text."""
    names = {bool: "bool", int: "number", float: "number", str: "text", type(None): "null"}
    return names.get(type(value), "container")


def missing(ours: Any, sample: Any, path: str = "") -> list[str]:
    """Return what the sample has and ours lacks, or has as another kind."""
    if isinstance(sample, dict):
        found = []
        for name, value in sample.items():
            if name in GONE:
                continue
            if name not in ours:
                found.append(f"{path}.{name} is absent")
            else:
                found += missing(ours[name], value, f"{path}.{name}")
        return found
    if isinstance(sample, list) and sample and ours:
        return missing(ours[0], sample[0], f"{path}[]")
    return [] if kind(ours) == kind(sample) else [f"{path} is {kind(ours)}, not {kind(sample)}"]


def order_path(**more: Any) -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "origClientOrderId": "one"} | more


REST: dict[str, Callable[[World], Any]] = {
    "new_order": lambda world: world.rest.limit("BUY", "60000", newClientOrderId="two"),
    "query_order": lambda world: world.rest.call("GET", "/fapi/v1/order", **order_path()),
    "futures_account_balance_v3": lambda world: world.rest.call("GET", "/fapi/v3/balance"),
    "position_information_v2": lambda world: world.rest.call("GET", "/fapi/v2/positionRisk"),
    "mark_price": lambda world: world.rest.get("/fapi/v1/premiumIndex", symbol="BTCUSDT"),
    "order_book": lambda world: world.rest.get("/fapi/v1/depth", symbol="BTCUSDT", limit=5),
    "symbol_configuration": lambda world: world.rest.call("GET", "/fapi/v1/symbolConfig"),
    "futures_account_configuration": lambda world: world.rest.call("GET", "/fapi/v1/accountConfig"),
    "get_income_history": lambda world: world.rest.call("GET", "/fapi/v1/income"),
    "change_initial_leverage": lambda world: world.rest.call(
        "POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=20
    ),
    "auto_cancel_all_open_orders": lambda world: world.rest.call(
        "POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=0
    ),
    "symbol_price_ticker_v2": lambda world: world.rest.get(
        "/fapi/v2/ticker/price", symbol="BTCUSDT"
    ),
    "get_account_info_v3": lambda world: world.rest.call("GET", "/fapi/v3/account"),
    "get_brackets": lambda world: world.rest.call("GET", "/fapi/v1/leverageBracket"),
    "get_user_trades": lambda world: world.rest.call(
        "GET", "/fapi/v1/userTrades", symbol="BTCUSDT"
    ),
    "get_user_commission_rate": lambda world: world.rest.call(
        "GET", "/fapi/v1/commissionRate", symbol="BTCUSDT"
    ),
}


@pytest.mark.parametrize("name", REST)
def test_rest_body_has_the_fields_of_the_sample(world: World, name: str) -> None:
    world.rest.market("BUY")
    world.rest.limit("BUY", "60000", newClientOrderId="one")

    assert missing(REST[name](world), SAMPLES[name]) == []


def test_user_frames_have_the_fields_of_the_recorded_ones(world: World) -> None:
    stream = world.stream(f"/private/ws/{world.rest.listen_key()}")
    world.rest.market("BUY")
    lite, new, account, filled = (stream.next() for _ in range(4))
    placed = world.rest.limit("BUY", "60000")
    resting = stream.next()
    terms = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    world.rest.call("PUT", "/fapi/v1/order", **terms, side="BUY", quantity="0.02", price="60000")
    amended = stream.next()
    world.rest.call("DELETE", "/fapi/v1/order", **terms)
    canceled = stream.next()
    world.rest.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=20)
    configured = stream.next()
    world.server.control("expire-listen-key")
    expired = stream.next()

    pairs = {
        "taker_open_trade_lite": lite,
        "taker_open_order_new": new,
        "taker_open_account_update": account,
        "taker_open_order_filled": filled,
        "order_new_gtc_limit": resting,
        "order_amendment": amended,
        "order_canceled_gtc_limit": canceled,
        "account_config_update_leverage": configured,
        "listen_key_expired": expired,
    }
    assert {name: missing(frame, SAMPLES[name]) for name, frame in pairs.items()} == {
        name: [] for name in pairs
    }


def test_market_frames_have_the_fields_of_the_recorded_ones(world: World) -> None:
    streams = {
        "depth@0ms": world.stream("/public/stream?streams=btcusdt@depth@0ms"),
        "bookTicker": world.stream("/public/stream?streams=btcusdt@bookTicker"),
        "trade": world.stream("/public/stream?streams=btcusdt@trade"),
        "aggregate_trade_streams_subscription": world.stream("/market/ws/btcusdt@aggTrade"),
        "mark_price_stream": world.stream("/market/ws/btcusdt@markPrice@1s"),
    }
    world.quote("61700.00", "61700.10")
    world.server.control("trade", symbol="BTCUSDT", price="61700", qty="1")

    found = {name: missing(stream.next(), SAMPLES[name]) for name, stream in streams.items()}

    assert found == {name: [] for name in streams}


def test_funding_is_booked_told_and_remembered_at_its_time() -> None:
    config = VenueConfig(paused=True, funding_interval_ms=500, mark_interval_s=0.05)
    server = VenueServer(config)
    server.start()
    try:
        rest = Rest(server.rest_url)
        stream = Stream(server.ws_url, f"/private/ws/{rest.listen_key()}")
        rest.market("BUY")
        funding = stream.until(lambda frame: frame.get("a", {}).get("m") == "FUNDING_FEE")[-1]
        stream.until(lambda frame: frame.get("a", {}).get("m") == "FUNDING_FEE")
        history = rest.get("/fapi/v1/fundingRate", symbol="BTCUSDT")
        stream.close()
    finally:
        server.stop()

    assert missing(funding, SAMPLES["account_update_funding_fee_cross"]) == []
    assert funding["a"]["P"] == []
    assert funding["a"]["B"][0]["bc"].startswith("-0.0617")
    assert history[0]["fundingTime"] % 500 == 0
    assert history[0]["fundingRate"] == "0.00010000"
