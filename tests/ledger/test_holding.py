from __future__ import annotations

from decimal import Decimal

import pytest

from grinder.ledger.holding import Holding


def held(lots: int, average: str = "0") -> Holding:
    return Holding(lots=lots, average=Decimal(average))


CASES = {
    "open long": (held(0), 3, "100", held(3, "100"), "0"),
    "open short": (held(0), -3, "100", held(-3, "100"), "0"),
    "add to long": (held(1, "100"), 3, "104", held(4, "103"), "0"),
    "add to short": (held(-1, "100"), -3, "104", held(-4, "103"), "0"),
    "reduce long with profit": (held(4, "100"), -1, "110", held(3, "100"), "10"),
    "reduce long with loss": (held(4, "100"), -1, "90", held(3, "100"), "-10"),
    "reduce short with profit": (held(-4, "100"), 1, "90", held(-3, "100"), "10"),
    "reduce short with loss": (held(-4, "100"), 1, "110", held(-3, "100"), "-10"),
    "close long": (held(4, "100"), -4, "101", held(0), "4"),
    "close short": (held(-4, "100"), 4, "101", held(0), "-4"),
    "turn long to short": (held(4, "100"), -6, "105", held(-2, "105"), "20"),
    "turn short to long": (held(-4, "100"), 6, "105", held(2, "105"), "-20"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_fill_does_to_a_position(name: str) -> None:
    before, lots, price, after, realized = CASES[name]

    assert before.traded(lots, Decimal(price)) == (after, Decimal(realized))


def test_an_average_that_does_not_end_is_kept_to_forty_digits() -> None:
    after, _ = held(1, "1").traded(2, Decimal(2))

    assert len(after.average.as_tuple().digits) == 40
    assert after.average == Decimal("1.666666666666666666666666666666666666667")
