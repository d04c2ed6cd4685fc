"""Trades of which the private stream tells nothing: found, booked once, not sought for ever."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from grinder.actors.world import ACCOUNT
from grinder.kernel.message import Envelope, Message
from grinder.messages.account import AccountSynced
from grinder.messages.books import BooksDoubted
from grinder.messages.ledger import LedgerChanged, RoundTripCompleted
from grinder.messages.venue import AccountRead, ReadAccount, ReadFailed, ReadTrades
from grinder.model.order import Side
from grinder.model.position import Position
from grinder.venues import simulated_rest
from simulated.recorded import recorder, replayed
from simulated.worlds import BTC, START_TICKS, Stage, Walk, quick

INTERVAL_S = 3
"""Pause between two snapshots of the account."""
SOON_S = 4 * INTERVAL_S
"""What two snapshots that differ, and a reading, are done in."""
SWEEP_S = 60
LONG, SHORT = f"{BTC}:LONG", f"{BTC}:SHORT"
ASIDE = quick(policy={"spacing_bps": 100, "exit_spacing_bps": 200})
"""Orders so far away that none is filled."""


def booked(stage: Stage) -> tuple[object, ...]:
    """Return what the ledger has come to, over all legs."""
    last = {one.symbol: one for one in stage.said(LedgerChanged)}.values()
    return (
        sum(one.fills for one in last),
        sum(one.realized_pnl for one in last),
        sum(one.fees for one in last),
        {one.symbol: one.position_lots for one in last if one.position_lots},
    )


def at_venue(stage: Stage) -> tuple[object, ...]:
    ledger = stage.exchange.ledger(ACCOUNT)
    held = {symbol: stage.held(symbol) for symbol in stage.instruments if stage.held(symbol)}
    return ledger.fills, ledger.realised, ledger.commission, held


def readings(stage: Stage, since_ns: int = 0) -> int:
    return sum(one.at_ns >= since_ns for one in stage.entries_of(ReadTrades, sender="ledger"))


def test_a_trade_by_hand_that_was_not_told_is_booked_after_two_snapshots() -> None:
    stage = Stage(ASIDE).run(5)
    stage.by_hand(Side.BUY, 5, tell=False)
    stage.run(SOON_S)

    assert booked(stage) == at_venue(stage)
    assert stage.exchange.ledger(ACCOUNT).fills == 1
    assert readings(stage) == 1
    stage.run(60)
    assert not stage.said(BooksDoubted)


def test_trades_that_cancel_out_are_booked_within_a_minute() -> None:
    stage = Stage(ASIDE).run(5)
    stage.by_hand(Side.BUY, 5, tell=False)
    stage.by_hand(Side.SELL, 5, name="back", tell=False)
    stage.run(SWEEP_S + 5)

    assert stage.exchange.ledger(ACCOUNT).fills == 2
    assert booked(stage) == at_venue(stage)
    assert len(stage.said(RoundTripCompleted)) == 1


def test_a_trade_is_not_passed_over_for_a_later_one_that_was_told() -> None:
    stage = Stage(ASIDE).run(5)
    stage.by_hand(Side.BUY, 5, tell=False)
    stage.by_hand(Side.BUY, 7, name="later")
    stage.run(SOON_S)

    assert stage.exchange.ledger(ACCOUNT).fills == 2
    assert booked(stage) == at_venue(stage)
    assert not stage.said(BooksDoubted)


def test_more_than_a_page_holds_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated_rest, "ROWS_MAX", 3)
    stage = Stage(ASIDE).run(5)
    for number in range(11):
        side = Side.SELL if number % 2 else Side.BUY
        stage.by_hand(side, 5, name=f"hand-{number}", tell=False)
    stage.run(SOON_S)

    assert stage.exchange.ledger(ACCOUNT).fills >= 11
    assert readings(stage) > 3
    assert booked(stage) == at_venue(stage)


def test_a_leg_is_told_its_own_trades_and_reads_no_list_again() -> None:
    stage = Stage(quick(venue={"position_mode": "hedge"}, policy={"spacing_bps": 100})).run(5)
    stage.by_hand(Side.BUY, 5, symbol=LONG, tell=False)
    stage.by_hand(Side.SELL, 4, symbol=SHORT, tell=False)
    stage.run(SOON_S)
    found = booked(stage)
    stage.run(3 * SWEEP_S)

    assert found == at_venue(stage)
    assert found[3] == {LONG: 5, SHORT: -4}
    last_id = max(one.trade_id for one in stage.exchange.trades(ACCOUNT, BTC))
    questions = stage.said(ReadTrades, sender="ledger")[-2:]
    assert {(one.symbol, one.from_id) for one in questions} == {
        (LONG, last_id + 1), (SHORT, last_id + 1)
    }  # fmt: skip


def test_a_list_that_can_not_be_read_is_asked_for_again() -> None:
    stage = Stage(ASIDE).run(5)
    reads = dict(stage.runtime.ports())["port.venue"]._reads  # type: ignore[attr-defined]
    whole = reads[ReadTrades]

    def failed(_: Envelope) -> Message:
        return ReadFailed(
            request="ReadTrades", symbol=BTC, client_order_id="", token=0, code=-1001, text="down"
        )

    reads[ReadTrades] = failed
    stage.by_hand(Side.BUY, 5, tell=False)
    stage.run(30)
    asked = readings(stage)
    reads[ReadTrades] = whole
    stage.run(40)

    assert 2 <= asked <= 4
    assert booked(stage) == at_venue(stage)
    assert not stage.said(BooksDoubted)


def show_more(stage: Stage, lots: int) -> None:
    """Let the account show more than was ever traded."""
    reads = dict(stage.runtime.ports())["port.venue"]._reads  # type: ignore[attr-defined]
    whole = reads[ReadAccount]

    def more(envelope: Envelope) -> AccountRead:
        read: AccountRead = whole(envelope)
        entry_price = stage.instruments[BTC].price(START_TICKS[BTC])
        held = Position(symbol=BTC, qty_lots=lots, entry_price=entry_price)
        return attrs.evolve(read, positions=(held,))

    reads[ReadAccount] = more


def test_what_no_trade_explains_is_told_taken_over_and_not_asked_about_for_ever() -> None:
    stage = Stage(ASIDE).run(5)
    show_more(stage, 9)
    began_ns = stage.runtime.now_ns()
    stage.run(180)
    asked = readings(stage, began_ns)
    given_up_ns = stage.runtime.now_ns()
    stage.run(10 * SWEEP_S)

    assert 5 <= asked <= 10
    assert any("no trade explains" in one.detail for one in stage.said(BooksDoubted))
    assert stage.said(LedgerChanged)[-1].position_lots == 9
    assert readings(stage, given_up_ns) == 10
    assert len(stage.said(BooksDoubted)) <= 2


def test_an_ordinary_run_asks_once_a_minute_and_doubts_nothing() -> None:
    stage = Stage(quick(), market=Walk({BTC: START_TICKS[BTC]}, 7)).run(5 * SWEEP_S + 1)

    assert booked(stage) == at_venue(stage)
    assert stage.exchange.ledger(ACCOUNT).fills > 30
    assert 5 <= readings(stage) <= 6
    assert not stage.said(BooksDoubted)


def test_what_was_held_before_the_run_is_nothing_to_ask_about() -> None:
    stage = Stage(ASIDE)
    stage.by_hand(Side.BUY, 5, tell=False)
    stage.run(50)

    assert len(stage.said(AccountSynced)) > 10
    assert readings(stage) == 0


@pytest.mark.parametrize("tell", [False, True])
def test_what_was_asked_for_is_replayed(tmp_path: Path, *, tell: bool) -> None:
    def trade(stage: Stage) -> None:
        stage.by_hand(Side.BUY, 5, tell=tell)
        stage.run(SWEEP_S)
        assert booked(stage) == at_venue(stage)

    outcome, _ = replayed(recorder(tmp_path)(seconds=10, during=trade))

    assert outcome.divergence is None
