from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grinder.model.trades import TradeLog


@given(st.lists(st.integers(1, 50), max_size=200), st.integers(1, 10))
def test_no_trade_counts_twice_however_little_is_remembered(ids: list[int], room: int) -> None:
    log = TradeLog(remembered_max=room)
    counted = [trade_id for trade_id in ids if log.add(trade_id)]

    assert len(counted) == len(set(counted))
    assert len(log) <= room
    assert all(log.knows(trade_id) for trade_id in ids)


@given(st.lists(st.integers(1, 50), max_size=60))
def test_every_trade_counts_once_while_there_is_room(ids: list[int]) -> None:
    log = TradeLog()

    assert {trade_id for trade_id in ids if log.add(trade_id)} == set(ids)
    assert log.last_id == max(ids, default=0)


def test_what_lies_below_the_floor_is_known() -> None:
    log = TradeLog(floor=10)

    assert not log.add(10)
    assert log.add(11)
