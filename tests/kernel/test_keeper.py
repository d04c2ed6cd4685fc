"""The keeper: facts that outlive a generation, by actor."""

from __future__ import annotations

import pytest

from grinder.kernel.keeper import FACTS_MAX, Keeper
from grinder.kernel.message import Envelope, Message
from grinder.kernel.signals import Recall, Recalled, Remember
from grinder.kernel.stepped import SteppedOutlet, SteppedRuntime


def said(keeper: Keeper, sender: str, body: Message) -> None:
    keeper.receive(Envelope(seq=1, sender=sender, receiver="keeper", at_ns=0, cause=0, body=body))


class Asked:
    """A keeper whose answers are collected."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        runtime = SteppedRuntime()
        for name in ("risk", "other"):
            runtime.address(name)
        self.answers: list[tuple[str, Message]] = []
        outlet = SteppedOutlet(runtime, "keeper")
        monkeypatch.setattr(
            outlet,
            "tell",
            lambda receiver, message, cause=0: self.answers.append((receiver.name, message)),
        )
        self.keeper = Keeper()
        self.keeper.open(outlet)

    def recall(self, actor: str) -> tuple[tuple[str, str], ...]:
        said(self.keeper, actor, Recall())
        name, answer = self.answers[-1]
        assert name == actor
        assert isinstance(answer, Recalled)
        return answer.facts


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


def test_what_is_kept_is_told_to_whoever_kept_it_and_to_nobody_else(asked: Asked) -> None:
    said(asked.keeper, "risk", Remember(key="b", value="2"))
    said(asked.keeper, "risk", Remember(key="a", value="1"))

    assert asked.recall("risk") == (("a", "1"), ("b", "2"))
    assert asked.recall("other") == ()


def test_an_empty_value_forgets_and_a_new_one_replaces(asked: Asked) -> None:
    said(asked.keeper, "risk", Remember(key="a", value="1"))
    said(asked.keeper, "risk", Remember(key="a", value="2"))
    said(asked.keeper, "risk", Remember(key="b", value="3"))
    said(asked.keeper, "risk", Remember(key="b", value=""))

    assert asked.recall("risk") == (("a", "2"),)


def test_more_facts_than_the_bound_are_refused(asked: Asked) -> None:
    for number in range(FACTS_MAX):
        said(asked.keeper, "risk", Remember(key=str(number), value="1"))

    with pytest.raises(OverflowError):
        said(asked.keeper, "risk", Remember(key="one more", value="1"))
