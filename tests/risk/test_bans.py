"""Bans of symbols: each begin and each end is told, whatever is forgotten between."""

from __future__ import annotations

import pytest

from grinder.messages.risk import BanSymbol
from grinder.risk.bans import Bans

BTC = "BTCUSDT"


@pytest.fixture
def bans() -> Bans:
    """Return a ban until 100, which has been told."""
    found = Bans()
    found.add(BanSymbol(symbol=BTC, duration_ns=90, reason="exploit", operator="ada"), 10)
    assert told(found, 10) == [(BTC, True)]
    return found


def told(bans: Bans, now_ns: int) -> list[tuple[str, bool]]:
    return [(one.symbol, one.is_banned) for one in bans.news(now_ns)]


def test_a_ban_is_told_once_and_again_when_somebody_has_forgotten_it(bans: Bans) -> None:
    assert told(bans, 50) == []
    bans.forget()
    assert told(bans, 50) == [(BTC, True)]
    assert told(bans, 50) == []


def test_an_end_is_told_even_to_those_who_are_told_anew(bans: Bans) -> None:
    bans.forget()
    assert told(bans, 100) == [(BTC, False)]
    assert told(bans, 100) == []


def test_the_heir_tells_of_a_ban_and_of_one_that_has_ended_before_his_time(bans: Bans) -> None:
    for now_ns, is_banned in ((50, True), (100, False)):
        heir = Bans()
        heir.recall(bans.text())
        assert told(heir, now_ns) == [(BTC, is_banned)]
        assert heir.holds(BTC, now_ns) is is_banned
        assert told(heir, now_ns) == []


def test_a_ban_that_the_heir_was_told_of_stays_as_it_is(bans: Bans) -> None:
    heir = Bans()
    heir.add(BanSymbol(symbol=BTC, duration_ns=0, reason="again", operator="bob"), 20)
    heir.recall(bans.text())

    assert told(heir, 200) == [(BTC, True)]
