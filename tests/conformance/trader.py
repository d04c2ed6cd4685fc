"""What a client must be able to do so that the play can be played with it.

Orders, answers and frames are dictionaries with the venue's own names and texts, whatever the
client makes of them: what is tested is the venue, seen through the eyes of the client.
"""

from __future__ import annotations

import asyncio
import queue
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from grinder.venues.sim.server import VenueServer

TIMEOUT_S = 60.0
CLOSE_S = 5.0
NUDGE_S = 0.25
FRAMES_MAX = 10_000

Row = dict[str, Any]


class RefusedError(Exception):
    """The venue refused, and the client said so in its own way."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


def refusal(text: str) -> RefusedError:
    """Return the refusal that is quoted in the text of a client's error."""
    found = re.search(r"""['"]code['"]\s*:\s*(-?\d+)""", text)
    return RefusedError(int(found.group(1)) if found else 0, text)


class Frames:
    """Frames in the order in which a client heard them; read with a limit, never slept for."""

    def __init__(self) -> None:
        self._frames: queue.Queue[Row] = queue.Queue(FRAMES_MAX)

    def put(self, frame: Row) -> None:
        """Take a frame; called on any thread."""
        self._frames.put_nowait(frame)

    def until(
        self, wanted: Callable[[Row], Any], nudge: Callable[[], Any] | None = None
    ) -> list[Row]:
        """Return the frames up to the first wanted; ``nudge`` provokes it again and again."""
        heard: list[Row] = []
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            if nudge is not None:
                nudge()
            try:
                limit = NUDGE_S if nudge else max(deadline - time.monotonic(), 0.001)
                while True:
                    frame = self._frames.get(timeout=limit)
                    heard.append(frame)
                    if wanted(frame):
                        return heard
            except queue.Empty:
                continue
        raise AssertionError(f"expected another frame after {len(heard)}, heard {heard[-3:]}")

    def first(self, kind: str, nudge: Callable[[], Any] | None = None) -> Row:
        """Return the first frame of a kind."""
        return self.until(lambda frame: frame.get("e") == kind, nudge)[-1]


class Loop:
    """An event loop on a thread of its own, for clients that are asynchronous."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="client", daemon=True)
        self._thread.start()
        self._tasks: list[asyncio.Task[Any]] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Return the result of ``work``, done on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(TIMEOUT_S)

    def keep(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do ``work`` in the background until the loop is stopped."""

        async def begin() -> None:
            self._tasks.append(asyncio.ensure_future(work))

        self.run(begin())

    def stop_after(self, close: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Cancel what is kept, close the client and stop."""

        async def end() -> None:
            for task in self._tasks:
                task.cancel()
            # A client that is just connecting anew may wait for itself, or fail at it: how it ends
            # is not what is tested.
            for endings in (self._tasks, [asyncio.ensure_future(close())]):
                if endings:
                    await asyncio.wait(endings, timeout=CLOSE_S)

        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(TIMEOUT_S)
        self.loop.close()


class Trader(ABC):
    """One client of the venue, trading BTCUSDT."""

    def __init__(self, server: VenueServer, secret: str = "sim-secret") -> None:
        self.server = server
        self.rest_url = server.rest_url
        self.ws_url = server.ws_url
        self.secret = secret

    def stranger(self) -> Trader:
        """Return the same client with a wrong secret."""
        return type(self)(self.server, "wrong-secret")

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""

    @abstractmethod
    def symbols(self) -> list[Row]:
        """Return the symbols of exchangeInfo."""

    @abstractmethod
    def time(self) -> int:
        """Return venue time."""

    @abstractmethod
    def depth(self) -> Row:
        """Return the book."""

    @abstractmethod
    def quote(self) -> Row:
        """Return the best bid and ask."""

    @abstractmethod
    def klines(self) -> list[list[Any]]:
        """Return the newest bars of a minute."""

    @abstractmethod
    def place(self, **order: Any) -> Row:
        """Place an order."""

    @abstractmethod
    def amend(self, order_id: int, side: str, quantity: float, price: float) -> Row:
        """Amend an order."""

    @abstractmethod
    def cancel(self, order_id: int) -> Row:
        """Cancel an order."""

    @abstractmethod
    def order(self, order_id: int) -> Row:
        """Return an order."""

    @abstractmethod
    def open_orders(self) -> list[Row]:
        """Return the open orders."""

    @abstractmethod
    def batch(self, orders: list[Row]) -> list[Row]:
        """Place several orders at once."""

    @abstractmethod
    def cancel_all(self) -> None:
        """Cancel all open orders."""

    @abstractmethod
    def countdown(self, ms: int) -> Row:
        """Arm the dead-man switch."""

    @abstractmethod
    def leverage(self, leverage: int) -> Row:
        """Set the leverage."""

    @abstractmethod
    def hedge(self, is_hedged: bool) -> None:
        """Set the position mode."""

    @abstractmethod
    def is_hedged(self) -> bool:
        """Return the position mode."""

    @abstractmethod
    def positions(self) -> list[Row]:
        """Return the positions that are not flat."""

    @abstractmethod
    def balance(self) -> Row:
        """Return the balance of USDT."""

    @abstractmethod
    def trades(self) -> list[Row]:
        """Return our own trades."""

    @abstractmethod
    def place_algo(self, **order: Any) -> Row:
        """Place a conditional order."""

    @abstractmethod
    def open_algos(self) -> list[Row]:
        """Return the open conditional orders."""

    @abstractmethod
    def cancel_algo(self, algo_id: int) -> None:
        """Cancel a conditional order."""

    @abstractmethod
    def listen(self, stream: str) -> Frames:
        """Listen to ``depth``, ``bookTicker``, ``aggTrade``, ``markPrice`` or ``kline``."""

    @abstractmethod
    def listen_user(self) -> Frames:
        """Listen to user data."""
