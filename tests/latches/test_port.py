"""The keeper beyond the process: written before anybody goes on, tried until it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from grinder.kernel.address import Address
from grinder.kernel.message import Envelope, Message
from grinder.kernel.signals import Recall, Recalled, Remember
from grinder.kernel.stepped import SteppedOutlet, SteppedRuntime
from grinder.latches import port
from grinder.latches.port import LastingKeeper, MemoryFacts, SteppedLastingKeeper
from grinder.messages.risk import LatchesReported
from grinder.model import retries
from grinder.model.units import NS_PER_S

PATIENCE_S = 30.0


class Heard(SteppedOutlet):
    """An outlet that collects what it is told, from any thread."""

    def __init__(self) -> None:
        self.runtime = SteppedRuntime()
        for name in ("risk", "policy.BTCUSDT"):
            self.runtime.address(name)
        super().__init__(self.runtime, "keeper")
        self.told: list[Message] = []
        self.news = threading.Condition()

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        with self.news:
            self.told.append(message)
            self.news.notify_all()

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
    monkeypatch.setattr(retries, "PAUSE_MAX_NS", NS_PER_S // 100)
    monkeypatch.setattr(retries, "RETRIES_MAX", 10**9)
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


# A store that goes on failing.

NO_SPACE = "no space left"
UNWRITTEN = LatchesReported(is_written=False, detail=NO_SPACE)
WRITTEN = LatchesReported(is_written=True, detail="")


def given_up(attempts: int) -> LatchesReported:
    text = f"{NO_SPACE}; given up after {attempts} attempts in a row"
    return LatchesReported(is_written=False, detail=text)


class Counting(MemoryFacts):
    """A full store that notes when it is tried."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        super().__init__()
        self.is_full = True
        self.tried_ns: list[int] = []
        self._now_ns = now_ns

    def write(self, facts: dict[str, Any]) -> None:
        self.tried_ns.append(self._now_ns())
        super().write(facts)


def test_pauses_between_attempts_grow_and_after_an_hour_there_are_none(heard: Heard) -> None:
    store = Counting(heard.now_ns)
    keeper = opened(SteppedLastingKeeper(store, "risk"), heard)

    say(keeper, "risk", latch("kill_switch", "MANUAL"))
    assert heard.told == [UNWRITTEN]
    heard.runtime.run_for(86_400 * NS_PER_S)

    pauses = [(after - before) // NS_PER_S for before, after in pairwise(store.tried_ns)]
    assert pauses == [1, 2, 4, 8, 16, 32] + [60] * 54
    assert heard.told == [UNWRITTEN, given_up(61)]
    say(keeper, "risk", Recall())
    assert heard.told[-1] == given_up(61), "a new guard is told, too"


def test_each_further_latch_is_one_more_attempt_that_writes_all_there_is(heard: Heard) -> None:
    store = Counting(heard.now_ns)
    keeper = opened(SteppedLastingKeeper(store, "risk"), heard)
    say(keeper, "risk", latch("kill_switch", "MANUAL"))
    heard.runtime.run_for(86_400 * NS_PER_S)
    heard.told.clear()

    say(keeper, "risk", latch("override", "PAUSE"))
    heard.runtime.run_for(86_400 * NS_PER_S)
    assert len(store.tried_ns) == 62
    assert heard.told == [given_up(62)]

    store.is_full = False
    heard.runtime.run_for(86_400 * NS_PER_S)
    assert store.facts == {}
    say(keeper, "policy.BTCUSDT", latch("stopped", "STOP_LOSS"))
    assert store.facts == {
        "policy.BTCUSDT": {"stopped": "STOP_LOSS"},
        "risk": {"kill_switch": "MANUAL", "override": "PAUSE"},
    }
    assert heard.told[-1] == WRITTEN


def test_a_latch_does_not_wait_for_the_pause_and_what_failed_long_ago_does_not_count(
    heard: Heard,
) -> None:
    store = Counting(heard.now_ns)
    keeper = opened(SteppedLastingKeeper(store, "risk"), heard)
    say(keeper, "risk", latch("kill_switch", "MANUAL"))
    heard.runtime.run_for(40 * NS_PER_S)
    store.is_full = False
    say(keeper, "risk", latch("override", "PAUSE"))
    assert heard.told == [UNWRITTEN, WRITTEN]
    assert len(store.tried_ns) == 7

    heard.runtime.run_for(retries.CALM_NS + 60 * NS_PER_S)
    assert len(store.tried_ns) == 7, "there is nothing to write"
    store.is_full = True
    say(keeper, "risk", latch("override", ""))
    heard.runtime.run_for(NS_PER_S)
    assert store.tried_ns[-1] - store.tried_ns[-2] == NS_PER_S


def test_the_thread_gives_up_and_writes_with_the_next_latch(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "PAUSE_MAX_NS", 0)
    store = Counting(heard.now_ns)
    keeper = opened(LastingKeeper(store, "risk"), heard)
    say(keeper, "risk", latch("kill_switch", "MANUAL"))
    heard.until(given_up(61))
    assert len(store.tried_ns) == 61

    store.is_full = False
    say(keeper, "risk", latch("override", "PAUSE"))
    heard.until(WRITTEN)
    assert store.facts == {"risk": {"kill_switch": "MANUAL", "override": "PAUSE"}}
    keeper.close(PATIENCE_S)
    assert len(store.tried_ns) == 62


def test_what_was_given_up_is_tried_once_more_at_the_end(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "RETRIES_MAX", 0)
    store = Counting(heard.now_ns)
    keeper = opened(LastingKeeper(store, "risk"), heard)
    say(keeper, "risk", latch("kill_switch", "MANUAL"))
    heard.until(given_up(1))
    store.is_full = False
    keeper.close(PATIENCE_S)
    assert store.facts == {"risk": {"kill_switch": "MANUAL"}}


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
