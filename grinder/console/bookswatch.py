"""What the books come to, as metrics and for the report: round trips, and how the store gets on."""

from __future__ import annotations

import threading
from collections import Counter
from decimal import Decimal
from typing import Any

from grinder.console.metrics import Metrics
from grinder.console.symbolview import plain
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.messages.books import BooksDoubted, BooksReported
from grinder.messages.ledger import RoundTripCompleted

OUTCOMES = ("win", "loss", "breakeven")
REMEMBERED_MAX = 10_000
"""Round trips that are known by name, so that one said again counts once."""


class BooksObserver(Observer):
    """Counts round trips once each, and shows what the store reports."""

    hears = (RoundTripCompleted, BooksReported, BooksDoubted)

    def __init__(self, metrics: Metrics) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, None] = {}
        self._outcomes: Counter[str] = Counter()
        self._net = Decimal(0)
        self._report: BooksReported | None = None
        self._doubts = 0
        gauge, counter = metrics.gauge, metrics.counter
        self._trips = counter(
            "grinder_round_trips_total", "Positions from flat to flat", outcome=OUTCOMES
        )
        self._pnl = gauge("grinder_round_trips_net_usd", "Net of all of them, after fees")
        self._healthy = gauge("grinder_books_healthy", "1 while the store takes rows")
        self._pending = gauge("grinder_books_pending_rows", "Rows that wait for the store")
        self._written = counter("grinder_books_rows_total", "Rows that the store has")
        self._lost = counter("grinder_books_lost_total", "Rows refused, to be read again")
        self._doubted = counter(
            "grinder_books_doubted_total", "Times the books could not be reconciled"
        )

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Take one message."""
        with self._lock:
            if isinstance(body, RoundTripCompleted):
                self._trip(body)
            elif isinstance(body, BooksReported):
                self._reported(body)
            else:
                self._doubts += 1
                self._doubted.inc()

    def _trip(self, trip: RoundTripCompleted) -> None:
        if trip.row_id in self._known:
            return  # a restarted LedgerActor may say it again
        self._known[trip.row_id] = None
        if len(self._known) > REMEMBERED_MAX:
            del self._known[next(iter(self._known))]
        self._outcomes[trip.outcome] += 1
        self._net += trip.net_pnl
        self._trips.labels(trip.outcome).inc()
        self._pnl.set(float(self._net))

    def _reported(self, report: BooksReported) -> None:
        last, self._report = self._report, report
        self._healthy.set(report.is_written and not report.is_torn)
        self._pending.set(report.pending)
        self._written.inc(report.written - (0 if last is None else last.written))
        self._lost.inc(report.lost - (0 if last is None else last.lost))

    def summary(self) -> dict[str, Any]:
        """Return what the report says of it; ``books`` is None in a run that keeps none."""
        with self._lock:
            report = self._report
            trips: dict[str, Any] = {"count": sum(self._outcomes.values())}
            trips |= {name: self._outcomes[name] for name in OUTCOMES}
            books = None
            if report is not None:
                books = {
                    "is_healthy": report.is_written and not report.is_torn,
                    "rows": report.written,
                    "pending": report.pending,
                    "lost": report.lost,
                    "conflicts": report.conflicts,
                    "doubts": self._doubts,
                    "detail": report.detail,
                }
            return {"round_trips": trips | {"net_pnl": plain(self._net)}, "books": books}
