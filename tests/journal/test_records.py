"""Blocks: what is written is what is read, and whatever else is read is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.journal.records import FRAME, CutError, DamagedError, Record, frame, parse, unframe
from grinder.messages.codec import CODEC

records = st.lists(
    st.tuples(st.just("o"), st.integers(0, 2**53), st.text()).map(list), min_size=1, max_size=5
)


@given(blocks=st.lists(records, min_size=1, max_size=4))
def test_blocks_come_back_as_they_were(blocks: list[list[Record]]) -> None:
    data = b"".join(frame(one, CODEC.pack) for one in blocks)
    offset = 0
    read = []
    while offset < len(data):
        payload, count, offset = unframe(data, offset)
        read.append(parse(payload))
        assert count == len(read[-1])

    assert read == blocks


@given(block=records, data=st.data())
def test_any_byte_that_changes_is_noticed(block: list[Record], data: st.DataObject) -> None:
    whole = frame(block, CODEC.pack)
    place = data.draw(st.integers(0, len(whole) - 1))
    change = data.draw(st.integers(1, 255))
    damaged = bytearray(whole)
    damaged[place] ^= change

    with pytest.raises(DamagedError):
        unframe(bytes(damaged), 0)


@given(block=records, data=st.data())
def test_a_block_that_ends_early_is_cut_and_not_damaged(
    block: list[Record], data: st.DataObject
) -> None:
    whole = frame(block, CODEC.pack)
    kept = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(CutError):
        unframe(whole[:kept], 0)


@pytest.mark.parametrize(
    ("short", "said"),
    [
        (b'[[7,"me",2,99]]', []),
        (b'[[7,"me",2,99,8,["a","b"],null]]', [[8, ["a", "b"], None]]),
        (b'[[7,"me",2,99,8,["a"],["X",1,[3]]]]', [[8, ["a"], ["X", 1, [3]]]]),
    ],
)
def test_a_short_turn_is_read_as_a_long_one(short: bytes, said: list[object]) -> None:
    assert parse(short) == [["t", 7, "me", 2, 99, "done", said]]


@pytest.mark.parametrize(
    "payload",
    [
        b"[[1,2,3]]",
        b'[[1,"a",1,1,1,[]]]',
        b"{}",
        b"[]",
        b"[1]",
        b'[["?",1]]',
        b'[["o"]]',
        b"nonsense",
    ],
)
def test_what_checks_and_is_no_record_is_refused(payload: bytes) -> None:
    with pytest.raises(DamagedError):
        parse(payload)


def test_a_length_beyond_reason_is_damage() -> None:
    length = 2**31
    head = FRAME.pack(length, length ^ 0xFFFFFFFF, 1, 0)

    with pytest.raises(DamagedError, match="length"):
        unframe(head, 0)
