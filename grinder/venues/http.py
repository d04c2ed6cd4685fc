"""HTTP to the venue: one session for each thread, timeouts on everything, no hidden retries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import attrs
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import NewConnectionError

from grinder.errors import ConfigError, TransientError, UnknownOutcomeError, VenueError
from grinder.messages.venue import ClockMeasured
from grinder.venues.binance_errors import Reply, error_of, payload
from grinder.venues.clock import VenueClock
from grinder.venues.signing import Credentials, Parameters, encoded, signed

BODY_MAX = 32 * 1024 * 1024
CHUNK = 256 * 1024
TIME = "/fapi/v1/time"
TIME_TIMEOUT_MS = 2_000
"""A slower answer would say little about the time."""


class Access(Enum):
    """What a request has to show."""

    OPEN = "open"
    KEY = "key"
    """The API key only (listen keys)."""
    SIGNED = "signed"


@attrs.frozen(kw_only=True)
class Request:
    """One call. Parameters of POST and PUT travel as a form, the others in the query string."""

    method: str
    path: str
    parameters: Parameters = ()
    access: Access = Access.SIGNED

    @property
    def is_write(self) -> bool:
        """True when repeating it blindly could do harm; extending a listen key can not."""
        return self.method != "GET" and self.access is Access.SIGNED


class _Session(requests.Session):
    """One thread's session, with a prepared request for each path, filled in for each call.

    Preparing one takes as long as sending it; nothing of it changes but the parameters.
    """

    def __init__(self, base_url: str, headers_of: Callable[[Request], dict[str, str]]) -> None:
        super().__init__()
        self.trust_env = False
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        self._base_url = base_url
        self._headers_of = headers_of
        self._prepared: dict[tuple[str, str], requests.PreparedRequest] = {}

    def filled(self, request: Request, text: str) -> requests.PreparedRequest:
        """Return ``request`` with ``text``, its encoded parameters; good until the next call."""
        url = f"{self._base_url}{request.path}"
        key = request.method, request.path
        prepared = self._prepared.get(key)
        if prepared is None:
            fresh = requests.Request(request.method, url, self._headers_of(request))
            prepared = self._prepared[key] = self.prepare_request(fresh)
        if request.method in ("POST", "PUT"):
            prepared.body = text
            prepared.headers["Content-Length"] = str(len(text))
            prepared.headers["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            prepared.url = f"{url}?{text}" if text else url
        return prepared


class VenueHttp:
    """Send requests and translate what comes back, once. Safe from any thread.

    Proxies and certificates from the environment are not used: a path to the venue that nobody
    configured is not wanted, and looking for one costs more than the rest of a request.

    Raises:
        ConfigError: the credentials are not complete.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials | None,
        clock: VenueClock,
        *,
        connect_timeout_ms: int,
        read_timeout_ms: int,
    ) -> None:
        if credentials is not None and not credentials.is_complete:
            raise ConfigError("expected an API key and its secret, was one of them or none")
        self.clock = clock
        self._base_url = base_url.rstrip("/")
        self._credentials = credentials
        self._connect_timeout_s = connect_timeout_ms / 1000
        self._read_timeout_ms = read_timeout_ms
        self.on_headers: Callable[[Mapping[str, str]], None] | None = None
        self._local = threading.local()

    def call(
        self, request: Request, *, timeout_ms: int | None = None, recv_window_ms: int = 5_000
    ) -> Any:
        """Send ``request`` and return the JSON value of the answer.

        Args:
            request: what to send.
            timeout_ms: longest wait for the answer, milliseconds; the read timeout if None.
            recv_window_ms: how long after its timestamp the venue may take a signed request.

        Raises:
            VenueError: one of its kinds; see ``binance_errors``.
            ConfigError: the request wants credentials and there are none.
        """
        if request.access is Access.SIGNED and not self.clock.is_measured:
            self.measure_clock(since=self.clock.mark())
        limit_s = (self._read_timeout_ms if timeout_ms is None else timeout_ms) / 1000
        reply = self._exchange(request, limit_s, recv_window_ms)
        now_ms = self.clock.venue_ms() if self.clock.is_measured else time.time_ns() // 1_000_000
        error = error_of(reply, is_write=request.is_write, now_ms=now_ms)
        if error is not None:
            raise error
        try:
            return payload(reply.body)
        except ValueError:
            raise _lost(request, "the answer is not JSON") from None

    def measure_clock(self, *, since: int | None = None) -> ClockMeasured:
        """Measure the venue's clock; see ``VenueClock.measure``."""
        return self.clock.measure(self._venue_time_ms, since=since)

    def release(self) -> None:
        """Close the calling thread's session."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is not None:
            session.close()
            self._local.session = None

    def _venue_time_ms(self) -> int:
        limit_ms = min(TIME_TIMEOUT_MS, self._read_timeout_ms)
        request = Request(method="GET", path=TIME, access=Access.OPEN)
        answer = self.call(request, timeout_ms=limit_ms)
        if not isinstance(answer, dict) or type(answer.get("serverTime")) is not int:
            raise TransientError("expected serverTime as a number, was something else")
        venue_ms: int = answer["serverTime"]
        return venue_ms

    def _exchange(self, request: Request, limit_s: float, recv_window_ms: int) -> Reply:
        session = self._session()
        text = self._text(request, recv_window_ms)
        deadline = time.monotonic() + self._connect_timeout_s + limit_s
        try:
            with session.send(
                session.filled(request, text),
                timeout=(self._connect_timeout_s, limit_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _body(request, response, deadline)
        except requests.ConnectionError as error:
            if _never_left(error):
                raise TransientError(f"not sent: {_cause(error)}") from None
            raise _lost(request, _cause(error)) from None
        except (requests.RequestException, Urllib3Error, OSError) as error:
            raise _lost(request, _cause(error)) from None
        if self.on_headers is not None:
            self.on_headers(response.headers)
        return Reply(
            status=response.status_code,
            body=body,
            retry_after_s=_seconds(response.headers.get("Retry-After")),
        )

    def _headers(self, request: Request) -> dict[str, str]:
        if request.access is Access.OPEN:
            return {}
        if self._credentials is None:
            raise ConfigError(f"expected an API key and secret for {request.path}, was none")
        return {"X-MBX-APIKEY": self._credentials.key}

    def _text(self, request: Request, recv_window_ms: int) -> str:
        if request.access is not Access.SIGNED or self._credentials is None:
            return encoded(request.parameters)
        timed = (
            *request.parameters,
            ("recvWindow", str(recv_window_ms)),
            ("timestamp", str(self.clock.venue_ms())),
        )
        return signed(self._credentials.secret, timed)

    def _session(self) -> _Session:
        session: _Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = _Session(self._base_url, self._headers)
        return session


def _body(request: Request, response: requests.Response, deadline: float) -> bytes:
    # The read timeout of requests is for each piece; a peer that trickles would hold the thread.
    body = bytearray()
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        body += chunk
        if len(body) > BODY_MAX:
            raise _lost(request, f"expected at most {BODY_MAX} bytes, were more")
        if time.monotonic() > deadline:
            raise _lost(request, "the answer did not end in time")
    return bytes(body)


def _lost(request: Request, why: str) -> VenueError:
    return UnknownOutcomeError(why) if request.is_write else TransientError(why)


def _never_left(error: requests.ConnectionError) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError)


def _cause(error: Exception) -> str:
    # The text of these exceptions quotes the address with its signature: only names are told.
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None) or inner
    named = type(reason).__name__ if isinstance(reason, Exception) else ""
    return f"{type(error).__name__} {named}".strip()


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None
