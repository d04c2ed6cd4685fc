from __future__ import annotations

import pytest

from grinder.model.units import NS_PER_S
from grinder.venues.budget import Budget, Purpose, Silence

MINUTE_MS = 60_000


def test_counts_end_with_their_window() -> None:
    budget = Budget(weight_limit_1m=2_400, weight_reserve=300)
    headers = {
        "X-MBX-USED-WEIGHT-1M": "2200",
        "X-MBX-ORDER-COUNT-10S": "9",
        "X-MBX-ORDER-COUNT-1M": "20",
    }
    budget.note(headers, 1_000)
    first = budget.report(2 * NS_PER_S, 9_999)
    second = budget.report(4 * NS_PER_S, 10_000)

    assert first is not None
    assert second is not None
    assert (first.used_weight_1m, first.orders_10s, first.orders_1m) == (2_200, 9, 20)
    assert (second.used_weight_1m, second.orders_10s, second.orders_1m) == (2_200, 0, 20)
    assert not budget.allows_reads(MINUTE_MS - 1)
    assert budget.allows_reads(MINUTE_MS)


def test_an_answer_that_was_overtaken_does_not_lower_a_count() -> None:
    budget = Budget(weight_limit_1m=2_400, weight_reserve=0)
    budget.note({"X-MBX-USED-WEIGHT-1M": "50"}, 1)
    budget.note({"X-MBX-USED-WEIGHT-1M": "49"}, 2)
    report = budget.report(2 * NS_PER_S, 3)

    assert report is not None
    assert report.used_weight_1m == 50


def test_a_report_is_due_once_a_second_or_on_a_large_change() -> None:
    budget = Budget(weight_limit_1m=1_000, weight_reserve=0)
    now_ns = 100 * NS_PER_S
    reports = [budget.report(now_ns, 1), budget.report(now_ns + NS_PER_S - 1, 1)]
    budget.note({"X-MBX-USED-WEIGHT-1M": "99"}, 1)
    reports.append(budget.report(now_ns + 1, 1))
    budget.note({"X-MBX-USED-WEIGHT-1M": "100"}, 1)
    reports.append(budget.report(now_ns + 1, 1))

    assert [each is not None for each in reports] == [True, False, False, True]


def test_headers_that_are_no_numbers_are_left_alone() -> None:
    budget = Budget(weight_limit_1m=1_000, weight_reserve=0)
    budget.note({"X-MBX-USED-WEIGHT-1M": "many", "Other": "1"}, 1)

    assert budget.allows_reads(1)


@pytest.mark.parametrize(
    ("is_ban", "purpose", "expected"),
    [
        (False, Purpose.ENTRY, True),
        (False, Purpose.READ, True),
        (False, Purpose.CANCEL, False),
        (False, Purpose.EXIT, False),
        (True, Purpose.ENTRY, True),
        (True, Purpose.READ, True),
        (True, Purpose.CANCEL, True),
        (True, Purpose.EXIT, True),
    ],
)
def test_who_must_be_silent(is_ban: bool, purpose: Purpose, expected: bool) -> None:
    silence = Silence()
    silence.note(10 * NS_PER_S, is_ban=is_ban)

    assert silence.forbids(purpose, 10 * NS_PER_S - 1) is expected
    assert not silence.forbids(purpose, 10 * NS_PER_S)


def test_only_a_later_end_of_a_silence_is_news() -> None:
    silence = Silence()

    assert silence.note(10 * NS_PER_S, is_ban=False)
    assert not silence.note(10 * NS_PER_S + 1, is_ban=False)
    assert not silence.note(5 * NS_PER_S, is_ban=False)
    assert silence.note(10 * NS_PER_S, is_ban=True)
