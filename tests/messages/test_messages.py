"""Every message of the house: what it is made of, and that it survives the codec."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder.kernel import schema
from grinder.kernel.message import Lane, Message
from grinder.kernel.rows import unfold
from grinder.messages.codec import CODEC
from messages.values import values_of

every_message = pytest.mark.parametrize(
    "message_class", CODEC.message_classes, ids=lambda cls: cls.__name__
)


@every_message
@settings(max_examples=20)
@given(data=st.data())
def test_a_message_survives_the_codec(message_class: type[Message], data: st.DataObject) -> None:
    message = data.draw(values_of(message_class))

    encoded = CODEC.encode(message)
    decoded = CODEC.decode(encoded)

    assert decoded == message
    assert type(decoded) is message_class
    assert CODEC.encode(decoded) == encoded


@every_message
@settings(max_examples=10)
@given(data=st.data())
def test_messages_survive_as_rows(message_class: type[Message], data: st.DataObject) -> None:
    said = data.draw(st.lists(values_of(message_class), min_size=1, max_size=2))
    met: list[Any] = []
    rows = orjson.loads(CODEC.pack([*said, *said]))
    for row in rows:
        unfold(row, CODEC.nested(), met)

    assert [CODEC.from_row(row) for row in rows] == [*said, *said]


@every_message
def test_a_message_is_frozen_slotted_and_keyword_only(message_class: type[Message]) -> None:
    assert schema.why_not_a_value(message_class) == ""


@every_message
def test_every_field_of_a_message_is_immutable(message_class: type[Message]) -> None:
    for kind in schema.fields_of(message_class).values():
        schema.describe(kind)


@every_message
def test_a_message_can_be_hashed(message_class: type[Message]) -> None:
    assert message_class.__hash__ is not object.__hash__


@every_message
def test_a_message_states_a_lane_and_a_field_to_conflate_by(message_class: type[Message]) -> None:
    lane = message_class.lane
    names = set(schema.fields_of(message_class))

    assert isinstance(lane, (Lane, property))
    assert message_class.conflate_by is None or message_class.conflate_by in names


@every_message
def test_a_conflated_message_waits_in_the_normal_lane(message_class: type[Message]) -> None:
    assert message_class.conflate_by is None or message_class.lane is Lane.NORMAL


def test_the_words_of_the_house_are_all_there() -> None:
    names = [cls.__name__ for cls in CODEC.message_classes]

    assert {"BookTicked", "PlaceOrders", "OrderFilled", "TimerFired", "ActorFailed"} <= set(names)
    assert names == sorted(names)
