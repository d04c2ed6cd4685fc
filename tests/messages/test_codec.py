"""The codec by itself, on messages made for the purpose."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any, ClassVar, NewType

import attrs
import orjson
import pytest

from grinder.kernel.codec import Codec
from grinder.kernel.message import Message
from grinder.kernel.rows import unfold

Name = NewType("Name", str)


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


class Pair(Enum):
    BOTH = (1, 2)


@attrs.frozen(kw_only=True)
class Part:
    name: Name
    weight: Decimal = Decimal(0)


@attrs.frozen(kw_only=True)
class Shipped(Message):
    version: ClassVar[int] = 3

    count: int
    ratio: float = 0.5
    fragile: bool = False
    colour: Colour = Colour.RED
    size: Size = Size.SMALL
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    row: tuple[str, Decimal] = ("a", Decimal(1))
    note: str | None = None


@attrs.frozen(kw_only=True)
class Stopped(Message):
    pass


CODEC = Codec([Stopped, Shipped])


def altered(**changes: Any) -> bytes:
    document = orjson.loads(CODEC.encode(Shipped(count=1, part=Part(name=Name("bolt")))))
    return orjson.dumps({**document, **changes})


def test_a_message_is_a_tagged_object_in_the_order_of_its_fields() -> None:
    message = Shipped(count=2, part=Part(name=Name("bolt"), weight=Decimal("0.10")))

    assert CODEC.encode(message) == (
        b'{"t":"Shipped","v":3,"count":2,"ratio":0.5,"fragile":false,"colour":"red","size":1,'
        b'"part":{"name":"bolt","weight":"0.10"},"parts":[],"row":["a","1"],"note":null}'
    )
    assert CODEC.encode(Stopped()) == b'{"t":"Stopped","v":1}'


def test_a_message_comes_back_equal_and_of_the_same_types() -> None:
    part = Part(name=Name("nut"), weight=Decimal("1E+3"))
    message = Shipped(count=2**63 - 1, parts=(part, part), note="ä", row=("", Decimal("-0.0")))

    decoded = CODEC.decode(CODEC.encode(message))

    assert decoded == message
    assert isinstance(decoded, Shipped)
    assert type(decoded.parts) is tuple
    assert type(decoded.colour) is Colour
    assert type(decoded.size) is Size
    assert CODEC.decode(CODEC.encode(Stopped())) == Stopped()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.10", "0.10"),
        ("0E-8", "0.00000000"),
        ("1E-7", "0.0000001"),
        ("-0.00", "-0.00"),
        ("1E+3", "1E+3"),
        ("1E-9999", "1E-9999"),
    ],
)
def test_a_decimal_keeps_its_digits_and_its_exponent(value: str, text: str) -> None:
    encoded = CODEC.encode(Shipped(count=1, row=("", Decimal(value))))
    decoded = CODEC.decode(encoded)

    assert f'"row":["","{text}"]'.encode() in encoded
    assert isinstance(decoded, Shipped)
    assert decoded.row[1].as_tuple() == Decimal(value).as_tuple()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "unexpected end"),
        (b"[]", "expected an object"),
        (b"{}", "known tag, was None"),
        (b'{"t":["Shipped"],"v":3}', "known tag"),
        (b'{"t":"Sunk","v":1}', "known tag, was 'Sunk'"),
        (b'{"t":"Stopped"}', "version 1 of Stopped, was None"),
        (b'{"t":"Stopped","v":2}', "version 1 of Stopped, was 2"),
        (b'{"t":"Stopped","v":true}', "version 1 of Stopped, was True"),
        (b'{"t":"Stopped","v":1,"why":1}', r"unknown fields \['why'\]"),
        (b'{"t":"Shipped","v":3,"count":1}', "missing fields"),
    ],
)
def test_bytes_that_are_no_known_message_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CODEC.decode(data)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"count": "1"}, "expected int, was '1'"),
        ({"count": 1.0}, "expected int"),
        ({"count": True}, "expected int, was True"),
        ({"ratio": 1}, "expected float"),
        ({"fragile": 0}, "expected bool"),
        ({"note": 5}, "expected str"),
        ({"colour": "blue"}, r"expected one of \['red'\], was 'blue'"),
        ({"size": True}, "expected one of"),
        ({"part": []}, "expected Part"),
        ({"part": {"name": "bolt"}}, r"Part: missing fields \['weight'\]"),
        ({"part": {"name": "bolt", "weigth": "1"}}, r"unknown fields \['weigth'\]"),
        ({"part": {"name": "bolt", "weight": 1}}, "expected a decimal as text"),
        ({"part": {"name": "bolt", "weight": "one"}}, "expected a decimal, was 'one'"),
        ({"part": {"name": "bolt", "weight": "NaN"}}, "expected a finite decimal"),
        ({"parts": None}, "Shipped"),
        ({"parts": "bolt"}, "expected an array"),
        ({"parts": {"a": 1}}, "expected an array"),
        ({"row": ["a"]}, "Shipped"),
        ({"row": ["a", "1", "2"]}, "Shipped"),
    ],
)
def test_a_field_of_another_type_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CODEC.decode(altered(**change))


@pytest.mark.parametrize(
    "message",
    [
        Shipped(count=2**64),
        Shipped(count=1, ratio=float("nan")),
        Shipped(count=1, ratio=float("inf")),
        Shipped(count=1, row=("", Decimal("NaN"))),
        Shipped(count=1, row=("", Decimal("Infinity"))),
        Shipped(count=1, row=("", "1")),  # type: ignore[arg-type]
        Shipped(count=1, note="\ud800"),
        Shipped(count=Decimal(1)),  # type: ignore[arg-type]
    ],
    ids=lambda message: str(message)[:60].encode("ascii", "replace").decode(),
)
def test_what_json_cannot_carry_exactly_is_refused(message: Message) -> None:
    with pytest.raises(ValueError, match="Shipped"):
        CODEC.encode(message)


def test_a_class_that_was_not_named_is_refused() -> None:
    with pytest.raises(ValueError, match="known message class, was Shipped"):
        Codec([Stopped]).encode(Shipped(count=1))


@attrs.frozen(kw_only=True)
class Loose:
    values: list[int]


@attrs.define(kw_only=True)
class Changing:
    value: int


@attrs.frozen(kw_only=True)
class Knot:
    inner: Knot | None


@pytest.mark.parametrize(
    "kind",
    [
        list[int],
        dict[str, int],
        set[int],
        frozenset[int],
        bytearray,
        bytes,
        object,
        Any,
        int | str,
        tuple[list[int], ...],
        Loose,
        Changing,
        tuple[Changing | None, ...],
        Knot,
        Pair,
    ],
    ids=str,
)
def test_a_field_that_is_not_a_value_is_refused(kind: Any) -> None:
    holder = attrs.make_class(
        "Holder", {"field": attrs.field(type=kind)}, (Message,), frozen=True, kw_only=True
    )

    with pytest.raises(TypeError):
        Codec([holder])


@pytest.mark.parametrize("name", ["t", "v"])
def test_the_names_of_tag_and_version_are_reserved(name: str) -> None:
    holder = attrs.make_class(
        "Holder", {name: attrs.field(type=int)}, (Message,), frozen=True, kw_only=True
    )

    with pytest.raises(ValueError, match="reserved"):
        Codec([holder])


def test_two_classes_of_one_name_are_refused() -> None:
    twin = attrs.make_class("Stopped", {}, (Message,), frozen=True, kw_only=True)

    with pytest.raises(ValueError, match="two message classes are called Stopped"):
        Codec([Stopped, twin])


def test_the_schema_spells_nested_values_out() -> None:
    fields = CODEC.schema()["Shipped"]["fields"]

    assert fields["part"] == "Part(name: str, weight: Decimal) | None"
    assert fields["parts"] == "tuple[Part(name: str, weight: Decimal), ...]"
    assert fields["colour"] == "Colour[red]"
    assert CODEC.schema()["Shipped"]["version"] == 3


def test_the_fingerprint_follows_the_schema_and_not_the_order_of_classes() -> None:
    assert CODEC.fingerprint() == Codec([Shipped, Stopped]).fingerprint()
    assert CODEC.fingerprint() != Codec([Stopped]).fingerprint()


@attrs.frozen(kw_only=True)
class Weighed(Message):
    first: float
    second: float = 0.0
    others: tuple[float, ...] = ()
    limit: float | None = None


WEIGHTS = Codec([Weighed, Shipped])


def test_messages_stand_as_rows_wherever_they_are() -> None:
    part = Part(name=Name("bolt"), weight=Decimal("1E-7"))
    message = Shipped(count=1, part=part, parts=(part,))
    packed = orjson.loads(CODEC.pack([7, (message,), Stopped()]))
    spelled = ["bolt", "0.0000001"]
    row = ["Shipped", 3, [1, 0.5, False, "red", 1, [spelled], [spelled], ["a", "1"], None]]

    assert packed == [7, [row], ["Stopped", 1, []]]
    unfold(row, CODEC.nested(), [])
    assert CODEC.from_row(row) == message


def test_the_very_same_object_is_folded_once() -> None:
    part = Part(name=Name("bolt"))
    parts = (part, part)
    said = Shipped(count=1, part=part, parts=parts)
    equal = Shipped(count=1, part=Part(name=Name("bolt")), parts=(part, part))
    rows = orjson.loads(CODEC.pack([said, Shipped(count=2, part=part, parts=parts), equal]))
    met: list[Any] = []
    folded = [row[2][5:7] for row in rows]
    for row in rows:
        unfold(row, CODEC.nested(), met)

    spelled = ["bolt", "0"]
    assert folded == [[[spelled], [spelled, spelled]], [0, 1], [[spelled], [spelled, spelled]]]
    assert [CODEC.from_row(row) for row in rows] == [said, attrs.evolve(said, count=2), said]
    assert CODEC.pack([said, equal]) != CODEC.pack([said, said])
    assert CODEC.pack(said) == CODEC.pack(equal)


@pytest.mark.parametrize(
    "message",
    [
        Weighed(first=float("nan")),
        Weighed(first=float("inf"), second=float("-inf")),
        Weighed(first=0.0, others=(1.0, float("inf"))),
        Weighed(first=0.0, limit=float("nan")),
    ],
    ids=str,
)
def test_what_is_not_finite_is_refused_in_a_row(message: Message) -> None:
    with pytest.raises(ValueError, match="finite"):
        WEIGHTS.pack([message])


def test_large_numbers_are_finite_though_their_sum_is_not() -> None:
    message = Weighed(first=1.7e308, second=1.7e308, limit=1.0)

    assert WEIGHTS.from_row(orjson.loads(WEIGHTS.pack(message))) == message


@pytest.mark.parametrize(
    "value", [Shipped(count=2**64), Stopped(), object()], ids=["large", "unknown", "object"]
)
def test_what_a_row_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"64-bit|known message class"):
        WEIGHTS.pack(value)
