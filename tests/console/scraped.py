"""A scrape of metrics that messages have moved."""

from __future__ import annotations

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from console.said import INSTRUMENTS, NOW, Clock
from grinder.console.bookswatch import BooksObserver
from grinder.console.gridwatch import GridObserver
from grinder.console.metrics import Metrics, scrape
from grinder.console.watch import MetricsObserver
from grinder.kernel.message import Message
from grinder.kernel.observer import ActorSnapshot


class Scraped:
    def __init__(self) -> None:
        self.clock = Clock()
        self.actors: tuple[ActorSnapshot, ...] = ()
        self.is_ready = False
        self.metrics = Metrics(
            config_hash="0123456789abcdef",
            version="1.2.3",
            actors=lambda: self.actors,
            is_ready=lambda: self.is_ready,
            now_ns=self.clock,
        )
        self.observers = (
            MetricsObserver(self.metrics, INSTRUMENTS),
            GridObserver(self.metrics),
            BooksObserver(self.metrics),
        )

    def hear(self, *messages: Message, sender: str = "risk", at_ns: int = NOW) -> None:
        for message in messages:
            for observer in self.observers:
                if type(message) in observer.hears:
                    observer.observe(sender, at_ns, message)

    def families(self) -> list[Metric]:
        return list(text_string_to_metric_families(scrape(self.metrics.registry).decode()))

    def value(self, name: str, **labels: str) -> float:
        found = [
            sample.value
            for family in self.families()
            for sample in family.samples
            if sample.name == name and sample.labels == labels
        ]
        assert found, f"no sample {name} {labels}"
        return found[0]


@pytest.fixture
def scraped() -> Scraped:
    return Scraped()
