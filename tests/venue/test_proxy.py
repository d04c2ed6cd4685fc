from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from grinder.errors import InvariantError
from grinder.venues.sim.proxy import Proxy
from venue.clients import Rest, Stream, World

TIMEOUT_S = 60.0


class Echo:
    """A server that sends back what it reads."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(peer,), daemon=True).start()

    def _echo(self, peer: socket.socket) -> None:
        with peer:
            try:
                while chunk := peer.recv(4096):
                    peer.sendall(chunk)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    echo = Echo()
    proxy = Proxy("127.0.0.1", echo.port)
    yield proxy
    proxy.stop()
    proxy.stop()
    echo.close()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)


def read(client: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        chunk = client.recv(size - len(found))
        if not chunk:
            break
        found += chunk
    return found


def exchanged(port: int) -> bytes:
    with connected(port) as client:
        client.sendall(b"x")
        return client.recv(1)


def test_unharmed_bytes_pass_and_ends_pass_too(proxy: Proxy) -> None:
    with connected(proxy.start()) as client:
        client.sendall(b"x" * 100_000)
        client.shutdown(socket.SHUT_WR)

        assert read(client, 200_000) == b"x" * 100_000


def test_late_and_slow_bytes_arrive_whole(proxy: Proxy) -> None:
    port = proxy.start()
    proxy.harm(delay_s=0.01, bytes_per_s=100_000)
    with connected(port) as client:
        client.sendall(b"x" * 2000)

        assert read(client, 2000) == b"x" * 2000


def test_black_hole_swallows_until_it_ends(proxy: Proxy) -> None:
    port = proxy.start()
    with connected(port) as client:
        client.sendall(b"one")
        assert read(client, 3) == b"one"
        proxy.harm(is_blackhole=True)
        client.sendall(b"two")
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(TIMEOUT_S)
        proxy.harm()

        assert read(client, 3) == b"two"


def test_reset_breaks_both_sides(proxy: Proxy) -> None:
    with connected(proxy.start()) as client:
        client.sendall(b"one")
        read(client, 3)

        assert proxy.reset() == 2
        with pytest.raises(ConnectionError):
            client.recv(1)


def test_refused_connections_are_reset(proxy: Proxy) -> None:
    port = proxy.start()
    proxy.harm(refuses=True)

    # The reset may meet the client while it connects or later.
    with pytest.raises(ConnectionError):
        exchanged(port)


def test_missing_target_resets_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    proxy = Proxy("127.0.0.1", port)
    with pytest.raises(ConnectionError):
        exchanged(proxy.start())
    proxy.stop()


def test_proxy_starts_once_and_resets_only_while_it_runs(proxy: Proxy) -> None:
    with pytest.raises(InvariantError):
        proxy.reset()
    proxy.start()

    with pytest.raises(InvariantError):
        proxy.start()


def test_venue_is_reached_through_the_proxy(world: World) -> None:
    proxies = [
        Proxy("127.0.0.1", int(url.rpartition(":")[2]))
        for url in (world.server.rest_url, world.server.ws_url)
    ]
    rest_port, ws_port = (proxy.start() for proxy in proxies)
    rest = Rest(f"http://127.0.0.1:{rest_port}")
    stream = Stream(f"ws://127.0.0.1:{ws_port}", f"/private/ws/{rest.listen_key()}")
    placed = rest.limit("BUY", "60000")
    told = stream.next()
    stream.close()
    for proxy in proxies:
        proxy.stop()

    assert told["o"]["i"] == placed["orderId"]
