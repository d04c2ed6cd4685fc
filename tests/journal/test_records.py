"""Blocks: what is written is what is read, and whatever else is read is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.journal.records import FRAME, CutError, DamagedError, frame, parse, spell, unframe
from grinder.kernel.signals import StopRequested, TimerFired
from grinder.messages.codec import CODEC

records = st.lists(
    st.tuples(st.just("o"), st.integers(0, 2**53), st.text()).map(list), min_size=1, max_size=5
)


@given(blocks=st.lists(records, min_size=1, max_size=4))
def test_blocks_come_back_as_they_were(blocks: list[list[object]]) -> None:
    data = b"".join(frame(one) for one in blocks)  # type: ignore[arg-type]
    offset = 0
    read = []
    while offset < len(data):
        payload, count, offset = unframe(data, offset)
        read.append(parse(payload))
        assert count == len(read[-1])

    assert read == blocks


@given(block=records, data=st.data())
def test_any_byte_that_changes_is_noticed(block: list[object], data: st.DataObject) -> None:
    whole = frame(block)  # type: ignore[arg-type]
    place = data.draw(st.integers(0, len(whole) - 1))
    change = data.draw(st.integers(1, 255))
    damaged = bytearray(whole)
    damaged[place] ^= change

    with pytest.raises(DamagedError):
        unframe(bytes(damaged), 0)


@given(block=records, data=st.data())
def test_a_block_that_ends_early_is_cut_and_not_damaged(
    block: list[object], data: st.DataObject
) -> None:
    whole = frame(block)  # type: ignore[arg-type]
    kept = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(CutError):
        unframe(whole[:kept], 0)


@pytest.mark.parametrize("payload", [b"{}", b"[]", b"[1]", b'[["?",1]]', b'[["o"]]', b"nonsense"])
def test_what_checks_and_is_no_record_is_refused(payload: bytes) -> None:
    with pytest.raises(DamagedError):
        parse(payload)


def test_a_length_beyond_reason_is_damage() -> None:
    length = 2**31
    head = FRAME.pack(length, length ^ 0xFFFFFFFF, 1, 0)

    with pytest.raises(DamagedError, match="length"):
        unframe(head, 0)


def test_numbers_that_another_thread_took_in_between_are_kept() -> None:
    handled = StopRequested()
    said = TimerFired(key="a", generation=1)
    slots = [SimpleNamespace(name=name) for name in ("one", "two", "three")]
    sendings = [(slot, (seq, "me", 5, said)) for slot, seq in zip(slots, (10, 11, 13), strict=True)]
    turn: Any = ("me", 1, 99, (5, "outside", 0, handled), sendings, "done")

    (record,) = spell([turn], CODEC.row)

    row = ("TimerFired", 1, ("a", 1))
    assert record[6] == [(10, ["one", "two"], row), (13, ["three"], row)]
