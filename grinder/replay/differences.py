"""What exactly is different between two messages, or two sayings of an actor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from grinder.kernel.codec import Codec
from grinder.replay.engine import Saying


def fields(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """Yield a line for each value that differs between two JSON documents."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in [*expected, *(one for one in actual if one not in expected)]:
            inner = f"{path}.{name}" if path else str(name)
            yield from fields(expected.get(name), actual.get(name), inner)
    elif isinstance(expected, list) and isinstance(actual, list):
        for place in range(max(len(expected), len(actual))):
            inner = f"{path}[{place}]"
            if place >= len(expected):
                yield f"{inner}: not recorded, replayed {_text(actual[place])}"
            elif place >= len(actual):
                yield f"{inner}: recorded {_text(expected[place])}, not replayed"
            else:
                yield from fields(expected[place], actual[place], inner)
    elif expected != actual or type(expected) is not type(actual):
        yield f"{path}: recorded {_text(expected)}, replayed {_text(actual)}"


def sayings(recorded: Sequence[Saying], replayed: Sequence[Saying], codec: Codec) -> Iterator[str]:
    """Yield what is different between what was said and what is said now, line by line."""
    for (to, was), (to_now, now) in zip(recorded, replayed, strict=False):
        name, name_now = type(was).__name__, type(now).__name__
        if (to, name) != (to_now, name_now):
            yield f"recorded {name} to {to}, replayed {name_now} to {to_now}"
            return
        found = list(fields(orjson.loads(codec.encode(was)), orjson.loads(codec.encode(now))))
        for line in found:
            yield f"{name} to {to}: {line}"
        if found:
            return
    for receiver, body in recorded[len(replayed) :]:
        yield f"recorded {type(body).__name__} to {receiver}, not replayed"
    for receiver, body in replayed[len(recorded) :]:
        yield f"not recorded, replayed {type(body).__name__} to {receiver}"


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
