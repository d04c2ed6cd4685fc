"""Blocks: what is written is what is read, and whatever else is read is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.journal.records import FRAME, CutError, DamagedError, Record, frame, parse, unframe
from grinder.kernel.rows import Nested
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
        read.append(parse(payload, {}))
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
    assert parse(short, {}) == [["t", 7, "me", 2, 99, "done", said]]


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
        parse(payload, {})


NESTED: Nested = {"X": [(0, True, ("a", "b")), (1, False, ("c",))]}


def test_what_is_folded_stands_in_its_place_again() -> None:
    row = b'["X",1,[[[1,2],[3,4]],[[5]],9]]'
    again = b'["X",1,[0,1,9]]'
    payload = b'[["o",7,"p","q",99,0,%b],[8,"q",1,99,9,["r"],%b],["t",9,"r",1,99,"done",' % (
        row,
        again,
    )
    payload += b'[[10,["s"],null],[11,["s"],["X",1,[[],null,9]]],[12,["s"],["Y",1,[0]]]]]]'
    values = [[{"a": 1, "b": 2}, {"a": 3, "b": 4}], {"c": 5}, 9]
    first, second, third = parse(payload, NESTED)

    assert first[6] == ["X", 1, values]
    assert second[6] == [[9, ["r"], ["X", 1, values]]]
    assert [row for _, _, row in third[6]] == [None, ["X", 1, [[], None, 9]], ["Y", 1, [0]]]


@pytest.mark.parametrize(
    "values",
    [b"[0,null]", b"[null,-1]", b"[[[1]],null]", b"[[1],null]", b"[[[1,2]],1]", b'["a",null]'],
)
def test_what_was_not_folded_like_that_is_refused(values: bytes) -> None:
    payload = b'[["o",7,"p","q",99,0,["X",1,%b]]]' % values

    with pytest.raises(DamagedError, match="unfolded"):
        parse(payload, NESTED)


def test_a_length_beyond_reason_is_damage() -> None:
    length = 2**31
    head = FRAME.pack(length, length ^ 0xFFFFFFFF, 1, 0)

    with pytest.raises(DamagedError, match="length"):
        unframe(head, 0)
