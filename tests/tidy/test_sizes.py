"""Nothing outgrows what a reader can hold."""

from __future__ import annotations

import pytest

from tidy import ratchet, source

pytestmark = pytest.mark.unmeasured

RECORDED = ratchet.recorded()


@pytest.mark.parametrize("name", sorted(ratchet.MEASURED))
def test_nothing_is_larger_than_recorded(name: str) -> None:
    problems = ratchet.over(ratchet.MEASURED[name](), RECORDED[name])

    assert not problems, "\n".join(problems)


def test_nine_functions_in_ten_are_short() -> None:
    assert ratchet.today()["function_lines_p90"] <= RECORDED["function_lines_p90"]


def test_no_more_places_than_recorded_tell_a_tool_to_look_away() -> None:
    places = source.suppressions()

    assert len(places) <= RECORDED["suppressions"], "\n".join(places)


@pytest.mark.parametrize("name", sorted(ratchet.LIMITS))
def test_recorded_numbers_stay_within_the_limits_of_the_house(name: str) -> None:
    assert RECORDED[name] <= ratchet.LIMITS[name]
