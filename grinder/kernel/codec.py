"""Messages to bytes and back, and a fingerprint of what they look like.

One message is one JSON object: ``{"t": <class name>, "v": <version>, <field>: <value>, ...}``, with
fields in the order of the class. Equal messages give equal bytes. Reading is strict: a field that
is missing, unknown, or of another JSON type than declared is refused, as is a tag or a version that
the classes at hand do not have.

Where the same few classes are written by the million, a message is a row instead (see
``grinder.kernel.rows``), wherever in tuples and lists it stands, and whoever stores rows stores
``columns`` and ``nested`` once beside them. Nothing of a row is made before the writer of the JSON
comes to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from enum import Enum
from math import isfinite
from types import NoneType
from typing import Any, get_args

import attrs
import orjson
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError
from cattrs.fns import identity
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn
from cattrs.preconf.orjson import OrjsonConverter, make_converter

from grinder.kernel.message import Message
from grinder.kernel.rows import Columns, Nested, RowWriter, Seen, nested_in, row_writer
from grinder.kernel.schema import describe, enums_of, fields_of, is_optional, is_plain, is_tuple

SMALL_EXPONENT_MAX = 30
"""Decimals with more leading zeros than this keep their exponent; 1E-999999 is a long text."""


class Codec:
    """Encode and decode a closed set of message classes.

    Safe to use from several threads: everything is prepared by the constructor.
    """

    def __init__(self, message_classes: Iterable[type[Message]]) -> None:
        """Prepare for ``message_classes``; names must be unique.

        Raises:
            ValueError: two classes share a name, or a field is called ``t`` or ``v``.
            TypeError: a field has a type that is not a value (see ``grinder.kernel.schema``).
        """
        self.message_classes = tuple(sorted(message_classes, key=lambda cls: cls.__name__))
        self._schema = _describe_all(self.message_classes)
        spellings = _Spellings({Decimal: _write_decimal})
        converter = _converter(spellings)
        self._writers = {
            cls: (_head(cls), converter.get_unstructure_hook(cls)) for cls in self.message_classes
        }
        self._readers = {
            cls.__name__: (cls, converter.get_structure_hook(cls)) for cls in self.message_classes
        }
        columns: Columns = {}
        for cls in self.message_classes:
            spellings[cls] = row_writer(cls, converter.get_unstructure_hook, columns)
        self._spellings = spellings

    def encode(self, message: Message) -> bytes:
        """Return ``message`` as canonical JSON.

        Raises:
            ValueError: its class is unknown, or a field holds what JSON cannot carry exactly.
        """
        writer = self._writers.get(type(message))
        if writer is None:
            raise ValueError(f"expected a known message class, was {type(message).__name__}")
        head, unstructure = writer
        try:
            body = orjson.dumps(unstructure(message))
        # orjson's own error is a TypeError.
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{type(message).__name__}: {error}") from error
        return head + body[1:] if len(body) > len(b"{}") else head[:-1] + b"}"

    def pack(self, value: Any) -> bytes:
        """Return ``value`` as JSON, in which each message stands as a row.

        Raises:
            ValueError: a class is unknown, or a field holds what JSON cannot carry exactly.
        """
        spellings = self._spellings
        seen: Seen = {}
        try:
            return orjson.dumps(value, default=lambda one: spellings[one.__class__](one, seen))
        except TypeError as error:
            # The cause is what a spelling has raised.
            raise ValueError(str(error.__cause__ or error)) from error

    def columns(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the values in the rows of each class."""
        return {cls.__name__: tuple(fields_of(cls)) for cls in self.message_classes}

    def nested(self) -> Nested:
        """Return what is folded in the rows of those classes in which anything is."""
        found = {cls.__name__: nested_in(cls) for cls in self.message_classes}
        return {name: places for name, places in found.items() if places}

    def from_row(self, row: Any) -> Message:
        """Return the message that ``row`` holds, unfolded.

        Raises:
            ValueError: no row, an unknown tag or version, or values that do not match the class.
        """
        if not isinstance(row, list) or len(row) != 3 or not isinstance(row[2], list):
            raise ValueError(f"expected a row, was {row!r}")
        tag, version, values = row
        reader = self._readers.get(tag) if isinstance(tag, str) else None
        names = fields_of(reader[0]) if reader is not None else {}
        if len(values) != len(names):
            raise ValueError(f"{tag}: expected {len(names)} values, was {len(values)}")
        return self._read(tag, version, dict(zip(names, values, strict=True)))

    def decode(self, data: bytes | bytearray | memoryview) -> Message:
        """Return the message that ``data`` holds.

        Raises:
            ValueError: not JSON, an unknown tag or version, or fields that do not match the class.
        """
        document = orjson.loads(data)
        if not isinstance(document, dict):
            raise ValueError(f"expected an object, was {type(document).__name__}")
        return self._read(document.pop("t", None), document.pop("v", None), document)

    def _read(self, tag: Any, version: Any, document: dict[str, Any]) -> Message:
        reader = self._readers.get(tag) if isinstance(tag, str) else None
        if reader is None:
            raise ValueError(f"expected a known tag, was {tag!r}")
        cls, structure = reader
        if type(version) is not int or version != cls.version:
            raise ValueError(f"expected version {cls.version} of {tag}, was {version!r}")
        try:
            message: Message = structure(document, cls)
        except (ValueError, TypeError, KeyError, BaseValidationError) as error:
            raise ValueError(f"{tag}: {_reason(error)}") from error
        return message

    def schema(self) -> dict[str, dict[str, Any]]:
        """Describe every class by name: ``{"version": int, "fields": {name: type}}``.

        Types are spelled out down to plain values, so a change in a nested value shows in every
        message that carries it.
        """
        return {
            name: {"version": entry["version"], "fields": dict(entry["fields"])}
            for name, entry in self._schema.items()
        }

    def fingerprint(self) -> str:
        """Return the SHA-256 of the schema, in hexadecimal."""
        return hashlib.sha256(orjson.dumps(self._schema)).hexdigest()


def _describe_all(classes: tuple[type[Message], ...]) -> dict[str, dict[str, Any]]:
    schema: dict[str, dict[str, Any]] = {}
    for cls in classes:
        if cls.__name__ in schema:
            raise ValueError(f"two message classes are called {cls.__name__}")
        fields = {name: describe(kind) for name, kind in fields_of(cls).items()}
        if reserved := {"t", "v"} & fields.keys():
            raise ValueError(f"{cls.__name__}: field name {min(reserved)} is reserved")
        schema[cls.__name__] = {"version": cls.version, "fields": fields}
    return schema


class _Spellings(dict[type, RowWriter]):
    """What stands for the values of a class in a row."""

    def __missing__(self, cls: type) -> RowWriter:
        raise ValueError(f"expected a known message class, was {cls.__name__}")


def _head(cls: type[Message]) -> bytes:
    return orjson.dumps({"t": cls.__name__, "v": cls.version})[:-1] + b","


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"field {error.args[0]!r} is missing"
    return str(error)


def _converter(spellings: _Spellings) -> OrjsonConverter:
    converter = make_converter(detailed_validation=False)
    for kind in (int, str, bool):
        converter.register_structure_hook(kind, _strict(kind))
    converter.register_structure_hook(float, _read_float)
    converter.register_structure_hook(Decimal, _read_decimal)
    converter.register_structure_hook(NoneType, _read_none)
    converter.register_unstructure_hook(Decimal, _write_decimal)
    converter.register_unstructure_hook(float, _write_float)
    converter.register_structure_hook_factory(is_tuple, lambda kind: _tuple_reader(kind, converter))
    converter.register_structure_hook_factory(attrs.has, lambda cls: _reader(cls, converter))
    converter.register_unstructure_hook_factory(
        attrs.has, lambda cls: _writer(cls, converter, spellings)
    )
    converter.register_unstructure_hook_factory(
        is_optional, lambda kind: _optional_writer(kind, converter)
    )
    # Last registered is asked first: what JSON carries as it is needs no call at all.
    converter.register_unstructure_hook_factory(is_plain, lambda _: identity)
    return converter


def _writer(cls: type, converter: OrjsonConverter, spellings: _Spellings) -> Callable[[Any], Any]:
    writer: Callable[[Any], Any] = make_dict_unstructure_fn(
        cls, converter, _cattrs_use_linecache=False
    )
    spellings[cls] = lambda value, _: writer(value)
    return writer


def _reader(cls: type, converter: OrjsonConverter) -> Callable[[Any, Any], Any]:
    # A StrEnum is a str to the converter's dispatch, so each enum is made known by itself.
    for kind in fields_of(cls).values():
        for enum in enums_of(kind):
            converter.register_structure_hook(enum, _enum_reader(enum))
    structure: Callable[[Any, Any], Any] = make_dict_structure_fn(
        cls,
        converter,
        _cattrs_forbid_extra_keys=True,
        _cattrs_use_linecache=False,
        _cattrs_detailed_validation=False,
    )
    names = frozenset(fields_of(cls))

    # A default is for whoever builds a value, not for bytes that lost a field.
    def read(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise ValueError(f"expected {cls.__name__}, was {value!r}")
        if len(value) != len(names):
            raise ValueError(f"{cls.__name__}: {_difference(names, frozenset(value))}")
        try:
            return structure(value, cls)
        except ForbiddenExtraKeysError:
            difference = _difference(names, frozenset(value))
            raise ValueError(f"{cls.__name__}: {difference}") from None

    return read


def _difference(expected: frozenset[str], found: frozenset[str]) -> str:
    return f"missing fields {sorted(expected - found)}, unknown fields {sorted(found - expected)}"


def _optional_writer(kind: Any, converter: OrjsonConverter) -> Callable[[Any], Any]:
    inner = next(part for part in kind.__args__ if part is not NoneType)
    write = converter.get_unstructure_hook(inner)
    return lambda value: None if value is None else write(value)


def _tuple_reader(kind: Any, converter: OrjsonConverter) -> Callable[[Any, Any], Any]:
    parts = get_args(kind)
    if parts[-1] is Ellipsis:
        part = parts[0]
        read_part = converter.get_structure_hook(part)
        return lambda value, _: tuple([read_part(item, part) for item in _array(value)])
    readers = [(converter.get_structure_hook(part), part) for part in parts]

    def read(value: Any, _: Any) -> Any:
        if len(_array(value)) != len(readers):
            raise ValueError(f"expected {len(readers)} items, was {value!r}")
        return tuple(
            [reader(item, part) for (reader, part), item in zip(readers, value, strict=True)]
        )

    return read


def _array(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ValueError(f"expected an array, was {value!r}")
    return value


def _enum_reader(kind: type[Enum]) -> Callable[[Any, Any], Enum]:
    members = {member.value: member for member in kind}

    def read(value: Any, _: Any) -> Enum:
        member = members.get(value) if type(value) in (str, int) else None
        if member is None:
            raise ValueError(f"expected one of {[m.value for m in kind]}, was {value!r}")
        return member

    return read


def _strict(kind: type) -> Callable[[Any, Any], Any]:
    def read(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"expected {kind.__name__}, was {value!r}")
        return value

    return read


def _read_float(value: Any, _: Any) -> float:
    if type(value) is not float:
        raise ValueError(f"expected float, was {value!r}")
    return value


def _write_float(value: float) -> float:
    if not isfinite(value):
        raise ValueError(f"expected a finite number, was {value}")
    return float(value)


def _read_none(value: Any, _: Any) -> None:
    if value is not None:
        raise ValueError(f"expected null, was {value!r}")


def _read_decimal(value: Any, _: Any) -> Decimal:
    if type(value) is not str:
        raise ValueError(f"expected a decimal as text, was {value!r}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"expected a decimal, was {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"expected a finite decimal, was {value!r}")
    return number


def _write_decimal(value: Decimal, _: object = None) -> str:
    """Spell ``value`` so that reading it gives the same digits and the same exponent."""
    if not value.is_finite():
        raise ValueError(f"expected a finite decimal, was {value}")
    text = str(value)
    if "E-" in text and value.adjusted() >= -SMALL_EXPONENT_MAX:
        return format(value, "f")
    return text
