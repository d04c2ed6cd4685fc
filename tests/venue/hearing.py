"""What the test clients do with all that they hear from a venue: hold it against its shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from venue.shapes import differences

Hearing = Callable[[str, Any], None]
"""Takes what was asked and what came back."""

ASKED = "stream answer"
ENVELOPE = "ws envelope"
WRAPPER = "stream wrapper"


def check_answer(kind: str, body: Any) -> None:
    """Check the body of a REST answer; ``kind`` is method and path, or ``error``."""
    _check(kind, body)


def check_reply(method: str, answer: Any) -> None:
    """Check an answer of the WebSocket API: what surrounds the result, and the result."""
    for kind, value in in_reply(method, answer):
        _check(kind, value)


def check_frame(_: str, frame: Any) -> None:
    """Check a frame of a stream, bare or wrapped, one event or many."""
    for kind, value in in_frame(frame):
        _check(kind, value)


def in_reply(method: str, answer: Any) -> Iterator[tuple[str, Any]]:
    """Yield kind and value of what an answer of the WebSocket API is made of."""
    yield ENVELOPE, {name: value for name, value in answer.items() if name != "result"}
    if "result" in answer:
        yield f"ws {method}", answer["result"]


def in_frame(frame: Any) -> Iterator[tuple[str, Any]]:
    """Yield kind and value of what a frame is made of."""
    if isinstance(frame, list):
        for each in frame:
            yield from in_frame(each)
    elif "stream" in frame:
        yield WRAPPER, {**frame, "data": {}}
        yield from in_frame(frame["data"])
    elif "e" in frame:
        yield f"event {frame['e']}", frame
    else:
        yield ASKED, frame


def _check(kind: str, value: Any) -> None:
    found = differences(kind, value)
    assert found == [], f"{found} in {value!r}"
