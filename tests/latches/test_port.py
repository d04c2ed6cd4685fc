"""The keeper beyond the process: written before anybody goes on, tried until it is."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from grinder.kernel.address import Address
from grinder.kernel.message import Envelope, Message
from grinder.kernel.signals import Recall, Recalled, Remember
from grinder.kernel.stepped import SteppedOutlet, SteppedRuntime
from grinder.latches import port
from grinder.latches.port import LastingKeeper, MemoryFacts, SteppedLastingKeeper
from grinder.messages.risk import LatchesReported

PATIENCE_S = 30.0


class Heard:
    """An outlet that collects what it is told, from any thread."""

    def __init__(self) -> None:
        runtime = SteppedRuntime()
        for name in ("risk", "policy.BTCUSDT"):
            runtime.address(name)
        self._inner = SteppedOutlet(runtime, "keeper")
        self.told: list[Message] = []
        self.news = threading.Condition()

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        with self.news:
            self.told.append(message)
            self.news.notify_all()

    def resolve(self, name: str) -> Address:
        return self._inner.resolve(name)

    def now_ns(self) -> int:
        return self._inner.now_ns()

    def until(self, message: Message) -> None:
        """Wait until it has been told."""
        with self.news:
            assert self.news.wait_for(lambda: message in self.told, PATIENCE_S), self.told


def say(keeper: LastingKeeper, sender: str, body: Message) -> None:
    keeper.receive(Envelope(seq=1, sender=sender, receiver="keeper", at_ns=0, cause=0, body=body))


def latch(key: str, value: str, *, is_lasting: bool = True) -> Remember:
    return Remember(key=key, value=value, is_lasting=is_lasting)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def store() -> MemoryFacts:
    return MemoryFacts()


def opened(keeper: LastingKeeper, heard: Heard) -> LastingKeeper:
    keeper.open(heard)
    return keeper


def test_lasting_facts_and_no_others_reach_the_store_before_the_speaker_goes_on(
    heard: Heard, store: MemoryFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The thread that writes gets its turn by then, on a machine however busy.
    monkeypatch.setattr(port, "AHEAD_S", PATIENCE_S)
    keeper = opened(LastingKeeper(store, "risk"), heard)
    say(keeper, "risk", latch("day", "5", is_lasting=False))
    say(keeper, "risk", latch("kill_switch", "MANUAL"))
    assert store.facts == {"risk": {"kill_switch": "MANUAL"}}
    say(keeper, "policy.BTCUSDT", latch("stopped", "STOP_LOSS"))
    say(keeper, "risk", latch("kill_switch", ""))
    assert store.facts == {"policy.BTCUSDT": {"stopped": "STOP_LOSS"}}
    keeper.close(PATIENCE_S)
    assert heard.told == []


def test_the_next_process_is_told_what_lasted(heard: Heard, store: MemoryFacts) -> None:
    store.facts = {"risk": {"kill_switch": "MANUAL"}}
    keeper = opened(SteppedLastingKeeper(store, "risk"), heard)
    say(keeper, "risk", Recall())
    assert heard.told == [Recalled(facts=(("kill_switch", "MANUAL"),))]
    say(keeper, "risk", latch("kill_switch", ""))
    assert store.facts == {}


def test_a_store_that_takes_nothing_is_tried_until_it_does_and_both_are_told(
    heard: Heard, store: MemoryFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port, "PAUSE_S", 0.01)
    keeper = opened(LastingKeeper(store, "risk"), heard)
    store.is_full = True
    say(keeper, "policy.BTCUSDT", latch("stopped", "STOP_LOWER"))
    lost = LatchesReported(is_written=False, detail="no space left")
    heard.until(lost)
    say(keeper, "risk", Recall())
    assert heard.told.count(lost) == 2, "a new guard is told, too"
    store.is_full = False
    heard.until(LatchesReported(is_written=True, detail=""))
    assert store.facts == {"policy.BTCUSDT": {"stopped": "STOP_LOWER"}}
    keeper.close(PATIENCE_S)


def test_a_disk_that_hangs_holds_nobody_up_for_longer_than_it_may(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()

    class Hanging(MemoryFacts):
        def write(self, facts: dict[str, Any]) -> None:
            assert free.wait(PATIENCE_S)
            super().write(facts)

    monkeypatch.setattr(port, "AHEAD_S", 0.01)
    store = Hanging()
    keeper = opened(LastingKeeper(store, "risk"), heard)
    say(keeper, "risk", latch("kill_switch", "MANUAL"))
    assert store.facts == {}
    free.set()
    keeper.close(PATIENCE_S)
    assert store.facts == {"risk": {"kill_switch": "MANUAL"}}


def test_what_is_said_last_is_written_at_the_end(heard: Heard, store: MemoryFacts) -> None:
    keeper = opened(LastingKeeper(store, "risk"), heard)
    for number in range(50):
        say(keeper, "policy.BTCUSDT", latch("stopped", f"STOP {number}"))
    keeper.close(PATIENCE_S)
    keeper.close(PATIENCE_S)
    assert store.facts == {"policy.BTCUSDT": {"stopped": "STOP 49"}}
