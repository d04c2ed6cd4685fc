from __future__ import annotations

import json

import pytest

from grinder.errors import (
    RefusedError,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
    VenueError,
)
from grinder.venues.binance_errors import (
    BannedError,
    BusyError,
    Reply,
    SilencedError,
    code_and_text,
    error_of,
    is_denial,
)
from venues.fakes import samples

NOW_MS = 1_700_000_003_000
"""43 seconds into its minute and 3 into its ten seconds."""

Expected = type[VenueError] | None


def meaning(status: int, code: int | None, text: str, *, is_write: bool) -> VenueError | None:
    body = text.encode() if code is None else json.dumps({"code": code, "msg": text}).encode()
    return error_of(Reply(status=status, body=body), is_write=is_write, now_ms=NOW_MS)


ROWS: list[tuple[int, int | None, str, Expected, Expected]] = [
    (200, None, '{"orderId": 1}', None, None),
    (200, None, "[]", None, None),
    (200, 200, "success", None, None),
    (200, None, "<html>hello</html>", UnknownOutcomeError, TransientError),
    (200, -2013, "Order does not exist.", RefusedError, RefusedError),
    (302, None, "", UnknownOutcomeError, TransientError),
    (400, -1000, "An unknown error occurred", UnknownOutcomeError, TransientError),
    (400, -1001, "Internal error", UnknownOutcomeError, TransientError),
    (400, -1006, "Unexpected response", UnknownOutcomeError, TransientError),
    (408, -1007, "Timeout waiting for response", UnknownOutcomeError, TransientError),
    (408, None, "", UnknownOutcomeError, TransientError),
    (400, -1016, "This service is no longer available.", BusyError, BusyError),
    (400, -1021, "Timestamp ahead", RefusedError, RefusedError),
    (400, -5028, "Timestamp expired in the engine", RefusedError, RefusedError),
    (400, -5022, "Post Only", RefusedError, RefusedError),
    (400, -2011, "Unknown order sent.", RefusedError, RefusedError),
    (400, -4116, "ClientOrderId is duplicated.", RefusedError, RefusedError),
    (401, -2015, "Invalid API-key", RefusedError, RefusedError),
    (403, None, "<html>Forbidden</html>", RefusedError, RefusedError),
    (404, None, "", RefusedError, RefusedError),
    (418, -1003, "banned until 1700000063000", BannedError, BannedError),
    (429, -1003, "Too many requests", SilencedError, SilencedError),
    (429, -1015, "Too many new orders", SilencedError, SilencedError),
    (400, -1015, "Too many new orders", SilencedError, SilencedError),
    (429, None, "slow down", SilencedError, SilencedError),
    (500, None, "oops", UnknownOutcomeError, TransientError),
    (502, None, "<html>Bad Gateway</html>", UnknownOutcomeError, TransientError),
    (503, -1008, "Request throttled by system-level protection.", BusyError, BusyError),
    (503, -1000, "Unknown error, please check", UnknownOutcomeError, TransientError),
    (503, 0, "Unknown error, please check", UnknownOutcomeError, TransientError),
    (503, 0, "Service Unavailable.", BusyError, BusyError),
    (503, None, "Service Unavailable", BusyError, BusyError),
    (503, None, "<html>Service Unavailable</html>", UnknownOutcomeError, TransientError),
    (504, None, "", UnknownOutcomeError, TransientError),
]


@pytest.mark.parametrize(("status", "code", "text", "write", "read"), ROWS)
def test_every_row_of_the_table(
    status: int, code: int | None, text: str, write: Expected, read: Expected
) -> None:
    said_of_write = meaning(status, code, text, is_write=True)
    said_of_read = meaning(status, code, text, is_write=False)

    assert (None if said_of_write is None else type(said_of_write)) == write
    assert (None if said_of_read is None else type(said_of_read)) == read


@pytest.mark.parametrize("sample", samples("errors.jsonl"), ids=lambda row: str(row["payload"]))
def test_recorded_errors_keep_their_code(sample: dict[str, object]) -> None:
    status, body = sample["status"], json.dumps(sample["payload"]).encode()
    assert isinstance(status, int)
    error = error_of(Reply(status=status, body=body), is_write=True, now_ms=NOW_MS)
    payload = sample["payload"]
    assert isinstance(payload, dict)

    assert error is not None
    assert code_and_text(error)[0] == payload["code"]


@pytest.mark.parametrize(
    ("status", "code", "text", "silence_ms"),
    [
        (418, -1003, "Way too many requests; IP banned until 1700000063000.", 60_000),
        (418, -1003, "banned until 9999999999999", 3 * 24 * 3_600_000),
        (418, -1003, "banned until 1600000000000", 1_000),
        (418, None, "teapot", 120_000),
        (429, -1003, "Too many requests", 37_000),
        (429, -1015, "current limit is 300 orders per 10 SECOND.", 7_000),
        (429, -1015, "current limit is 1200 orders per 1 MINUTE.", 37_000),
    ],
)
def test_a_silence_ends_where_the_venue_says_or_where_the_window_turns(
    status: int, code: int | None, text: str, silence_ms: int
) -> None:
    error = meaning(status, code, text, is_write=True)

    assert isinstance(error, ThrottledError)
    assert error.retry_after_ms == silence_ms


def test_a_retry_after_header_wins_over_the_window() -> None:
    reply = Reply(status=429, body=b"", retry_after_s=5.0)
    error = error_of(reply, is_write=False, now_ms=NOW_MS)

    assert isinstance(error, ThrottledError)
    assert error.retry_after_ms == 5_000


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, -2014, True),
        (401, -2015, True),
        (400, -1022, True),
        (401, None, True),
        (403, None, True),
        (400, -1021, False),
        (400, -5022, False),
    ],
)
def test_only_a_key_signature_or_address_refused_is_a_denial(
    status: int, code: int | None, expected: bool
) -> None:
    error = meaning(status, code, "no", is_write=True)

    assert error is not None
    assert is_denial(error) is expected
