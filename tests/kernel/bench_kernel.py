"""What a delivery costs. Run by hand: ``python tests/kernel/bench_kernel.py [--threads]``.

Six stages hand on a fresh eight-field message each, in a bare deque loop and in the stepped
runtime; then under threads, against bare pykka actors, at a thousand messages a second.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from statistics import quantiles
from typing import Any

import attrs
import pykka

from grinder.kernel.actor import Actor
from grinder.kernel.message import Message
from grinder.kernel.spec import ChildSpec, SupervisorSpec
from grinder.kernel.stepped import SteppedRuntime
from grinder.kernel.threads import ThreadRuntime

STAGES = 6


@attrs.frozen(kw_only=True)
class Quote(Message):
    symbol: str
    ts_ns: int
    bid: int
    ask: int
    bid_size: int
    ask_size: int
    venue_ns: int
    update_id: int


HOPS = tuple(type(f"Hop{i}", (Quote,), {"__slots__": ()}) for i in range(STAGES + 1))


def fresh(hop: Any, q: Any) -> Any:
    return hop(
        symbol=q.symbol,
        ts_ns=q.ts_ns,
        bid=q.bid,
        ask=q.ask,
        bid_size=q.bid_size,
        ask_size=q.ask_size,
        venue_ns=q.venue_ns,
        update_id=q.update_id,
    )


def first(number: int, ts_ns: int = 0) -> Any:
    return HOPS[0](
        symbol="X",
        ts_ns=ts_ns,
        bid=number,
        ask=2,
        bid_size=3,
        ask_size=4,
        venue_ns=5,
        update_id=number,
    )


class Stage(Actor):
    def __init__(self, hop: Any) -> None:
        self.hop = hop


class Sink(Actor):
    def __init__(self, done: Callable[[Any], None]) -> None:
        self.done = done


def stage_class(number: int) -> type[Stage]:
    def on_quote(self: Any, quote: Any) -> None:
        self.say(fresh(self.hop, quote))

    on_quote.__annotations__ = {"quote": HOPS[number], "return": None}
    return type(f"Stage{number}", (Stage,), {"on_quote": on_quote})


def sink_class() -> type[Sink]:
    def on_quote(self: Any, quote: Any) -> None:
        self.done(quote)

    on_quote.__annotations__ = {"quote": HOPS[STAGES], "return": None}
    return type("LastSink", (Sink,), {"on_quote": on_quote})


def wire(runtime: Any, done: Callable[[Any], None], thread: str) -> None:
    for number in range(STAGES + 1):
        runtime.routes.connect(HOPS[number], runtime.address(f"stage{number}"))
    children = [
        ChildSpec(
            name=f"stage{n}",
            factory=lambda n=n: stage_class(n)(HOPS[n + 1]),  # type: ignore[misc]
            thread=thread,
        )
        for n in range(STAGES)
    ]
    last = ChildSpec(name=f"stage{STAGES}", factory=lambda: sink_class()(done), thread=thread)
    runtime.declare(SupervisorSpec(name="root", children=(*children, last)))
    runtime.start()


def bare(count: int) -> float:
    queue: deque[tuple[Any, Any]] = deque()
    seen = 0

    def stage(number: int) -> Callable[[Any], None]:
        hop = HOPS[number + 1]

        def handle(quote: Any) -> None:
            queue.append((handlers[number + 1], fresh(hop, quote)))

        return handle

    def sink(quote: Any) -> None:
        nonlocal seen
        seen += 1

    handlers: list[Callable[[Any], None]] = [*(stage(n) for n in range(STAGES)), sink]
    messages = [first(n) for n in range(count)]
    began = time.perf_counter()
    for message in messages:
        queue.append((handlers[0], message))
        while queue:
            handler, body = queue.popleft()
            handler(body)
    took = time.perf_counter() - began
    assert seen == count
    return took / (count * (STAGES + 1)) * 1e6


def stepped(count: int) -> float:
    runtime = SteppedRuntime()
    seen: list[int] = []
    wire(runtime, lambda quote: seen.append(quote.bid), "thinking")
    runtime.drain()
    entrance = runtime.address("stage0")
    messages = [first(n) for n in range(count)]
    began = time.perf_counter()
    for message in messages:
        runtime.emit("port", entrance, message, 0)
        runtime.drain()
    took = time.perf_counter() - began
    assert len(seen) == count, len(seen)
    runtime.stop()
    return took / (count * (STAGES + 1)) * 1e6


def pace(count: int, send: Callable[[Any], object], done: threading.Event) -> None:
    began = time.perf_counter_ns()
    for number in range(count):
        due = began + number * 1_000_000
        while (left := due - time.perf_counter_ns()) > 0:
            time.sleep(left / 1e9)
        send(first(number, time.perf_counter_ns()))
    assert done.wait(10)


def latencies(took_ns: list[int]) -> tuple[float, float]:
    cut = quantiles(took_ns[len(took_ns) // 10 :], n=100)
    return cut[49] / 1e3, cut[98] / 1e3


def collector(count: int) -> tuple[list[int], threading.Event, Callable[[Any], None]]:
    took: list[int] = []
    done = threading.Event()

    def note(quote: Any) -> None:
        took.append(time.perf_counter_ns() - quote.ts_ns)
        if len(took) == count:
            done.set()

    return took, done, note


def threaded(count: int, thread: str) -> tuple[float, float]:
    took, done, note = collector(count)
    runtime = ThreadRuntime()
    wire(runtime, note, thread)
    while not runtime.is_ready():
        time.sleep(0.01)
    entrance = runtime.address("stage0")
    pace(count, lambda message: runtime.emit("port", entrance, message, 0), done)
    runtime.stop()
    return latencies(took)


class PykkaStage(pykka.ThreadingActor):
    def __init__(self, hop: Any, next_ref: Any, done: Any) -> None:
        super().__init__()
        self.hop, self.next_ref, self.done = hop, next_ref, done

    def on_receive(self, message: Any) -> None:
        if self.next_ref is None:
            self.done(message)
        else:
            self.next_ref.tell(fresh(self.hop, message))


def bare_pykka(count: int) -> tuple[float, float]:
    took, done, note = collector(count)
    ref: Any = None
    for number in reversed(range(STAGES + 1)):
        hop = HOPS[min(number + 1, STAGES)]
        ref = PykkaStage.start(hop, ref, note)
    pace(count, ref.tell, done)
    pykka.ActorRegistry.stop_all()
    return latencies(took)


def main() -> None:
    out = sys.stdout.write
    rounds = [(bare(10_000), stepped(10_000)) for _ in range(9)]
    # The quietest round of each: everything slower is the machine's other work.
    plain, ours = (min(times) for times in zip(*rounds, strict=True))
    out(f"us a delivery: deque {plain:.2f}, stepped {ours:.2f}, more {ours - plain:.2f}\n")
    if "--threads" in sys.argv:
        for _ in range(3):
            theirs, own, one = bare_pykka(3000), threaded(3000, ""), threaded(3000, "thinking")
            out(
                f"p50/p99 us: pykka {theirs[0]:.0f}/{theirs[1]:.0f}, "
                f"own threads {own[0]:.0f}/{own[1]:.0f}, one thread {one[0]:.0f}/{one[1]:.0f}\n"
            )


if __name__ == "__main__":
    main()
