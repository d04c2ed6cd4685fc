"""What an answer of the venue means: one table from (status, body) to an error, or none.

::

    status, code or text                     a write means        a read means
    2xx, no negative code                    done                 done
    any, -1003 or -1015; 429                 SilencedError        SilencedError
    418                                      BannedError          BannedError
    any, -1008 or -1016                      BusyError            BusyError
    503 "Service Unavailable"                BusyError            BusyError
    any, -1000 -1001 -1006 -1007; 408        UnknownOutcomeError  TransientError
    other 5xx, other 503, 3xx, no JSON       UnknownOutcomeError  TransientError
    other 4xx, or another negative code      RefusedError         RefusedError

Source: the venue's general information and error code pages; the texts vary, so the code decides,
except for the two meanings of 503 that carry none.
"""

from __future__ import annotations

import re
from typing import Any

import attrs
import orjson

from grinder.errors import (
    RefusedError,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
    VenueError,
)

UNKNOWN_CODES = frozenset({-1000, -1001, -1006, -1007})
BUSY_CODES = frozenset({-1008, -1016})
WEIGHT_SPENT = -1003
ORDERS_SPENT = -1015
DENIED_CODES = frozenset({-1002, -1022, -2014, -2015, -2017})
DENIED_STATUSES = frozenset({401, 403})
CLOCK_REFUSED = -1021
LISTEN_KEY_GONE = -1125
ORDER_UNKNOWN = -2013

BAN_UNKNOWN_MS = 120_000
"""The shortest ban the venue documents; used when the text of a 418 names no end."""
SILENCE_MAX_MS = 3 * 24 * 3_600_000
"""The longest ban the venue documents: no text may silence us for longer."""
TEXT_MAX = 200
MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000

_BANNED_UNTIL = re.compile(r"banned until (\d{13})")


class BusyError(TransientError):
    """The venue said that it did not take the request; ``code`` is its number, 0 if none."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(f"venue busy with {code}: {text}")


class SilencedError(ThrottledError):
    """The venue refused the request and asks for silence; ``code`` is its number, 0 if none."""

    def __init__(self, code: int, text: str, retry_after_ms: int) -> None:
        self.code = code
        super().__init__(text, retry_after_ms)


class BannedError(SilencedError):
    """The venue has banned our address: nothing may be sent, not even a cancel."""


@attrs.frozen(kw_only=True)
class Reply:
    """What came back over HTTP."""

    status: int
    body: bytes
    retry_after_s: float | None = None
    """Value of Retry-After; the venue documents none, an edge in front of it may send one."""


def payload(body: bytes) -> Any:
    """Return the JSON value of ``body``.

    Raises:
        ValueError: it is not JSON.
    """
    return orjson.loads(body)


def error_of(reply: Reply, *, is_write: bool, now_ms: int) -> VenueError | None:
    """Return what ``reply`` means, None when the request was done.

    ``now_ms`` is the venue's time, for the length of a silence.
    """
    code, text = _code_and_text(reply.body)
    if reply.status == 418:
        return BannedError(code, text, _silence_ms(reply, code, text, now_ms))
    if reply.status == 429 or code in (WEIGHT_SPENT, ORDERS_SPENT):
        return SilencedError(code, text, _silence_ms(reply, code, text, now_ms))
    if code in BUSY_CODES or (reply.status == 503 and _says_unavailable(text)):
        return BusyError(code, text)
    if code in UNKNOWN_CODES or reply.status == 408:
        return _unknown(reply.status, code, text, is_write=is_write)
    if code < 0 or 400 <= reply.status < 500:
        return RefusedError(code, text, reply.status)
    if 200 <= reply.status < 300 and _is_json(reply.body):
        return None
    return _unknown(reply.status, code, text, is_write=is_write)


def error_in(element: Any, *, now_ms: int) -> VenueError | None:
    """Return what one part of the answer to a batch means: the same as if it had come alone."""
    reply = Reply(status=200, body=orjson.dumps(element))
    return error_of(reply, is_write=True, now_ms=now_ms)


def is_denial(error: VenueError) -> bool:
    """Tell whether ``error`` says that our key, signature or address is not taken any more."""
    return isinstance(error, RefusedError) and (
        error.code in DENIED_CODES or error.status in DENIED_STATUSES
    )


def code_and_text(error: VenueError) -> tuple[int, str]:
    """Return the venue's number in ``error``, else the HTTP status, else 0; and a text to show."""
    if isinstance(error, RefusedError):
        return error.code or error.status, error.text
    if isinstance(error, BusyError):
        return error.code, error.text
    if isinstance(error, SilencedError):
        return error.code, str(error)
    return 0, str(error)


def _unknown(status: int, code: int, text: str, *, is_write: bool) -> VenueError:
    said = f"status {status}, code {code}: {text}"
    return UnknownOutcomeError(said) if is_write else TransientError(said)


def _code_and_text(body: bytes) -> tuple[int, str]:
    # A body of several megabytes is an answer, never an error object.
    try:
        value = orjson.loads(body) if len(body) <= 4096 else None
    except orjson.JSONDecodeError:
        return 0, body[:TEXT_MAX].decode("utf-8", "replace")
    if not isinstance(value, dict):
        return 0, ""
    code = value.get("code", 0)
    return code if type(code) is int else 0, str(value.get("msg", ""))[:TEXT_MAX]


def _is_json(body: bytes) -> bool:
    # The whole is parsed once, by the caller; the first byte tells a page of HTML apart.
    return body.lstrip()[:1] in (b"{", b"[")


def _says_unavailable(text: str) -> bool:
    return text.strip().rstrip(".").lower() == "service unavailable"


def _silence_ms(reply: Reply, code: int, text: str, now_ms: int) -> int:
    until = _BANNED_UNTIL.search(text)
    if until is not None:
        silence = int(until[1]) - now_ms
    elif reply.retry_after_s is not None:
        silence = int(reply.retry_after_s * 1000)
    elif reply.status == 418:
        silence = BAN_UNKNOWN_MS
    else:
        # Windows turn with the clock. Orders are counted in ten seconds and in a minute.
        is_short = code == ORDERS_SPENT and "minute" not in text.lower()
        window_ms = TEN_SECONDS_MS if is_short else MINUTE_MS
        silence = window_ms - now_ms % window_ms
    return min(max(silence, 1_000), SILENCE_MAX_MS)
