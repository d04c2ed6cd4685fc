"""Who signed a request: keys, signatures and the time window."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlencode

import attrs
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from grinder.errors import ConfigError
from grinder.venues.sim.refusing import ApiRefusal, is_whole, mandatory

RECV_WINDOW_MS = 5000
RECV_WINDOW_MAX_MS = 60_000
AHEAD_MS = 1000

ED25519 = "ed25519="
ED25519_BYTES = 32
TRUTHS = ("true", "false")

SIGNATURE = re.compile(r"(^|&)signature=[^&]*")


@attrs.frozen(kw_only=True)
class Credential:
    """One API key and the account that it opens."""

    key: str
    secret: str = attrs.field(repr=False)
    account: str
    public_key: Ed25519PublicKey | None = None
    """Set for a key that signs with Ed25519; then there is no secret."""

    def has_signed(self, given: str, texts: Iterable[str]) -> bool:
        """Tell whether ``given`` is this key's signature of one of ``texts``."""
        if self.public_key is None:
            return any(
                hmac.compare_digest(
                    signature(self.secret, text, "").encode(), given.lower().encode()
                )
                for text in texts
            )
        try:
            # A client may have percent-encoded what it put into JSON.
            raw = base64.b64decode(unquote(given), validate=True)
        except (binascii.Error, ValueError):
            return False
        return any(_is_ed25519(self.public_key, raw, text) for text in texts)


def made_credential(key: str, secret: str, account: str) -> Credential:
    """Return the credential of a key; a secret ``ed25519=...`` names a public key.

    Raises:
        ConfigError: the public key can not be read.
    """
    if not secret.startswith(ED25519):
        return Credential(key=key, secret=secret, account=account)
    found = public_key(secret.removeprefix(ED25519))
    return Credential(key=key, secret="", account=account, public_key=found)


def public_key(text: str) -> Ed25519PublicKey:
    """Return the Ed25519 public key in ``text``: base64 of its 32 bytes or of DER, or a PEM file.

    Raises:
        ConfigError: it is none of these.
    """
    try:
        if Path(text).is_file():
            found = load_pem_public_key(Path(text).read_bytes())
        else:
            raw = base64.b64decode(text, validate=True)
            if len(raw) == ED25519_BYTES:
                return Ed25519PublicKey.from_public_bytes(raw)
            found = load_der_public_key(raw)
    except (ValueError, OSError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"ed25519 public key: {error}") from error
    if not isinstance(found, Ed25519PublicKey):
        raise ConfigError("ed25519 public key: it is a key of another kind")
    return found


def _is_ed25519(key: Ed25519PublicKey, raw: bytes, text: str) -> bool:
    try:
        key.verify(raw, text.encode())
    except InvalidSignature:
        return False
    return True


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
    by: Credential, query: str, body: str, params: Mapping[str, str], now_ms: int
) -> None:
    """Check signature and time of a signed request.

    Args:
        by: whose key was named.
        query: query string exactly as sent, without the question mark.
        body: body exactly as sent.
        params: the decoded parameters of both.
        now_ms: venue time.

    Raises:
        ApiRefusal: -1102, -1022 or -1021.
    """
    check_signature(by, (unsigned(query) + unsigned(body),), params)
    check_time(params, now_ms)


def check_signature(by: Credential, texts: Iterable[str], params: Mapping[str, str]) -> None:
    """Check that the signature in ``params`` is of one of ``texts``.

    Raises:
        ApiRefusal: -1102 or -1022.
    """
    given = params.get("signature")
    if not given:
        raise mandatory("signature")
    if not is_whole(params.get("timestamp", "")):
        raise mandatory("timestamp")
    if not by.has_signed(given, texts):
        raise ApiRefusal(-1022, "Signature for this request is not valid.")


def sorted_texts(params: Mapping[str, str]) -> tuple[str, ...]:
    """Return what clients sign of a WebSocket request: parameters by name, plain or encoded.

    Some Python clients sign a truth value as they write it, with a capital letter.
    """
    rows = sorted((name, value) for name, value in params.items() if name != "signature")
    capital = [(name, value.title() if value in TRUTHS else value) for name, value in rows]
    found = [text for each in (rows, capital) for text in (_joined(each), urlencode(each))]
    return tuple(dict.fromkeys(found))


def _joined(rows: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in rows)


def check_time(params: Mapping[str, str], now_ms: int) -> None:
    """Check the time of a request.

    Raises:
        ApiRefusal: -1102, -1131 or -1021.
    """
    if not is_whole(params.get("timestamp", "")):
        raise mandatory("timestamp")
    timestamp = int(params["timestamp"])
    window = params.get("recvWindow", str(RECV_WINDOW_MS))
    if not is_whole(window):
        raise mandatory("recvWindow")
    if int(window) > RECV_WINDOW_MAX_MS:
        raise ApiRefusal(-1131, "recvWindow must be less than 60000")
    if timestamp >= now_ms + AHEAD_MS:
        raise ApiRefusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp > int(window):
        raise ApiRefusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def check_engine_time(params: Mapping[str, str], now_ms: int) -> None:
    """Check the window of a request once more, when it reaches the matching engine.

    Raises:
        ApiRefusal: -5028.
    """
    window = int(params.get("recvWindow", str(RECV_WINDOW_MS)))
    if now_ms - int(params["timestamp"]) > window:
        raise ApiRefusal(-5028, "Timestamp for this request is outside of the ME recvWindow.")


def unsigned(text: str) -> str:
    """Return a form-encoded text without its signature parameter."""
    rest, found = SIGNATURE.subn("", text, count=1)
    return rest.removeprefix("&") if found else text
