"""What messages of FeedActor move among the metrics."""

from __future__ import annotations

import threading

from grinder.console.metrics import GAP_BUCKETS, STREAMS, Metrics
from grinder.messages.market import FeedHealthChanged, FeedReported, Flaw, StreamQuality
from grinder.model.units import NS_PER_MS

NOTHING = FeedReported(
    stream="",
    is_connected=False,
    frames=0,
    late=0,
    gaps=0,
    rejected=0,
    reconnects=0,
    last_event_ns=0,
)


class FeedWatch:
    """Turns counters of FeedActor, which begin anew with it, into counters of the run."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._outliers = metrics.counter(
            "grinder_data_outlier_total",
            "Prices that jumped, bad ticks held back, trades that can't be",
            stream=STREAMS,
            kind=tuple(Flaw),
        )
        self._unsynced = metrics.gauge(
            "grinder_data_unsynced_books", "Symbols whose book is being read again"
        )
        self._lock = threading.Lock()
        self._reports: dict[str, FeedReported] = {}
        self._stale: dict[str, set[str]] = {}

    def reported(self, body: FeedReported) -> None:
        """Count what came since the last report of the same connection."""
        metrics = self._metrics
        stream = metrics.bounded("connector", body.stream)
        with self._lock:
            last = self._reports.get(stream, NOTHING)
            self._reports[stream] = body
        metrics.ticks.labels(stream).inc(_growth(last.frames, body.frames))
        metrics.frames_late.labels(stream).inc(_growth(last.late, body.late))
        metrics.frames_rejected.labels(stream).inc(_growth(last.rejected, body.rejected))
        metrics.gaps.labels(stream, "sequence").inc(_growth(last.gaps, body.gaps))
        metrics.ws_connected.labels(stream).set(body.is_connected)
        metrics.last_tick.labels(stream).set(body.last_event_ns // NS_PER_MS)
        if body.stream == "public":
            self._unsynced.set(body.unsynced)
        known = {each.stream: each for each in last.quality}
        for quality in body.quality:
            self._count(known.get(quality.stream), quality)

    def _count(self, last: StreamQuality | None, quality: StreamQuality) -> None:
        stream = str(quality.stream)
        gaps = last.gaps if last else (0, 0, 0)
        for bucket, before, now in zip(GAP_BUCKETS, gaps, quality.gaps, strict=True):
            self._metrics.gaps.labels(stream, bucket).inc(_growth(before, now))
        flaws = dict(last.flaws) if last else {}
        for flaw, now in quality.flaws:
            self._outliers.labels(stream, flaw).inc(_growth(flaws.get(flaw, 0), now))

    def health_changed(self, body: FeedHealthChanged) -> None:
        """Count the symbols whose stream is stale, and how often one became so."""
        stream = str(body.stream)
        with self._lock:
            stale = self._stale.setdefault(stream, set())
            (stale.add if body.is_stale else stale.discard)(body.symbol)
            self._metrics.stale.labels(stream).set(len(stale))
        if body.is_stale:
            self._metrics.stale_total.labels(stream).inc()


def _growth(last: int, now: int) -> int:
    # The speaker counts from its own start: a lower number is a newer generation.
    return now if now < last else now - last
