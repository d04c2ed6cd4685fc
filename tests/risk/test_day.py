from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from grinder.ledger.days import nothing_of
from grinder.messages.ledger import DayChanged, LedgerChanged
from grinder.risk.day import DAY_NS, DayLoss

D = Decimal
NOON = 20_000 * DAY_NS + DAY_NS // 2
MIDNIGHT = 20_001 * DAY_NS


def totals(
    realized: str = "0",
    unrealized: str = "0",
    fees: str = "0",
    funding: str = "0",
    *,
    symbol: str = "BTCUSDT",
    fills: int = 1,
) -> LedgerChanged:
    return LedgerChanged(
        symbol=symbol,
        fills=fills,
        position_lots=1,
        average_price=D(1),
        realized_pnl=D(realized),
        fees=D(fees),
        funding=D(funding),
        unrealized_pnl=D(unrealized),
    )


def begun(limit: str = "500") -> DayLoss:
    day = DayLoss(D(limit))
    day.look(NOON, D(10_000))
    return day


def test_everything_that_is_worth_something_counts_over_all_symbols() -> None:
    day = begun()
    day.hear(totals("10", "-4", "1.5", "0.25"))
    day.hear(totals("2", symbol="ETHUSDT"))
    day.hear(totals("-1", symbol="ETHUSDT"))

    assert day.pnl == D("3.75")
    assert day.fraction == 0


@pytest.mark.parametrize(("loss", "is_lost"), [("500", False), ("500.01", True)])
def test_a_day_is_lost_above_its_limit_and_found_so_once(loss: str, is_lost: bool) -> None:
    day = begun()
    day.hear(totals(realized=f"-{loss}"))

    assert day.look(NOON, D(9_500)) is is_lost
    assert day.is_lost is is_lost
    assert not day.look(NOON + 1, D(9_500))
    assert day.fraction == D(loss) / 10_000


def test_a_lost_day_stays_lost_until_midnight_utc_and_the_next_begins_at_nothing() -> None:
    day = begun()
    day.hear(totals(realized="-600"))
    day.look(NOON, D(9_400))
    day.hear(totals(realized="-600", unrealized="900"))
    assert not day.look(MIDNIGHT - 1, D(10_300))
    assert day.is_lost

    day.look(MIDNIGHT, D(10_300))
    assert (day.is_lost, day.pnl, day.equity) == (False, D(0), D(10_300))
    day.hear(totals(realized="-600", unrealized="400.5"))
    assert day.pnl == D("-499.5")
    day.hear(totals(realized="-600", unrealized="399"))
    assert day.look(MIDNIGHT + 1, D(9_799))


def test_no_limit_loses_no_day() -> None:
    day = begun("0")
    day.hear(totals(realized="-100000"))

    assert not day.look(NOON, D(1))
    assert day.fraction == 1


def test_books_that_are_read_again_are_believed_once_they_know_as_much() -> None:
    day = begun()
    day.hear(totals(realized="-400", fills=7))
    day.hear(totals(realized="-10", fills=1))
    day.hear(totals(realized="-390", fills=6))
    assert day.pnl == -400

    day.hear(totals(realized="-401", fills=7))
    assert day.pnl == -401


def test_the_next_generation_goes_on_with_the_day_once_the_books_have_told() -> None:
    first = begun()
    first.hear(totals(realized="100"))
    first.look(MIDNIGHT, D(10_100))
    first.hear(totals(realized="-450"))
    second = DayLoss(D(500))
    second.recall(dict(first.latched()))

    assert (second.day, second.equity, second.pnl) == (20_001, D(10_100), D(0))
    second.hear(totals(realized="-450"))
    assert second.pnl == first.pnl == -550
    assert second.look(MIDNIGHT + 5, D(9_550))
    third = DayLoss(D(500))
    third.recall(dict(second.latched()))
    assert third.is_lost


def test_a_generation_that_died_over_midnight_begins_the_day_when_the_books_have_told() -> None:
    first = begun()
    first.hear(totals(realized="-600"))
    first.look(NOON, D(9_400))
    second = DayLoss(D(500))
    second.recall(dict(first.latched()))

    second.look(MIDNIGHT, D(9_400))
    assert second.is_lost
    second.hear(totals(realized="-600"))
    assert not second.look(MIDNIGHT, D(9_400))
    assert (second.is_lost, second.pnl) == (False, D(0))


def test_a_loss_does_not_count_before_the_profit_of_the_others_is_told() -> None:
    first = begun()
    first.hear(totals(realized="450"))
    first.hear(totals(realized="-600", symbol="ETHUSDT"))
    first.hear(totals(realized="0", symbol="SOLUSDT"))
    second = DayLoss(D(500))
    second.recall(dict(first.latched()))

    second.hear(totals(realized="-600", symbol="ETHUSDT"))
    assert not second.look(NOON, D(9_850))
    assert dict(second.latched())["day_symbols"] == "BTCUSDT ETHUSDT"
    second.hear(totals(realized="450"))
    assert second.pnl == -150
    assert not second.look(NOON, D(9_850))


def test_nothing_kept_is_a_first_generation() -> None:
    day = DayLoss(D(500))
    day.recall({})
    day.hear(totals(realized="-501"))

    assert day.look(NOON, D(0))
    assert day.fraction == 0


def booked(realized: str, day: str = "2024-10-04") -> DayChanged:
    return attrs.evolve(nothing_of(day), realized_pnl=D(realized), fees=D(1), funding=D("0.5"))


def test_what_an_earlier_process_lost_today_counts() -> None:
    day = begun()
    day.hear_day(booked("-480"))
    assert day.pnl == D("-480.5")

    day.hear(totals("-20"))
    day.hear_day(booked("-500"))
    assert day.pnl == D("-500.5")
    assert day.look(NOON, D(9_500))


def test_it_does_not_count_on_the_next_day_nor_when_the_books_tell_of_another() -> None:
    day = begun()
    day.hear_day(booked("-480", "2024-10-03"))
    assert day.pnl == 0
    day.hear_day(booked("-480"))

    day.look(MIDNIGHT, D(9_500))
    assert day.pnl == 0
    day.hear_day(booked("-9", "2024-10-05"))
    assert day.pnl == 0


def test_a_restarted_actor_keeps_what_was_carried() -> None:
    day = begun()
    day.hear_day(booked("-480"))
    again = DayLoss(D(500))
    again.recall(dict(day.latched()))

    assert again.pnl == D("-480.5")
    again.hear(totals("-20"))
    assert again.pnl == D("-500.5")
