"""The venue's gateway says no: refusals that the matching core knows nothing about."""

from __future__ import annotations

from grinder.errors import GrinderError


class ApiRefusal(GrinderError):  # noqa: N818 - a refusal is an answer, not a failure
    """A request ends with this code, text and HTTP status; nothing happened."""

    def __init__(self, code: int, msg: str, http_status: int = 400) -> None:
        self.code = code
        self.msg = msg
        self.http_status = http_status
        super().__init__(f"{code}: {msg}")


WHOLE_DIGITS_MAX = 19
"""Digits of the largest 64-bit number; the venue's ids and times are no longer."""


def is_whole(text: str) -> bool:
    """Tell whether ``text`` is a whole number, not negative, that fits an id or a time."""
    return text.isascii() and text.isdecimal() and len(text) <= WHOLE_DIGITS_MAX


def mandatory(name: str) -> ApiRefusal:
    """Return the refusal of a request whose parameter ``name`` is missing or malformed."""
    return ApiRefusal(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def illegal(name: str) -> ApiRefusal:
    """Return the refusal of a number that is not written in plain digits."""
    return ApiRefusal(
        -1100,
        f"Illegal characters found in parameter '{name}'; legal range is "
        "'^([0-9]{1,20})(\\.[0-9]{1,20})?$'.",
    )


def invalid_symbol() -> ApiRefusal:
    """Return the refusal of an unknown symbol."""
    return ApiRefusal(-1121, "Invalid symbol.")


def not_valid(name: str) -> ApiRefusal:
    """Return the refusal of a request whose parameter ``name`` is out of bounds."""
    return ApiRefusal(-1130, f"Data sent for parameter '{name}' is not valid.")
