"""What fuzzing found, stated plainly: malformed requests and the code that each is refused with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from venue.fuzzing import SYMBOL, Target, form, request, stamped
from venue.malformed import deep, json_text
from venue.test_fuzz_rest import AMENDMENT, ORDER, V1

pytestmark = pytest.mark.unmeasured


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


@pytest.mark.parametrize(
    ("path", "status"),
    [(V1 + "nothing", 404), ("/fapi/v1/order/", 404), ("/fapi/v9/ping", 404)],
)
def test_what_is_not_there_is_not_found(target: Target, path: str, status: int) -> None:
    assert target.http(request("GET", path.encode()))[0] == status


def refusal(target: Target, method: str, call: str, **params: str) -> int:
    """Return the code of a refused request; the venue must be as it was."""
    target.begin()
    before = target.look()
    status, body = target.signed(method, V1 + call, form(stamped(params)))
    assert status == 400, body
    assert target.look().standing == before.standing
    return int(orjson.loads(body)["code"])


@pytest.mark.parametrize(
    "number",
    ["1e-2", "1E5", "1e999999", "1_0", "٣", " 1", "1 ", "+1", ".5", "5.", "NaN", "Infinity", "0x1"],
)
def test_a_number_is_plain_digits(target: Target, number: str) -> None:
    assert refusal(target, "POST", "order", **ORDER | {"quantity": number}) == -1100
    assert refusal(target, "POST", "order", **ORDER | {"price": number}) == -1100


def test_no_decimal_is_lost_in_precision(target: Target) -> None:
    tail = "0" * 18 + "1"
    assert refusal(target, "POST", "order", **ORDER | {"price": f"0000060000.1{tail}"}) == -1111
    assert refusal(target, "POST", "order", **ORDER | {"quantity": f"0.0{tail}"}) == -1111
    assert refusal(target, "POST", "order", **ORDER | {"quantity": f"00000000001.{tail}"}) == -1111


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"newOrderRespType": "FULL"}, -1136),
        ({"timeInForce": "GTD", "goodTillDate": "9999999999999999999"}, -5040),
        ({"timeInForce": "GTD", "goodTillDate": "1e15"}, -1102),
        ({"reduceOnly": "yes"}, -1102),
        ({"newClientOrderId": "a" * 37}, -4015),
        ({"newClientOrderId": "ä"}, -4015),
        ({"recvWindow": "9" * 5000}, -1102),
    ],
)
def test_wrong_terms_of_an_order_are_refused(
    target: Target, more: dict[str, str], code: int
) -> None:
    assert refusal(target, "POST", "order", **ORDER | more) == code


def test_a_parameter_sent_twice_is_refused(target: Target) -> None:
    target.begin()
    before = target.look()
    pairs = [*stamped(ORDER), ("quantity", "1")]

    in_query = target.signed("POST", V1 + "order", form(pairs))
    in_body = target.signed("POST", V1 + "order", b"", form(pairs))
    in_both = target.signed("POST", V1 + "order", form(stamped(ORDER)), form([("quantity", "1")]))

    assert [orjson.loads(body)["code"] for _, body in (in_query, in_body)] == [-1101, -1101]
    assert orjson.loads(in_both[1])["origQty"] == "0.010"
    assert target.look().orders == before.orders + 1


def test_too_many_parameters_are_refused_unread(target: Target) -> None:
    many = {f"name{number}": "1" for number in range(300)}

    assert refusal(target, "GET", "openOrders", **many) == -1101


def test_a_batch_with_something_else_in_it_is_refused_whole(target: Target) -> None:
    mixed = json_text([ORDER, 5])
    assert refusal(target, "POST", "batchOrders", batchOrders=mixed) == -1102
    mixed = json_text([AMENDMENT, None])
    assert refusal(target, "PUT", "batchOrders", batchOrders=mixed) == -1102
    for ids in ('[2,"x"]', "[2,null]", "[2,[3]]", "[2,true]", "[2,2.5]"):
        assert refusal(target, "DELETE", "batchOrders", symbol=SYMBOL, orderIdList=ids) == -1102
    names = '["mine",{}]'
    code = refusal(target, "DELETE", "batchOrders", symbol=SYMBOL, origClientOrderIdList=names)
    assert code == -1102


def test_values_of_the_wrong_kind_cost_only_their_own_order(target: Target) -> None:
    rows: list[Any] = [
        ORDER | {"symbol": deep(1000)},
        ORDER | {"reduceOnly": None},
        ORDER | {"price": {}},
    ]
    target.begin()

    status, body = target.signed(
        "POST", V1 + "batchOrders", form(stamped({"batchOrders": json_text(rows)}))
    )

    answers = orjson.loads(body)
    assert status == 200
    assert [row.get("code", row.get("status")) for row in answers] == [-1102, "NEW", -1102]


def test_an_amendment_with_a_wrong_id_of_its_own_changes_nothing(target: Target) -> None:
    assert refusal(target, "PUT", "order", **AMENDMENT | {"modifyId": "x"}) == -1102


def test_the_order_log_keeps_no_long_texts(target: Target) -> None:
    target.begin()
    body = form([*stamped(ORDER | {"symbol": "S" * 100_000})])

    status, _ = target.signed("POST", V1 + "order", b"", body)

    lines = target.server.control("orders")["orders"]
    assert (status, lines[-1]["op"]) == (400, "place-refused")
    assert len(lines[-1]["symbol"]) == 64


def test_a_target_beyond_ascii_is_refused_by_whichever_parser(target: Target) -> None:
    before = target.look()

    status, _ = target.signed("GET", "/fapi/v1/openOrders", b"symbol=\xff&timestamp=1")

    assert status == 400
    assert target.look().failure_count == before.failure_count
