from __future__ import annotations

from collections.abc import Iterator

import pykka
import pytest

from kernel.world import TIMEOUT_S, SteppedWorld, ThreadWorld, World


@pytest.fixture(params=["stepped", "threads", "thread-each"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Either runtime, the threaded one in both arrangements."""
    one: World
    if request.param == "stepped":
        one = SteppedWorld()
    else:
        one = ThreadWorld(thread="" if request.param == "thread-each" else "thinking")
    yield one
    one.runtime.stop(TIMEOUT_S)


@pytest.fixture(autouse=True)
def _own_registry() -> Iterator[None]:
    """Take out what a test that broke its runtime on purpose has left in pykka's registry."""
    yield
    for ref in pykka.ActorRegistry.get_all():
        pykka.ActorRegistry.unregister(ref)
