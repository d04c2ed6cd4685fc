from __future__ import annotations

import re
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.errors import ConfigError
from grinder.execution.identity import (
    EPOCH_COUNT,
    LENGTH_MAX,
    NONCE_COUNT,
    SEQUENCE_COUNT,
    IdentityScheme,
    OrderIdentity,
    base36,
    decode,
    encode,
    symbol_code,
)

VENUE_RULE = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
LEVELS = st.from_regex(r"[bsx][0-9]{1,2}", fullmatch=True)
SYMBOLS = st.text(min_size=1, max_size=60)
NUMBERS = st.integers(min_value=0, max_value=10**40)


@given(symbol=SYMBOLS, level=LEVELS, nonce=NUMBERS, epoch=NUMBERS, sequence=NUMBERS)
def test_any_order_gets_an_id_that_the_venue_takes(
    symbol: str, level: str, nonce: int, epoch: int, sequence: int
) -> None:
    name = IdentityScheme((symbol,), nonce=nonce).name(symbol, level, epoch, sequence)

    assert VENUE_RULE.fullmatch(name)
    assert len(name) <= LENGTH_MAX


@given(
    symbol=SYMBOLS,
    level=LEVELS,
    nonce=st.integers(0, NONCE_COUNT - 1),
    epoch=st.integers(0, EPOCH_COUNT - 1),
    sequence=st.integers(0, SEQUENCE_COUNT - 1),
)
def test_an_id_says_what_was_put_in(
    symbol: str, level: str, nonce: int, epoch: int, sequence: int
) -> None:
    name = IdentityScheme((symbol,), nonce=nonce, strategy="q").name(symbol, level, epoch, sequence)

    assert decode(name) == OrderIdentity(
        strategy="q",
        symbol_code=symbol_code(symbol),
        level=level,
        epoch=epoch,
        nonce=nonce,
        sequence=sequence,
    )


@given(
    st.lists(
        st.tuples(LEVELS, st.integers(0, EPOCH_COUNT - 1), st.integers(0, SEQUENCE_COUNT - 1)),
        unique=True,
        max_size=50,
    )
)
def test_different_orders_have_different_ids(orders: list[tuple[str, int, int]]) -> None:
    scheme = IdentityScheme(("BTCUSDT",), nonce=1)

    assert len({scheme.name("BTCUSDT", *order) for order in orders}) == len(orders)


@given(levels=st.lists(LEVELS, max_size=5), epoch=NUMBERS, first=st.integers(0, 3_000) | NUMBERS)
def test_a_ladder_is_named_like_its_orders_one_by_one(
    levels: list[str], epoch: int, first: int
) -> None:
    names = IdentityScheme(("BTCUSDT",), nonce=1).names("BTCUSDT", levels, epoch, first)

    assert [decode(name) for name in names] == [
        OrderIdentity(
            strategy="g",
            symbol_code=symbol_code("BTCUSDT"),
            level=level,
            epoch=epoch % EPOCH_COUNT,
            nonce=1,
            sequence=number % SEQUENCE_COUNT,
        )
        for number, level in enumerate(levels, first)
    ]


def test_the_sequence_wraps_after_its_last_number() -> None:
    scheme = IdentityScheme(("BTCUSDT",), nonce=1)

    assert scheme.name("BTCUSDT", "b1", 0, SEQUENCE_COUNT + 3) == scheme.name("BTCUSDT", "b1", 0, 3)
    assert scheme.name("BTCUSDT", "b1", 0, SEQUENCE_COUNT - 1).endswith("-zzzzzzzzz")


@given(st.text(max_size=40))
def test_only_what_we_could_have_written_is_decoded(text: str) -> None:
    identity = decode(text)

    assert identity is None or encode(identity) == text


@pytest.mark.parametrize(
    "text",
    ["", "web_123", "autoclose-1", "g-0abc-b1-01-1-1", "G-0abc-b1-1-1-1", "g-0abc-b1-1-1-1\n"],
)
def test_ids_of_others_are_not_ours(text: str) -> None:
    assert not IdentityScheme(("BTCUSDT",), nonce=1).is_own(text)


def test_ours_is_by_strategy_and_symbol_whatever_the_run() -> None:
    old = IdentityScheme(("BTCUSDT",), nonce=1).name("BTCUSDT", "x1", 2, 3)
    other = IdentityScheme(("BTCUSDT",), nonce=1, strategy="q").name("BTCUSDT", "x1", 2, 3)
    scheme = IdentityScheme(("BTCUSDT", "ETHUSDT"), nonce=9)

    assert scheme.is_own(old)
    assert scheme.is_own_of(old, "BTCUSDT")
    assert not scheme.is_own_of(old, "ETHUSDT")
    assert not scheme.is_own_of(old, "XRPUSDT")
    assert not scheme.is_of_this_run(old)
    assert not scheme.is_own(other)
    assert (scheme.level_of(old), scheme.level_of(other)) == ("x1", "")


def test_symbols_with_the_same_code_are_refused_at_start() -> None:
    owners = defaultdict(list)
    for number in range(20_000):
        owners[symbol_code(f"S{number}")].append(f"S{number}")
    pair = next(symbols for symbols in owners.values() if len(symbols) > 1)[:2]

    with pytest.raises(ConfigError, match="same order id code"):
        IdentityScheme(tuple(pair), nonce=1)


def test_what_cannot_be_written_is_refused() -> None:
    scheme = IdentityScheme(("BTCUSDT",), nonce=1)

    with pytest.raises(ValueError, match="level"):
        scheme.name("BTCUSDT", "b100", 1, 1)
    with pytest.raises(ValueError, match="at least 0"):
        scheme.name("BTCUSDT", "b1", 1, -1)
    with pytest.raises(KeyError):
        scheme.name("ETHUSDT", "b1", 1, 1)
    with pytest.raises(ConfigError, match="one letter"):
        IdentityScheme(("BTCUSDT",), nonce=1, strategy="tp")
    with pytest.raises(ValueError, match="at least 0"):
        base36(-1)
