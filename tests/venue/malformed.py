"""Values that no client should send: texts that break parsers, and JSON of the wrong kind."""

from __future__ import annotations

import re
import string
from functools import cache
from typing import Any

import orjson
from hypothesis import strategies as st

NASTY = (
    "",
    " ",
    "0",
    "-0",
    "-1",
    "+1",
    "1",
    "00001",
    "1.",
    ".1",
    "1_000",
    " 1",
    "1 ",
    "1\n",
    "0x10",
    "1,5",
    "1e3",
    "1e-999999",
    "1e999999",
    "-1e999999",
    "1E+999999999999999999",
    "NaN",
    "sNaN",
    "-Infinity",
    "inf",
    "null",
    "None",
    "undefined",
    "true",
    "TRUE",
    "yes",
    "٣",
    "１２",  # noqa: RUF001 - digits, but not the venue's
    "²",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "9999999999999999999",
    "9" * 100,
    "9" * 5000,
    "0." + "0" * 3000 + "1",
    "60000.1000000000000000000000000000001",
    "0.0100000000000000000000000000000000001",
    "[]",
    "{}",
    "[[[",
    '[{"symbol":"BTCUSDT"},5]',
    "[" * 500 + "]" * 500,
    "\x00",
    "a\x00b",
    "\ufeff",
    "\ud800",
    "%",
    "%zz",
    "%00",
    "&",
    "=",
    ";",
    "'; DROP TABLE orders; --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "{name}",
    "%s%n",
    "BTCUSDT",
    "btcusdt",
    "BTCUSDT\n",
    "ETHUSDT",
    "MARKET",
    "LIMIT",
    "STOP_MARKET",
    "GTD",
    "GTX",
    "FOK",
    "LONG",
    "SELL",
    "QUEUE_20",
    "mine",
    "stop",
    "a" * 36,
    "a" * 37,
    "A" * 4000,
)
"""Values that break parsers, and words that are right elsewhere."""


@cache
def values() -> st.SearchStrategy[str]:
    """Return malformed, extreme and misplaced values of a parameter."""
    return st.one_of(
        st.sampled_from(NASTY),
        st.integers(-(2**70), 2**70).map(str),
        st.decimals(allow_nan=False, allow_infinity=False).map(str),
        st.floats().map(str),
        st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{0,45})?([eE][+-]?[0-9]{1,7})?", fullmatch=True),
        st.decimals(0, 70_000, places=1).map(str),
        st.decimals(0, 2, places=3).map(str),
        st.text(max_size=40),
        st.text(string.ascii_letters + string.digits, max_size=20),
    )


DEEP = re.compile(r'"<deep ([0-9]+)>"')


def deep(depth: int) -> str:
    """Return what stands for an array in an array, ``depth`` times, until it is written as JSON."""
    return f"<deep {depth}>"


@cache
def json_values() -> st.SearchStrategy[Any]:
    """Return JSON values of every kind, some deep, with nasty texts inside."""
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        values().filter(_is_sendable),
    )
    nested = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.text(max_size=8).filter(_is_sendable), inner, max_size=4),
        ),
        max_leaves=8,
    )
    return st.one_of(nested, st.sampled_from((200, 300, 950, 1000, 1022, 5000)).map(deep))


def json_text(value: Any) -> str:
    """Return the JSON text of a value, with what stands for deep arrays in it written out."""
    return DEEP.sub(_nested, orjson.dumps(value).decode())


def _nested(found: re.Match[str]) -> str:
    depth = int(found[1])
    return "[" * depth + "1" + "]" * depth


def _is_sendable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
