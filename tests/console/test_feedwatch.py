"""Counters of the feed, which begin anew with it, as counters of the run."""

from __future__ import annotations

from console.said import NOW
from grinder.console.feedwatch import FeedWatch
from grinder.console.metrics import Metrics
from grinder.messages.market import FeedReported, StreamKind, StreamQuality


def reported(shorts: int, jumps: int) -> FeedReported:
    quality = StreamQuality(
        stream=StreamKind.BOOK_TICKER,
        gaps=(shorts, 2, 1),
        flaws=(("price", jumps), ("bad_tick", 2)),
    )
    return FeedReported(
        stream="public",
        is_connected=True,
        frames=1,
        late=0,
        gaps=0,
        rejected=0,
        reconnects=0,
        last_event_ns=NOW,
        quality=(quality,),
    )


def test_quality_is_counted_by_stream_and_stands_at_zero_before() -> None:
    metrics = Metrics(
        config_hash="",
        version="",
        actors=lambda: (),
        is_ready=lambda: True,
        now_ns=lambda: NOW,
    )
    watch = FeedWatch(metrics)

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"grinder_data_{name}_total", labels)

    assert value("outlier", stream="bookTicker", kind="bad_tick") == 0
    assert value("outlier", stream="aggTrade", kind="future_timestamp") == 0
    assert value("gap", stream="depth", bucket=">5000") == 0
    assert value("stale", stream="marketStats") == 0

    for shorts, jumps in ((3, 1), (5, 1), (1, 2)):
        watch.reported(reported(shorts, jumps))

    assert value("gap", stream="bookTicker", bucket="500") == 6
    assert value("gap", stream="bookTicker", bucket="2000") == 2
    assert value("gap", stream="bookTicker", bucket=">5000") == 1
    assert value("outlier", stream="bookTicker", kind="price") == 2
    assert value("outlier", stream="bookTicker", kind="bad_tick") == 2
