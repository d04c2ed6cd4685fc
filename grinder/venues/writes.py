"""Which placements and cancels are still open, for whoever has to know that none is."""

from __future__ import annotations

import threading
from collections.abc import Callable

import attrs

from grinder.kernel.message import Envelope
from grinder.model.units import NS_PER_S

WAITERS_MAX = 64
LOOK_EVERY_S = 0.5


@attrs.define(kw_only=True)
class _Waiter:
    envelope: Envelope
    pending: set[int]
    until_ns: int


class Withdrawals:
    """Names of orders that were to be cancelled, so that none of them is placed afterwards.

    Cancels overtake placements. A cancel may so reach the venue before its order, which does not
    know it yet; sent then, the order would rest although it was cancelled. A name is used once,
    so a placement that comes after the cancel of its name is always such a one.
    """

    def __init__(self, *, names_max: int) -> None:
        self._names_max = names_max
        self._names: dict[str, None] = {}
        self._lock = threading.Lock()

    def note(self, client_order_id: str) -> None:
        """Keep a name; the oldest ones go."""
        with self._lock:
            self._names[client_order_id] = None
            while len(self._names) > self._names_max:
                del self._names[next(iter(self._names))]

    def __contains__(self, client_order_id: str) -> bool:
        return client_order_id in self._names


class WriteTracker:
    """Answer a Quiesce once every earlier write is answered and every unknown one is decided.

    Bounded by the queues in front of it: it holds one number for each write under way. More than
    64 unanswered Quiesce replace the oldest ones, which a later one includes.
    """

    def __init__(
        self, *, now_ns: Callable[[], int], quiesced: Callable[[Envelope], None], name: str
    ) -> None:
        self._now_ns = now_ns
        self._quiesced = quiesced
        self._changed = threading.Condition()
        self._pending: dict[int, int] = {}
        """Writes not answered yet, by the envelope that they came with."""
        self._waiters: list[_Waiter] = []
        self._decided_ns = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread that waits for decisions."""
        self._thread.start()

    def begin(self, seq: int, writes: int = 1) -> None:
        """Take note of so many writes that came with the envelope number ``seq``."""
        with self._changed:
            self._pending[seq] = writes

    def settle(self, seq: int, *, decided_ns: int = 0) -> None:
        """Take note of an answer; from ``decided_ns`` on an unknown write can't happen any more."""
        with self._changed:
            left = self._pending.pop(seq, 0) - 1
            if left > 0:
                self._pending[seq] = left
            self._decided_ns = max(self._decided_ns, decided_ns)
            for waiter in self._waiters:
                if seq in waiter.pending:
                    waiter.until_ns = max(waiter.until_ns, decided_ns)
                    if left <= 0:
                        waiter.pending.discard(seq)
            if self._waiters:
                self._changed.notify()

    def quiesce(self, envelope: Envelope) -> None:
        """Answer ``envelope``, a Quiesce, when everything begun so far is settled for good."""
        with self._changed:
            del self._waiters[: max(0, len(self._waiters) - WAITERS_MAX + 1)]
            self._waiters.append(
                _Waiter(envelope=envelope, pending=set(self._pending), until_ns=self._decided_ns)
            )
            self._changed.notify()

    def close(self, timeout_s: float) -> None:
        """End the thread; open Quiesce stay unanswered, as nothing is known of them."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                now_ns = self._now_ns()
                done = [each for each in self._waiters if self._is_quiet(each, now_ns)]
                if not done:
                    self._changed.wait(self._pause_s(now_ns))
                    continue
                self._waiters = [each for each in self._waiters if each not in done]
            for each in done:
                self._quiesced(each.envelope)

    @staticmethod
    def _is_quiet(waiter: _Waiter, now_ns: int) -> bool:
        return not waiter.pending and waiter.until_ns <= now_ns

    def _pause_s(self, now_ns: int) -> float | None:
        ends = [each.until_ns for each in self._waiters if not each.pending]
        if not ends:
            return None
        # The runtime's time may be stepped, so a long wait looks at it again now and then.
        return min(max(0.001, (min(ends) - now_ns) / NS_PER_S), LOOK_EVERY_S)
