"""What the tests of the REST port share: its settings, and venues that make it wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from grinder.messages.venue import CancelAnswered, PlaceAnswered
from grinder.model.settings import VenueSettings
from grinder.venues.binance_rest import BinanceRestPort
from venues.fakes import (
    TIMEOUT_S,
    Answer,
    Call,
    FakeOutlet,
    ScriptedVenue,
    acknowledged,
    batch_rows,
    cancel,
    cancelled_rows,
)

ORDER = "/fapi/v1/order"
BATCH = "/fapi/v1/batchOrders"
SETTINGS = VenueSettings(place_timeout_ms=20_000, cancel_timeout_ms=20_000, read_timeout_ms=20_000)
Open = Callable[..., BinanceRestPort]
FIVE = ("a", "b", "c", "d", "e")
"""Names of as many orders as go together."""
A = TypeVar("A", PlaceAnswered, CancelAnswered)


class Gate:
    """A script that keeps requests waiting until the test lets them go."""

    def __init__(self, answer: Callable[[Call], Answer] = acknowledged) -> None:
        self._open = threading.Event()
        self._answer = answer

    def __call__(self, call: Call) -> Answer:
        assert self._open.wait(TIMEOUT_S)
        return self._answer(call)

    def open(self) -> None:
        """Let them go."""
        self._open.set()


def error(status: int, code: int, text: str = "no") -> Answer:
    """Return a refusal."""
    return Answer(status=status, body={"code": code, "msg": text})


def told(code: int, text: str = "no") -> dict[str, Any]:
    """Return the venue's refusal of one order of a batch."""
    return {"code": code, "msg": text}


def with_row(at: int, row: Any) -> Callable[[Call], Answer]:
    """Return a script that takes a batch but for one of its orders."""

    def script(call: Call) -> Answer:
        rows: list[Any] = batch_rows(call)
        rows[at] = row
        return Answer(body=rows)

    return script


def cancelled_but(at: int, row: Any) -> Callable[[Call], Answer]:
    """Return a script that cancels the orders of a request but for one of them."""

    def script(call: Call) -> Answer:
        rows: list[Any] = cancelled_rows(call)
        rows[at] = row
        return Answer(body=rows)

    return script


def hold_first(port: BinanceRestPort, outlet: FakeOutlet, scripted: ScriptedVenue) -> Gate:
    """Keep one cancel thread of the port waiting for the answer to a cancel of ``first``."""
    gate = Gate(lambda call: acknowledged(call, "CANCELED"))

    def script(call: Call) -> Answer:
        is_first = call.parameters["origClientOrderId"] == "first"
        return gate(call) if is_first else acknowledged(call, "CANCELED")

    scripted.on("DELETE", ORDER, script)
    before = len(scripted.seen(ORDER))
    port.receive(outlet.envelope(cancel("first")))
    scripted.wait(ORDER, before + 1)
    return gate


def by_name(answers: list[A]) -> dict[str, A]:
    """Return answers by the names of their orders; each has one."""
    found = {each.client_order_id: each for each in answers}
    assert len(found) == len(answers)
    return found


def outcomes(answers: list[A]) -> str:
    """Return the first letters of the outcomes, by name."""
    found = by_name(answers)
    return "".join(found[name].outcome.value[0] for name in sorted(found))
