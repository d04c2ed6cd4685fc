"""Garbage on the HTTP socket: at worst the venue hangs up on whoever sends it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grinder.venues.sim.site import TABLES
from venue.fuzzing import KEY, TIMEOUT_S, Target, examples, request

pytestmark = pytest.mark.unmeasured

METHODS = (b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"CONNECT", b"TRACE", b"PATCH")
PATHS = st.sampled_from([path.encode() for _, path in sorted(TABLES["usdm"])])
TARGETS = st.one_of(
    st.sampled_from(
        (b"/", b"*", b"//", b"/ws", b"/stream", b"/private/ws/x", b"http://a/fapi/v1/ping", b"/%")
    ),
    st.binary(max_size=60),
    st.text("/%.?&=#:@fapiv1zZ[]0 ", max_size=40).map(str.encode),
    st.text("/%.?&=:@fapiv1zZ0", max_size=40).map(lambda text: b"/" + text.encode()),
)
HEADERS = st.one_of(
    st.sampled_from(
        (
            b"Content-Length: -1",
            b"Content-Length: 99999999999999999999",
            b"Content-Length: 5\r\nContent-Length: 6",
            b"Transfer-Encoding: chunked",
            b"Transfer-Encoding: chunked, gzip",
            b"Content-Encoding: gzip",
            b"Content-Encoding: br",
            b"Content-Encoding: zstd",
            b"Content-Encoding: deflate",
            b"Content-Type: application/json",
            b"Content-Type: multipart/form-data",
            b"Content-Type: text/plain; charset=no-such",
            b"Expect: 100-continue",
            b"Expect: something",
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
            b"Connection: Upgrade\r\nUpgrade: h2c",
            b"Connection: close",
            b"X-MBX-APIKEY: " + b"k" * 5000,
            b"X-MBX-APIKEY: \xff\xfe",
            b"X-MBX-APIKEY: " + KEY.encode(),
            b"Cookie: " + b"a=b; " * 500,
            b"Host: [",
            b" folded",
        )
    ),
    st.binary(max_size=60),
)
STATUS = re.compile(rb"^HTTP/1\.[01] ([0-9]{3}) ", re.MULTILINE)


@st.composite
def garbage(draw: st.DrawFn) -> bytes:
    """Return bytes that are nearly a request: one part of it is wrong, or nothing is right."""
    wrong = draw(st.sampled_from(("method", "target", "version", "heads", "heads", "body", "all")))
    if wrong == "all":
        return draw(st.binary(max_size=200))
    method, target = draw(st.sampled_from(METHODS)), draw(PATHS)
    version, heads, body = b"HTTP/1.1", [b"Host: venue"], b""
    if wrong == "method":
        method = draw(st.one_of(st.binary(max_size=10), st.text(max_size=9).map(str.encode)))
    elif wrong == "target":
        target = draw(TARGETS)
    elif wrong == "version":
        version = draw(st.sampled_from((b"HTTP/1.0", b"HTTP/9", b"", b"HTTP/1.1 ", b"SIP/2.0")))
    elif wrong == "heads":
        heads += draw(st.lists(HEADERS, min_size=1, max_size=3))
    body = draw(
        st.one_of(st.binary(max_size=99), st.sampled_from((b"", b"5\r\nabcde\r\n0\r\n\r\n")))
    )
    if wrong == "body":
        heads.append(b"Content-Length: " + str(len(body)).encode())
    elif wrong != "heads":
        body = b""
    return b"\r\n".join([method + b" " + target + b" " + version, *heads, b"", body])


@pytest.mark.timeout(0)
@settings(max_examples=examples(600))
@given(raw=garbage())
@example(raw=request("POST", b"/fapi/v1/order", b"no gzip", b"Content-Encoding: gzip\r\n"))
def test_garbage_on_the_socket(target: Target, raw: bytes) -> None:
    before = target.look()

    heard = exchanged(target, raw)

    after = target.look()
    assert after.failure_count == before.failure_count, after.failures[-1]
    assert after.standing == before.standing
    assert not [found for found in STATUS.findall(heard) if int(found) >= 500], heard
    assert target.http(request("GET", b"/fapi/v1/ping"))[0] == 200


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


TURNS = 6
"""Turns of the venue's loop after which it has answered, unless it waits for more."""


def exchanged(target: Target, raw: bytes) -> bytes:
    """Return what the venue answers to ``raw``, and to the end of what comes."""
    host, port = target.server.rest_url.removeprefix("http://").split(":")
    heard = b""
    with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
        try:
            connection.sendall(raw)
            for _ in range(TURNS):
                target.look()
            connection.shutdown(socket.SHUT_WR)
            while more := connection.recv(65536):
                heard += more
        except OSError:
            # The venue hung up before everything was sent.
            return heard
    return heard


def test_a_body_that_is_not_encoded_as_it_says_is_a_bad_request(target: Target) -> None:
    raw = request("POST", b"/fapi/v1/order", b"no gzip", b"Content-Encoding: gzip\r\n")
    target.hang_up()

    status, _ = target.http(raw, "POST")

    target.hang_up()
    assert status == 400


def test_a_million_characters_are_too_many(target: Target) -> None:
    before = target.look()
    many = b"a" * 1_000_000

    in_body = exchanged(target, request("POST", b"/fapi/v1/order", many))
    in_line = exchanged(target, request("GET", b"/fapi/v1/depth?symbol=" + many))

    # Who hangs up while much is still coming may be heard or not.
    assert in_body == b"" or in_body.startswith(b"HTTP/1.1 413 ")
    assert in_line == b"" or in_line.startswith(b"HTTP/1.1 400 ")
    assert target.http(request("GET", b"/fapi/v1/time"))[0] == 200
    assert target.look().failure_count == before.failure_count
