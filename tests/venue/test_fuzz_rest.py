"""Malformed REST requests: the venue refuses them, or does what they say, but never stumbles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder.venues.sim.site import TABLES
from venue.fuzzing import SYMBOL, Target, examples, form, request, stamped
from venue.malformed import json_text, json_values, values

pytestmark = pytest.mark.unmeasured

ORDER = {
    "symbol": SYMBOL,
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.010",
    "price": "60000",
}
MARKET = {"symbol": SYMBOL, "side": "SELL", "type": "MARKET", "quantity": "0.010"}
AMENDMENT = {
    "symbol": SYMBOL,
    "side": "SELL",
    "origClientOrderId": "mine",
    "quantity": "0.020",
    "price": "63001",
}
ALGO = {
    "algoType": "CONDITIONAL",
    "symbol": SYMBOL,
    "side": "SELL",
    "type": "TAKE_PROFIT",
    "quantity": "0.010",
    "triggerPrice": "65000",
    "price": "65000",
}
TRAILING = {
    "algoType": "CONDITIONAL",
    "symbol": SYMBOL,
    "side": "SELL",
    "type": "TRAILING_STOP_MARKET",
    "quantity": "0.010",
    "callbackRate": "1",
}
PAGE = {"symbol": SYMBOL, "startTime": "0", "endTime": "9000000000000", "limit": "5"}
V1 = "/fapi/v1/"
WELL: dict[tuple[str, str], tuple[dict[str, str], ...]] = {
    ("POST", V1 + "order"): (ORDER, MARKET, ORDER | {"timeInForce": "GTD"}),
    ("POST", V1 + "order/test"): (ORDER,),
    ("PUT", V1 + "order"): (AMENDMENT, AMENDMENT | {"priceMatch": "QUEUE", "modifyId": "1"}),
    ("DELETE", V1 + "order"): ({"symbol": SYMBOL, "orderId": "2"},),
    ("GET", V1 + "order"): ({"symbol": SYMBOL, "origClientOrderId": "mine"},),
    ("GET", V1 + "openOrder"): ({"symbol": SYMBOL, "orderId": "2"},),
    ("GET", V1 + "orderAmendment"): (PAGE | {"orderId": "2"},),
    ("POST", V1 + "batchOrders"): ({"batchOrders": json_text([ORDER, ORDER])},),
    ("PUT", V1 + "batchOrders"): ({"batchOrders": json_text([AMENDMENT])},),
    ("DELETE", V1 + "batchOrders"): (
        {"symbol": SYMBOL, "orderIdList": "[2,3]"},
        {"symbol": SYMBOL, "origClientOrderIdList": '["mine"]'},
    ),
    ("POST", V1 + "countdownCancelAll"): ({"symbol": SYMBOL, "countdownTime": "100000"},),
    ("POST", V1 + "algoOrder"): (ALGO, TRAILING, ALGO | {"type": "STOP_MARKET"}),
    ("DELETE", V1 + "algoOrder"): ({"clientAlgoId": "stop"},),
    ("GET", V1 + "algoOrder"): ({"algoId": "1"},),
    ("GET", V1 + "allAlgoOrders"): (PAGE | {"algoId": "1"},),
    ("GET", V1 + "klines"): (PAGE | {"interval": "1m"}, PAGE | {"interval": "1M"}),
    ("GET", V1 + "continuousKlines"): (
        PAGE | {"pair": SYMBOL, "contractType": "PERPETUAL", "interval": "1w"},
    ),
    ("GET", V1 + "income"): (PAGE | {"incomeType": "COMMISSION"},),
    ("POST", V1 + "leverage"): ({"symbol": SYMBOL, "leverage": "10"},),
    ("POST", V1 + "marginType"): ({"symbol": SYMBOL, "marginType": "ISOLATED"},),
    ("POST", V1 + "positionSide/dual"): ({"dualSidePosition": "true"},),
    ("POST", V1 + "multiAssetsMargin"): ({"multiAssetsMargin": "false"},),
    ("POST", V1 + "feeBurn"): ({"feeBurn": "false"},),
}
"""Requests that are right, or nearly; every other call gets PAGE."""

NAMES = sorted(
    {name for rows in WELL.values() for row in rows for name in row}
    | {"positionSide", "reduceOnly", "closePosition", "newClientOrderId", "newOrderRespType"}
    | {"priceMatch", "selfTradePreventionMode", "goodTillDate", "recvWindow", "timestamp"}
    | {"fromId", "activatePrice", "workingType", "priceProtect", "signature", "batchOrders"}
)
READS = ("v3/positionRisk", "v2/account", "v1/allOrders", "v1/openAlgoOrders", "v1/userTrades")

QUERY_MAX = 6000
"""A longer query string goes into the body, because a longer line is not read at all."""

Pairs = list[tuple[str, str]]


@attrs.frozen(kw_only=True)
class Wrong:
    """A request to send."""

    method: str
    path: str
    query: Pairs
    body: Pairs
    is_hedged: bool


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


KINDS = ("set",) * 8 + ("add",) * 3 + ("drop", "double", "rename")


@st.composite
def mutated_pairs(draw: st.DrawFn, right: Pairs) -> Pairs:
    """Return the pairs with one or two of them wrong, missing, doubled or misnamed."""
    pairs = list(right)
    for _ in range(draw(st.integers(1, 2))):
        names = [name for name, _ in pairs]
        kind = draw(st.sampled_from(KINDS)) if pairs else "add"
        at = draw(st.integers(0, max(0, len(pairs) - 1)))
        if kind == "set":
            pairs[at] = (names[at], draw(values()))
        elif kind == "add":
            name = draw(st.sampled_from([name for name in NAMES if name not in names]))
            pairs.append((name, draw(values())))
        elif kind == "drop":
            del pairs[at]
        elif kind == "double":
            pairs.append((names[at], draw(st.one_of(st.just(pairs[at][1]), values()))))
        else:
            name = draw(st.one_of(st.sampled_from(NAMES), values()))
            pairs[at] = (name, pairs[at][1])
    return pairs


@st.composite
def batches(draw: st.DrawFn, right: dict[str, str]) -> str:
    """Return the JSON of a batch in which something is wrong."""
    if draw(st.booleans()):
        return json_text(draw(st.one_of(json_values(), st.lists(json_values(), max_size=6))))
    rows: list[Any] = []
    for _ in range(draw(st.integers(1, 6))):
        row: dict[str, Any] = dict(right)
        for name in draw(st.lists(st.sampled_from(NAMES), max_size=3)):
            row[name] = draw(json_values())
        rows.append(draw(st.one_of(st.just(row), json_values())))
    return json_text(rows)


@st.composite
def wrongs(draw: st.DrawFn) -> Wrong:
    """Return a request to one of the venue's calls with something wrong in it."""
    # The calls that can do most are tried most.
    method, path = draw(
        st.one_of(st.sampled_from(sorted(TABLES["usdm"])), st.sampled_from(sorted(WELL)))
    )
    right = draw(st.sampled_from(WELL.get((method, path), (PAGE,))))
    if "batchOrders" in right and draw(st.booleans()):
        row = ORDER if method == "POST" else AMENDMENT
        right = {"batchOrders": draw(batches(row))}
        pairs = stamped(right)
    else:
        pairs = draw(mutated_pairs(stamped(right)))
    split = draw(st.integers(0, len(pairs)))
    in_body = draw(st.booleans())
    return Wrong(
        method=method,
        path=path,
        query=pairs[:split] if in_body else pairs,
        body=pairs[split:] if in_body else [],
        is_hedged=draw(st.booleans()),
    )


def check(target: Target, wrong: Wrong) -> None:
    """Send it, and check the answer and what became of the venue."""
    target.begin(is_hedged=wrong.is_hedged)
    before = target.look()

    query, text = form(wrong.query), form(wrong.body)
    if len(query) > QUERY_MAX:
        query, text = b"", b"&".join(each for each in (query, text) if each)
    status, body = target.signed(wrong.method, wrong.path, query, text)

    after = target.look()
    assert after.failure_count == before.failure_count, after.failures[-1]
    assert status == 200 or 400 <= status < 500, (status, body)
    if status == 413:
        return
    answer = orjson.loads(body)
    if status == 200:
        check_carried_out(wrong, answer, after.orders - before.orders)
    else:
        assert after.standing == before.standing, "refused, and yet something was done"
        assert answer["code"] < 0, answer
        assert answer["msg"], answer
    for name in READS:
        read_status, _ = target.signed("GET", f"/fapi/{name}", form(stamped({"symbol": SYMBOL})))
        assert read_status == 200
    assert target.http(request("GET", b"/"))[0] == 200


def check_carried_out(wrong: Wrong, answer: Any, placed: int) -> None:
    call = (wrong.method, wrong.path.removeprefix(V1))
    if call == ("POST", "order"):
        assert placed == 1
    elif call == ("POST", "batchOrders"):
        assert placed == sum("orderId" in row for row in answer)
        assert all(row.get("code", -1) < 0 for row in answer)
    elif call != ("POST", "algoOrder"):
        assert placed == 0


def test_every_call_is_tried(target: Target) -> None:
    for method, path in TABLES["usdm"]:
        for right in WELL.get((method, path), (PAGE,)):
            wrong = Wrong(method=method, path=path, query=stamped(right), body=[], is_hedged=False)
            check(target, wrong)
    assert WELL.keys() <= TABLES["usdm"].keys()


@pytest.mark.timeout(0)
@settings(max_examples=examples(600))
@given(wrong=wrongs())
def test_malformed_requests(target: Target, wrong: Wrong) -> None:
    check(target, wrong)
