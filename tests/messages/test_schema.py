"""A message whose fields change must raise its version."""

from __future__ import annotations

from grinder.messages.codec import CODEC
from messages import recorded


def entry(version: int, **fields: str) -> dict[str, object]:
    return {"version": version, "fields": fields}


def test_no_message_changed_without_a_higher_version() -> None:
    problems = recorded.unversioned_changes(recorded.recorded(), CODEC.schema())

    assert not problems, "\n".join(problems)


def test_the_recorded_schema_is_that_of_today() -> None:
    assert recorded.is_current(recorded.recorded(), CODEC.schema()), (
        f"messages were added, removed or versioned: run {recorded.COMMAND}"
    )


def test_a_field_that_changes_under_the_same_version_is_reported() -> None:
    before = {"Sold": entry(1, qty="int", price="int")}

    added = recorded.unversioned_changes(
        before, {"Sold": entry(1, qty="int", price="int", fee="int")}
    )
    changed = recorded.unversioned_changes(before, {"Sold": entry(1, qty="int", price="Decimal")})
    swapped = recorded.unversioned_changes(before, {"Sold": entry(1, price="int", qty="int")})

    assert "fee was added, but version is still 1" in added[0]
    assert "price was int and is Decimal" in changed[0]
    assert "order of fields" in swapped[0]


def test_a_field_may_change_with_a_higher_version_and_never_with_a_lower_one() -> None:
    before = {"Sold": entry(2, qty="int")}

    assert not recorded.unversioned_changes(before, {"Sold": entry(3, qty="Decimal")})
    assert not recorded.unversioned_changes(before, {"Bought": entry(1, qty="int")})
    assert recorded.unversioned_changes(before, {"Sold": entry(1, qty="int")}) == [
        "Sold: version fell from 2 to 1"
    ]
