from __future__ import annotations

from grinder.kernel.signals import ActorFailed, ExitReason
from grinder.risk.serials import first_serial, void_below


def failed(actor: str, reason: ExitReason = ExitReason.ERROR) -> ActorFailed:
    return ActorFailed(actor=actor, generation=3, reason=reason)


def test_permits_of_a_dead_giver_are_void_and_those_of_its_heir_are_not() -> None:
    limit = void_below(failed("risk"))

    assert first_serial(3) < limit <= first_serial(4)


def test_a_giver_that_is_not_up_yet_keeps_the_permits_it_will_give() -> None:
    assert void_below(failed("risk", ExitReason.NORMAL)) == first_serial(3)


def test_the_failure_of_another_actor_is_left_to_the_giver() -> None:
    assert void_below(failed("feed")) == 0
