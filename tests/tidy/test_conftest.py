"""What conftest promises to every other test."""

from __future__ import annotations

import socket

import pytest
import redis


def test_a_test_cannot_look_a_name_up() -> None:
    with pytest.raises(RuntimeError, match="loopback"):
        socket.getaddrinfo("fapi.binance.com", 443)


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_a_test_cannot_connect_to_the_outside(method: str) -> None:
    with socket.socket() as outside, pytest.raises(RuntimeError, match="loopback"):
        getattr(outside, method)(("192.0.2.1", 80))


def test_a_test_can_connect_to_itself() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=60) as client,
    ):
        assert client.getpeername()[0] == "127.0.0.1"


def test_a_real_redis_answers(redis_server: str) -> None:
    with redis.Redis.from_url(redis_server) as client:
        assert client.ping()
