"""One world, twice: the same words in the same order. Another order, the same books."""

from __future__ import annotations

import pytest

from simulated import checks
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, START_TICKS, Stage, Walk, quick

pytestmark = pytest.mark.unmeasured


def played(walk: int, order: int | None, seconds: float = 40) -> Stage:
    both = {name: START_TICKS[name] for name in (BTC, ETH)}
    return Stage(
        quick(BTC, ETH), instruments=(BITCOIN, ETHER), market=Walk(both, walk), seed=order
    ).run(seconds)


@pytest.mark.parametrize("order", [None, 1, 2])
def test_the_same_world_twice_says_the_same_words_at_the_same_times(order: int | None) -> None:
    one, other = played(3, order), played(3, order)

    assert len(one.record.all) > 1_000
    assert one.record.all == other.record.all
    assert one.exchange.ledger("sim") == other.exchange.ledger("sim")


def test_a_failure_at_the_same_delivery_leads_to_the_same_words() -> None:
    stages = []
    for _ in range(2):
        stage = played(3, 5, seconds=10)
        for _ in range(7):
            stage.runtime.step()
        stage.runtime.inject("exchange", "raise")
        stages.append(stage.run(20))

    assert stages[0].record.all == stages[1].record.all


def test_another_order_of_delivery_gives_other_words_and_books_equal_to_the_venues() -> None:
    stages = [played(3, order) for order in (None, *range(6))]
    for stage in stages:
        stage.market.stand()
        stage.run(20)

        checks.assert_all_well(stage)
    words = {tuple(repr(one) for one in stage.record.all[:400]) for stage in stages}
    assert len(words) > 3
