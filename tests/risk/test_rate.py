from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grinder.model.settings import RiskSettings
from grinder.risk.rate import MINUTE_NS, EntryRate

S = 1_000_000_000


def limited(most: int = 10, cooldown_ms: int = 0) -> EntryRate:
    return EntryRate(RiskSettings(entries_1m_max=most, entry_cooldown_ms=cooldown_ms))


def test_there_is_nothing_to_ask_without_limits() -> None:
    rate = limited(0)

    assert not rate.is_limited
    assert rate.cooldown_left_ns(5 * S) == 0


def test_a_minute_reaches_back_to_what_is_exactly_as_old() -> None:
    rate = limited()
    rate.send(4, S)

    assert rate.used(S + MINUTE_NS) == 4
    assert rate.used(S + MINUTE_NS + 1) == 0


def test_what_is_approved_counts_until_it_was_sent_or_can_not_be_any_more() -> None:
    rate = limited()
    rate.approve(6, S)
    assert rate.used(S) == 6

    rate.send(4, S + 5)
    assert rate.used(S + 5) == 6
    assert rate.used(2 * S + 1) == 4


def test_what_was_sent_is_taken_from_what_was_approved_first() -> None:
    rate = limited()
    rate.approve(2, S)
    rate.approve(3, S + S // 2)
    rate.send(4, S + S // 2)

    assert rate.used(S + S // 2) == 5
    assert rate.used(2 * S + S // 4) == 5
    assert rate.used(3 * S) == 4


def test_more_than_was_approved_may_be_sent() -> None:
    rate = limited()
    rate.approve(1, S)
    rate.send(5, S)
    rate.send(0, S)

    assert rate.used(S) == 5


def test_the_cooldown_begins_with_the_first_entry_and_not_before() -> None:
    rate = limited(0, 100)
    assert rate.is_limited
    assert rate.cooldown_left_ns(0) == 0

    rate.approve(1, S)
    assert rate.cooldown_left_ns(S + 40_000_000) == 60_000_000
    rate.send(1, S + 50_000_000)
    assert rate.cooldown_left_ns(S + 100_000_000) == 50_000_000
    assert rate.cooldown_left_ns(S + 150_000_000) == 0


def test_a_refused_entry_costs_no_cooldown_for_longer_than_its_permit() -> None:
    rate = limited(0, 60_000)
    rate.approve(1, S)

    assert rate.cooldown_left_ns(2 * S) > 0
    assert rate.cooldown_left_ns(2 * S + 1) == 0


@given(
    st.lists(st.tuples(st.integers(0, 20 * S), st.integers(1, 8), st.integers(0, 8)), max_size=40)
)
def test_no_minute_has_more_entries_than_the_limit(steps: list[tuple[int, int, int]]) -> None:
    rate, now_ns, sent = limited(10), 0, []
    for pause_ns, asked, lost in steps:
        now_ns += pause_ns
        let = min(asked, max(0, 10 - rate.used(now_ns)))
        if not let:
            continue
        rate.approve(let, now_ns)
        went = max(0, let - lost)
        rate.send(went, now_ns)
        sent.append((now_ns, went))

    for at_ns, _ in sent:
        assert sum(n for when, n in sent if at_ns - MINUTE_NS <= when <= at_ns) <= 10
