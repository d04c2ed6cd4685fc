"""When trades that nobody told are asked for, from where on, and when that ends."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from grinder.ledger.gaps import GRACE_NS, QUIET_NS, TRIES_MAX, Gaps, Step
from grinder.ledger.past import PastReads
from grinder.messages.venue import ReadTrades, TradesRead
from grinder.model.order import Side, Trade
from grinder.model.units import NS_PER_S

BTC = "BTCUSDT"
LONG, SHORT = f"{BTC}:LONG", f"{BTC}:SHORT"
START_NS = 1_700_000_000 * NS_PER_S
LATER_NS = START_NS + 3_600 * NS_PER_S
TRADE = Trade(
    symbol=BTC,
    trade_id=1,
    order_id=1,
    side=Side.BUY,
    price_ticks=600_000,
    qty_lots=5,
    fee=Decimal("0.1"),
    fee_asset="USDT",
    realized_pnl=Decimal(0),
    is_maker=False,
    ts_ns=START_NS + NS_PER_S,
)


def listed(*ids: int, ts_ns: int = TRADE.ts_ns, symbol: str = BTC, next_id: int = 0) -> TradesRead:
    trades = tuple(attrs.evolve(TRADE, symbol=symbol, trade_id=one, ts_ns=ts_ns) for one in ids)
    return TradesRead(symbol=symbol, trades=trades, next_id=next_id)


def ids(trades: tuple[Trade, ...]) -> list[int]:
    return [one.trade_id for one in trades]


def asked(gaps: Gaps, now_ns: int, symbol: str = BTC) -> ReadTrades:
    question = gaps.question(symbol, now_ns)
    assert question is not None
    return question


@pytest.fixture
def gaps() -> Gaps:
    return Gaps((BTC,), START_NS)


@pytest.fixture
def legs() -> Gaps:
    return Gaps((LONG, SHORT), START_NS)


def test_the_list_is_read_on_from_what_was_listed_and_not_from_what_was_told(gaps: Gaps) -> None:
    assert asked(gaps, LATER_NS) == ReadTrades(symbol=BTC, from_id=0, since_ns=START_NS)
    assert ids(gaps.listed(listed(3, 4))) == [3, 4]
    gaps.heard(BTC, LATER_NS + NS_PER_S)

    assert asked(gaps, LATER_NS + GRACE_NS).from_id == 5


def test_one_that_is_young_is_left_to_the_stream_and_read_the_next_time(gaps: Gaps) -> None:
    asked(gaps, LATER_NS)
    young = listed(4, 5, ts_ns=LATER_NS - GRACE_NS + 1)

    assert ids(gaps.listed(listed(3, next_id=4))) == [3]
    assert not gaps.listed(young)
    assert asked(gaps, LATER_NS + GRACE_NS).from_id == 4
    assert ids(gaps.listed(young)) == [4, 5]


def test_a_clock_that_is_behind_hides_no_trade(gaps: Gaps) -> None:
    asked(gaps, LATER_NS)

    assert ids(gaps.listed(listed(3, ts_ns=LATER_NS + 60 * NS_PER_S))) == [3]


def test_what_was_before_the_run_is_not_of_it(gaps: Gaps) -> None:
    asked(gaps, LATER_NS)

    assert not gaps.listed(listed(3, ts_ns=START_NS - 1))


def test_where_nothing_is_traded_the_question_grows_no_longer(gaps: Gaps) -> None:
    asked(gaps, LATER_NS + QUIET_NS)
    gaps.listed(listed())

    assert asked(gaps, LATER_NS + 2 * QUIET_NS).since_ns == LATER_NS


def test_it_is_not_asked_twice_in_a_moment(gaps: Gaps) -> None:
    asked(gaps, LATER_NS)

    assert gaps.question(BTC, LATER_NS + GRACE_NS - 1) is None


def test_a_leg_passes_over_what_the_other_has_read(legs: Gaps) -> None:
    asked(legs, LATER_NS, LONG)
    legs.listed(listed(7, symbol=LONG))
    asked(legs, LATER_NS, SHORT)
    legs.listed(listed(symbol=SHORT))

    assert asked(legs, LATER_NS + GRACE_NS, SHORT).from_id == 8


def test_a_leg_passes_over_nothing_that_was_read_after_it_was_asked_about(legs: Gaps) -> None:
    asked(legs, LATER_NS, SHORT)
    asked(legs, LATER_NS, LONG)
    legs.listed(listed(7, symbol=LONG))
    legs.listed(listed(symbol=SHORT))

    assert asked(legs, LATER_NS + GRACE_NS, SHORT).from_id == 0


def steps(gaps: Gaps, seconds: int, *, is_read: bool = True) -> dict[int, Step]:
    """Return what a difference of 3 lots comes to that is seen each second."""
    found: dict[int, Step] = {}
    for second in range(seconds):
        now_ns = LATER_NS + second * NS_PER_S
        step = gaps.seen(BTC, 3, now_ns, now_ns)
        if step is not Step.NOTHING:
            found[second] = step
        if step is Step.ASK and gaps.question(BTC, now_ns) and is_read:
            gaps.listed(listed())
        if step is Step.GIVE_UP:
            break
    return found


def test_a_difference_that_lasts_is_asked_about_at_growing_pauses_and_then_given_up(
    gaps: Gaps,
) -> None:
    found = steps(gaps, 200)

    assert list(found) == [4, 9, 19, 39, 79]
    assert list(found.values()) == [*[Step.ASK] * TRIES_MAX, Step.GIVE_UP]


def test_it_is_not_given_up_before_the_list_has_been_read(gaps: Gaps) -> None:
    found = steps(gaps, 600, is_read=False)

    assert set(found.values()) == {Step.ASK}
    assert TRIES_MAX < len(found) < 12


def test_a_difference_that_a_fill_may_explain_is_none(gaps: Gaps) -> None:
    for second in range(100):
        now_ns = LATER_NS + second * NS_PER_S
        gaps.heard(BTC, now_ns)
        assert gaps.seen(BTC, 3, now_ns - 1, now_ns) is Step.NOTHING


def test_a_difference_that_changes_or_goes_away_begins_anew(gaps: Gaps) -> None:
    for second in range(100):
        now_ns = LATER_NS + second * 3 * NS_PER_S
        assert gaps.seen(BTC, (0, 3, 4)[second % 3], now_ns, now_ns) is Step.NOTHING


def test_the_past_waits_for_what_only_makes_sure() -> None:
    reads = PastReads()
    sure = ReadTrades(symbol=BTC, from_id=9, since_ns=0)
    past = ReadTrades(symbol=BTC, from_id=0, since_ns=START_NS)
    assert reads.want(sure, is_past=False) == (sure,)
    assert BTC not in reads
    assert not reads.is_past(BTC)

    assert reads.want(past) == ()
    assert BTC in reads
    assert reads.answered(listed(9, next_id=10)) == (attrs.evolve(sure, from_id=10),)
    assert reads.answered(listed()) == (past,)
    assert reads.is_past(BTC)


def test_what_only_makes_sure_is_let_go_of_where_it_fails() -> None:
    reads = PastReads()
    past = ReadTrades(symbol=BTC, from_id=0, since_ns=START_NS)
    reads.want(ReadTrades(symbol=BTC, from_id=9, since_ns=0), is_past=False)
    reads.want(past)

    assert reads.failed(BTC) == (past,)
    assert reads.failed(BTC) == ()
    assert reads.again() == (past,)
