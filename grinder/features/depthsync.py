"""The chain of one symbol's depth changes: joined to a snapshot, and noticed when it breaks.

The rule is the venue's (Binance USDT-M, "How to manage a local order book correctly"): buffer the
changes, take a snapshot, drop changes whose last id is below the snapshot's, begin with the one
that spans it, and from there on each change names the last id of the one before.
"""

from __future__ import annotations

from collections import deque

from grinder.messages.market import DepthChanged, DepthSynced
from grinder.messages.venue import DepthRead

BUFFER_MAX = 300
"""Changes kept while there is no snapshot; half a minute of them. Older ones are forgotten."""

Told = tuple[DepthSynced | DepthChanged, ...]


class DepthSync:
    """Say what may be said of one book; ask for a snapshot when nothing may.

    What it returns applies in order without a hole: ``DepthSynced`` begins the book anew, and every
    ``DepthChanged`` after it continues what was said before.
    """

    __slots__ = ("_buffer", "_is_live", "_last_id", "_snapshot", "breaks")

    def __init__(self) -> None:
        self._buffer: deque[DepthChanged] = deque(maxlen=BUFFER_MAX)
        self._snapshot: DepthRead | None = None
        self._is_live = False
        self._last_id = 0
        self.breaks = 0
        """How often a change did not continue the one before it."""

    @property
    def is_unsynced(self) -> bool:
        """True while changes are heard and nothing may be said of them."""
        return not self._is_live and (self._snapshot is not None or bool(self._buffer))

    @property
    def wants_snapshot(self) -> bool:
        """True when changes wait for a snapshot to begin with."""
        return not self._is_live and self._snapshot is None and bool(self._buffer)

    def restart(self) -> None:
        """Forget the chain: what comes next comes over another connection."""
        self._is_live = False
        self._snapshot = None
        self._buffer.clear()

    def hear(self, change: DepthChanged) -> Told:
        """Take the next change, newer than every one before; return what may be said now."""
        if self._is_live:
            if change.previous_id == self._last_id:
                self._last_id = change.last_id
                return (change,)
            self._is_live = False
            self._broken()
        elif self._buffer and change.previous_id != self._buffer[-1].last_id:
            self._broken()
        self._buffer.append(change)
        return self._joined()

    def answer(self, snapshot: DepthRead) -> Told:
        """Take the snapshot that was asked for; return what may be said now."""
        if self._is_live:
            return ()
        self._snapshot = snapshot
        return self._joined()

    def _broken(self) -> None:
        self.breaks += 1
        self._buffer.clear()

    def _joined(self) -> Told:
        """Join the snapshot to the buffer; an older one than the buffer is thrown away."""
        snapshot, buffer = self._snapshot, self._buffer
        if snapshot is None:
            return ()
        while buffer and buffer[0].last_id < snapshot.last_id:
            buffer.popleft()
        if not buffer:
            # The change that spans it is still to come.
            return ()
        self._snapshot = None
        first = buffer[0]
        # A change that continues exactly the snapshot leaves no hole either.
        if first.first_id > snapshot.last_id != first.previous_id:
            return ()
        told: Told = (
            DepthSynced(
                symbol=snapshot.symbol,
                last_id=snapshot.last_id,
                bids=snapshot.bids,
                asks=snapshot.asks,
                event_ns=snapshot.event_ns,
            ),
            *buffer,
        )
        self._last_id = buffer[-1].last_id
        self._is_live = True
        buffer.clear()
        return told
