from __future__ import annotations

from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.sizing.allocator import (
    BUDGET_MIN,
    Allocation,
    Candidate,
    RiskTier,
    allocate,
    candidates,
)

D = Decimal
CENT = D("0.01")


def test_the_known_example() -> None:
    allocation = allocate(
        D(100_000),
        D("0.20"),
        (
            Candidate(symbol="C", tier=RiskTier.LOW),
            Candidate(symbol="A", tier=RiskTier.HIGH),
            Candidate(symbol="B", tier=RiskTier.MED),
        ),
    )

    assert allocation.shares == (("A", D("4615.38")), ("B", D("6153.84")), ("C", D("9230.76")))
    assert allocation.residual == D("0.02")
    assert allocation.fraction("C") == D("0.0923076")
    assert allocation.of("D") == 0


def test_who_is_not_enabled_is_given_nothing_and_nobody_enabled_leaves_it_all() -> None:
    off = Candidate(symbol="A", is_enabled=False)
    on = Candidate(symbol="B")

    assert allocate(D(100), D(1), (on, off)).shares == (("A", D(0)), ("B", D(100)))
    assert allocate(D(100), D(1), (off,)).residual == 100


def test_a_share_below_the_least_is_none_and_stays_where_it_is() -> None:
    small = Candidate(symbol="A", weight=D("0.0099"))
    allocation = allocate(D(100), D(1), (small, Candidate(symbol="B", weight=D("0.9901"))))

    assert allocation.shares == (("A", D(0)), ("B", D("99.01")))
    assert allocation.residual == D("0.99")


@pytest.mark.parametrize(
    ("equity", "fraction", "candidates"),
    [
        ("0", "0.2", ("A",)),
        ("-1", "0.2", ("A",)),
        ("NaN", "0.2", ("A",)),
        ("1", "0", ("A",)),
        ("1", "1.01", ("A",)),
        ("1", "0.2", ()),
        ("1", "0.2", ("A", "A")),
    ],
)
def test_what_can_not_be_split_is_refused(
    equity: str, fraction: str, candidates: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="expected"):
        allocate(D(equity), D(fraction), [Candidate(symbol=one) for one in candidates])


def test_weights_have_to_be_something() -> None:
    with pytest.raises(ValueError, match="more than 0 together"):
        allocate(D(1), D(1), [Candidate(symbol="A", weight=D(0))])
    with pytest.raises(ValueError, match="finite weight from 0"):
        Candidate(symbol="A", weight=D(-1))


def test_tiers_are_read_by_symbol() -> None:
    known = candidates(("A", "B", "C"), ("B=HIGH", "C=MED", "Z=LOW"))

    assert [(one.symbol, one.tier) for one in known] == [
        ("A", RiskTier.LOW),
        ("B", RiskTier.HIGH),
        ("C", RiskTier.MED),
    ]


@pytest.mark.parametrize("text", ["A", "A=", "=LOW", "A=low", "A=LOW=HIGH", ""])
def test_a_tier_that_does_not_read_so_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected SYMBOL=LOW, MED or HIGH"):
        candidates(("A",), (text,))
    with pytest.raises(ValueError, match="each symbol once"):
        candidates(("A",), ("A=LOW", "A=LOW"))


EQUITIES = st.decimals(D("0.01"), D(10_000_000), places=2)
FRACTIONS = st.decimals(D("0.001"), D(1), places=3)
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        symbol=st.text("ABC", min_size=1, max_size=3),
        tier=st.sampled_from(RiskTier),
        weight=st.decimals(D("0.01"), D(100), places=2),
        is_enabled=st.sampled_from((True, True, False)),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one.symbol,
)


def spent(allocation: Allocation) -> Decimal:
    return sum((share for _, share in allocation.shares), start=D(0))


@given(EQUITIES, FRACTIONS, CANDIDATES)
def test_nothing_is_lost_or_made_and_no_share_is_negative_or_tiny(
    equity: Decimal, fraction: Decimal, several: list[Candidate]
) -> None:
    allocation = allocate(equity, fraction, several)

    assert spent(allocation) + allocation.residual == allocation.budget
    assert 0 <= equity * fraction - allocation.budget < CENT
    assert allocation.residual >= 0
    for candidate in several:
        share = allocation.of(candidate.symbol)
        assert share == 0 or (share >= BUDGET_MIN and candidate.is_enabled)
        assert share % CENT == 0


@given(EQUITIES, FRACTIONS, CANDIDATES, st.permutations(range(8)))
def test_the_order_asked_in_does_not_matter(
    equity: Decimal, fraction: Decimal, several: list[Candidate], order: list[int]
) -> None:
    shuffled = [several[at] for at in order if at < len(several)]

    assert allocate(equity, fraction, shuffled) == allocate(equity, fraction, several)


@given(EQUITIES, FRACTIONS, FRACTIONS, CANDIDATES)
def test_a_larger_budget_gives_nobody_less(
    equity: Decimal, one: Decimal, other: Decimal, several: list[Candidate]
) -> None:
    less = allocate(equity, min(one, other), several)
    more = allocate(equity, max(one, other), several)

    for candidate in several:
        assert less.of(candidate.symbol) <= more.of(candidate.symbol)


@given(EQUITIES, FRACTIONS, CANDIDATES)
def test_of_equal_weights_the_riskier_is_given_no_more(
    equity: Decimal, fraction: Decimal, several: list[Candidate]
) -> None:
    three = [
        attrs.evolve(several[0], symbol=str(tier), tier=tier, is_enabled=True) for tier in RiskTier
    ]
    allocation = allocate(equity, fraction, [*three, *several[1:3]])

    assert allocation.of("HIGH") <= allocation.of("MED") <= allocation.of("LOW")
