"""What a message costs to write and to read."""

from __future__ import annotations

import time
from collections.abc import Callable

from grinder.bench.figures import Result, Spread, spread
from grinder.bench.quotes import SYMBOL
from grinder.kernel.message import Message
from grinder.messages.codec import CODEC
from grinder.messages.market import BookTicked
from grinder.messages.orders import Placement, PlaceOrders
from grinder.model.order import Side
from grinder.model.permit import Permit

AT_NS = 1_700_000_000_000_000_000

SAMPLES: tuple[Message, ...] = (
    BookTicked(
        symbol=SYMBOL,
        bid_ticks=600_000,
        bid_lots=12_345,
        ask_ticks=600_001,
        ask_lots=9_876,
        update_id=5_678_901_234,
        event_ns=AT_NS,
        received_ns=AT_NS + 1_234_567,
        connection=16_777_217,
    ),
    PlaceOrders(
        symbol=SYMBOL,
        orders=(
            Placement(
                symbol=SYMBOL,
                client_order_id="g1-BENCHUSDT-b3-1-268435457",
                side=Side.BUY,
                price_ticks=599_400,
                qty_lots=4_166,
                level="b3",
                reason="GRID_FILL",
            ),
        ),
        permit=Permit(serial=3, state="ACTIVE", epoch=1, deadline_ns=AT_NS + 1_000_000_000),
        tick_ns=AT_NS,
    ),
)


def codec(*, is_short: bool) -> Result:
    """Measure encoding and decoding of a small message and of one with a value inside."""
    rounds, count = (3, 200) if is_short else (9, 20_000)
    costs: dict[str, Result] = {}
    for message in SAMPLES:
        data = CODEC.encode(message)
        costs[type(message).__name__] = {
            "bytes": len(data),
            "encode_ns": _cost_ns(CODEC.encode, message, rounds, count),
            "decode_ns": _cost_ns(CODEC.decode, data, rounds, count),
        }
    return {"rounds": rounds, "messages": costs, "targets": []}


def _cost_ns(function: Callable[..., object], argument: object, rounds: int, count: int) -> Spread:
    found = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        for _ in range(count):
            function(argument)
        found.append((time.perf_counter_ns() - began) / count)
    return spread(found)
