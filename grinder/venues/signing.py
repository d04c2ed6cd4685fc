"""Credentials, and the signature that the venue wants on a request."""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from operator import itemgetter
from urllib.parse import urlencode

import attrs

Parameters = tuple[tuple[str, str], ...]
_VALUE = itemgetter(1)
_PLAIN = re.compile(r"[0-9A-Za-z_.~-]*").fullmatch
"""What percent-encoding leaves alone; nearly every request of ours has nothing else."""
_NAMED = re.compile(r"(?i)\b(listenKey|signature|X-MBX-APIKEY)(['\"]?\s*[=:]\s*['\"]?)[0-9A-Za-z]+")
"""A secret that its name gives away, even if it was cut off before its end."""


@attrs.frozen(kw_only=True)
class Credentials:
    """An API key and its secret. Neither shows in a repr, a str or a format."""

    key: str = attrs.field(repr=False)
    secret: str = attrs.field(repr=False)

    @property
    def is_complete(self) -> bool:
        """True when both parts are there."""
        return bool(self.key and self.secret)


@lru_cache(maxsize=8)
def _keyed(secret: str) -> hmac.HMAC:
    """Return the keyed state to begin each signature from."""
    return hmac.new(secret.encode(), digestmod=hashlib.sha256)


def sign(secret: str, text: str) -> str:
    """Return the lower-case hex HMAC-SHA256 of ``text``.

    ``text`` is the query string followed directly by the form body, exactly as sent.
    """
    mac = _keyed(secret).copy()
    mac.update(text.encode())
    return mac.hexdigest()


def encoded(parameters: Parameters) -> str:
    """Return the parameters percent-encoded, in their order, as query string or form body."""
    if _PLAIN("".join(map(_VALUE, parameters))):
        return "&".join(map("=".join, parameters))
    return urlencode(parameters)


def signed(secret: str, parameters: Parameters) -> str:
    """Return the encoded parameters with their signature as the last one."""
    text = encoded(parameters)
    return f"{text}&signature={sign(secret, text)}"


def redacted(text: str, *secrets: str) -> str:
    """Return ``text`` with every secret in it replaced by three stars.

    Secrets are those given, unless empty, and whatever follows the name of one.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return _NAMED.sub(r"\1\2***", text)
