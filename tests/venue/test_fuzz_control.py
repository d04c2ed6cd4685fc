"""Malformed orders at the control endpoint: refused, or carried out and ended again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import requests
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grinder.venues.sim.rest import BODY_MAX
from venue.fuzzing import SYMBOL, TIMEOUT_S, Target, examples, request
from venue.malformed import json_text, json_values

pytestmark = pytest.mark.unmeasured

WELL: dict[str, dict[str, Any]] = {
    "state": {},
    "orders": {"after": 0},
    "price": {"symbol": SYMBOL, "price": "61000"},
    "quote": {"symbol": SYMBOL, "bid": "61800", "ask": "61800.1", "bid_qty": 5, "ask_qty": 5},
    "trade": {"symbol": SYMBOL, "price": "61800", "qty": "1", "buyer_is_maker": True},
    "burst": {"times": 3, "trade": {"symbol": SYMBOL, "price": "61800", "qty": "1"}},
    "pause": {"symbol": SYMBOL},
    "regime": {"symbol": SYMBOL, "regime": "thin", "ms": 1000},
    "stall": {"routes": ["public"]},
    "drop": {"routes": ["bare"]},
    "fault": {"fault": "unknown-503", "method": "GET", "path": "/fapi/v1/time", "times": 1},
    "refuse": {"code": -2019, "msg": "no", "operation": "place", "client_id": "*", "times": 1},
    "stream-fault": {"fault": "delay", "pattern": "*", "rate": 0.5, "times": 3, "ms": 1, "seed": 1},
    "reply-order": {"first": "reply"},
    "delay": {"ms": 1},
    "queue": {"ms": 1},
    "status": {"symbol": SYMBOL, "status": "HALT"},
    "liquidation": {"symbol": SYMBOL, "side": "BUY", "price": "61800", "qty": "1"},
    "ban": {"ms": 1},
    "clear-faults": {},
    "expire-listen-key": {"account": "sim-key", "silent": False},
    "clock": {"offset_ms": 5, "drift_ppm": 5},
    "key": {"key": "another", "secret": "text", "account": "sim-key"},
    "fees": {"account": "sim-key", "fee_tier": 1},
    "reset": {},
}


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    target = Target()
    target.begin()
    yield target
    target.close()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str]:
    """Return a command and the JSON of its fields, of which one or two are wrong."""
    name = draw(st.sampled_from(sorted(WELL)))
    fields: dict[str, Any] = dict(WELL[name])
    if not fields or draw(st.integers(0, 9)) == 0:
        return name, json_text(draw(json_values()))
    for field in draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=2)):
        fields[field] = draw(json_values())
    return name, json_text(fields)


def sent(target: Target, session: requests.Session, name: str, body: str) -> requests.Response:
    return session.post(f"{target.server.control_url}/{name}", data=body, timeout=TIMEOUT_S)


def put_right(target: Target) -> None:
    """End what a command may have ordered."""
    target.server.control("clear-faults")
    target.server.control("clock", offset_ms=0)
    target.server.control("regime")
    target.server.control("pause")


@pytest.mark.timeout(0)
@settings(max_examples=examples(300))
@given(wrong=mutated())
def test_malformed_commands(
    target: Target, session: requests.Session, wrong: tuple[str, str]
) -> None:
    assume(len(wrong[1].encode()) < BODY_MAX)
    before = target.look()

    answer = sent(target, session, *wrong)

    assert answer.status_code in (200, 400), answer.text
    assert isinstance(orjson.loads(answer.content), dict)
    put_right(target)
    after = target.look()
    assert after.failure_count == before.failure_count, after.failures[-1]
    if answer.status_code == 400:
        assert after.standing == before.standing
    assert target.http(request("GET", b"/fapi/v1/time"))[0] == 200
    target.begin()


def test_every_command_is_tried(target: Target, session: requests.Session) -> None:
    control = target.server._control
    assert control is not None
    assert WELL.keys() | {"resume"} == control.first._commands.keys()
    for name, fields in WELL.items():
        assert sent(target, session, name, json_text(fields)).status_code == 200
        put_right(target)
    target.begin()


HUGE = "9" * 5000


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("clock", {"offset_ms": 10**19}),
        ("clock", {"offset_ms": HUGE}),
        ("clock", {"offset_ms": 0, "drift_ppm": 1e300}),
        ("clock", {"offset_ms": 7, "drift_ppm": "x"}),
        ("delay", {"ms": 1e308}),
        ("delay", {"ms": -1}),
        ("queue", {"ms": -1}),
        ("queue", {"ms": "long"}),
        ("fees", {"fee_tier": 10}),
        ("fees", {"maker": "1e999", "taker": "0.1"}),
        ("fees", {"maker": "0.0001"}),
        ("fees", {"account": "nobody", "fee_tier": 1}),
        ("delay", {"ms": True}),
        ("ban", {"ms": 1e300}),
        ("fault", {"method": 5}),
        ("fault", {"path": ["/"]}),
        ("fault", {"times": 0}),
        ("refuse", {"code": HUGE}),
        ("refuse", {"code": -1, "client_id": 5}),
        ("refuse", {"code": -1, "skip": -1}),
        ("stream-fault", {"pattern": "*a" * 5000}),
        ("stream-fault", {"ms": HUGE}),
        ("stream-fault", {"rate": "nan"}),
        ("quote", {"bid": "Infinity"}),
        ("quote", {"bid": "NaN"}),
        ("quote", {"bid_qty": -5}),
        ("quote", {"bid": "61900"}),
        ("price", {"price": "-5"}),
        ("price", {"price": "1e200000"}),
        ("trade", {"qty": "0"}),
        ("trade", {"qty": "-1"}),
        ("trade", {"price": "1e999999"}),
        ("regime", {"regime": "boom"}),
        ("regime", {"ms": 0}),
        ("burst", {"trade": 5}),
        ("burst", {"times": 10**9}),
        ("liquidation", {"qty": "Infinity"}),
        ("key", {"secret": 5}),
        ("key", {"key": "k" * 100_000}),
        ("expire-listen-key", {"account": []}),
        ("orders", {"after": HUGE}),
        ("status", {"symbol": {}}),
        ("stall", {"routes": 5}),
    ],
)
def test_impossible_orders_are_refused_and_change_nothing(
    target: Target, session: requests.Session, name: str, more: dict[str, Any]
) -> None:
    target.begin()
    before = target.look()
    offset_ms = target.on_loop(lambda venue: venue.clock.offset_ms)

    answer = sent(target, session, name, json_text(WELL[name] | more))

    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert target.look() == before
    assert target.on_loop(lambda venue: venue.clock.offset_ms) == offset_ms
    assert target.http(request("GET", b"/fapi/v1/time"))[0] == 200


@pytest.mark.parametrize("body", ["[]", "5", '"x"', "null", "{", "\xff", "[" * 5000])
def test_what_is_no_object_is_refused(target: Target, session: requests.Session, body: str) -> None:
    assert sent(target, session, "clock", body).status_code == 400
