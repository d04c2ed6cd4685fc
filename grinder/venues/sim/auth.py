"""Who signed a request: keys, signatures and the time window."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

import attrs

from grinder.venues.sim.refusing import ApiRefusal, is_whole, mandatory

RECV_WINDOW_MS = 5000
AHEAD_MS = 1000

SIGNATURE = re.compile(r"(^|&)signature=[^&]*")


@attrs.frozen(kw_only=True)
class Credential:
    """One API key and the account that it opens."""

    key: str
    secret: str = attrs.field(repr=False)
    account: str


def signature(secret: str, query: str, body: str) -> str:
    """Return the lower-case hex HMAC-SHA256 of query and body, joined without a separator."""
    return hmac.new(secret.encode(), (query + body).encode(), hashlib.sha256).hexdigest()


def credential(keys: Mapping[str, Credential], key: str | None) -> Credential:
    """Return the credential of an API key.

    Raises:
        ApiRefusal: -2014 for a key that is missing or malformed, -2015 for one that is unknown.
    """
    if not key or not key.isascii() or not key.isprintable():
        raise ApiRefusal(-2014, "API-key format invalid.", 401)
    found = keys.get(key)
    if found is None:
        raise ApiRefusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    return found


def check_signed(
    secret: str, query: str, body: str, params: Mapping[str, str], now_ms: int
) -> None:
    """Check signature and time of a signed request.

    Args:
        secret: the key's secret.
        query: query string exactly as sent, without the question mark.
        body: body exactly as sent.
        params: the decoded parameters of both.
        now_ms: venue time.

    Raises:
        ApiRefusal: -1102, -1022 or -1021.
    """
    given = params.get("signature")
    if not given:
        raise mandatory("signature")
    if not is_whole(params.get("timestamp", "")):
        raise mandatory("timestamp")
    wanted = signature(secret, unsigned(query), unsigned(body))
    if not hmac.compare_digest(wanted.encode(), given.lower().encode()):
        raise ApiRefusal(-1022, "Signature for this request is not valid.")
    timestamp = int(params["timestamp"])
    window = params.get("recvWindow", str(RECV_WINDOW_MS))
    if not is_whole(window):
        raise mandatory("recvWindow")
    if timestamp >= now_ms + AHEAD_MS:
        raise ApiRefusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp > int(window):
        raise ApiRefusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def unsigned(text: str) -> str:
    """Return a form-encoded text without its signature parameter."""
    rest, found = SIGNATURE.subn("", text, count=1)
    return rest.removeprefix("&") if found else text
