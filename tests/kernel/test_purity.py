from __future__ import annotations

import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grinder.kernel.spec import SupervisorSpec
from kernel.purity import WorldTouchedError, forbid_world
from kernel.world import FAST, MS, Note, SteppedWorld

TOUCHES: list[Callable[[], Any]] = [
    lambda: time.time() + 1,
    lambda: time.time_ns() + 1,
    lambda: time.monotonic_ns() + 1,
    lambda: time.sleep(0),
    lambda: random.random() + 1,
    lambda: random.choice([1]),
    lambda: str(uuid.uuid4()),
    lambda: os.environ["HOME"],
    lambda: os.environ.get("HOME"),
    lambda: os.getenv("HOME"),
    lambda: threading.Thread(target=print).start(),
    lambda: socket.socket().close(),
    lambda: socket.create_connection(("127.0.0.1", 1)),
    lambda: Path(__file__).read_text(),
    lambda: os.open(__file__, os.O_RDONLY),
]


@pytest.mark.parametrize("number", range(len(TOUCHES)))
def test_the_world_is_out_of_reach_and_comes_back(number: int) -> None:
    with forbid_world(), pytest.raises(WorldTouchedError):
        TOUCHES[number]()

    assert time.time() > 0
    assert "PATH" in os.environ


def test_a_seeded_generator_stays_usable() -> None:
    chance = random.Random(1)
    with forbid_world():
        assert 0 <= chance.random() < 1


def test_supervisors_and_timers_need_nothing_of_the_world() -> None:
    world = SteppedWorld(seed=1)
    inner = SupervisorSpec(name="inner", intensity=FAST, children=(world.probe("b"),))
    world.start(world.probe("a"), inner)
    supervisor = world.at("inner").slot.cell.actor
    with forbid_world():
        world.run("a", lambda a: a.set_timer("t", MS))
        world.tell("b", Note(text="hello"))
        world.runtime.run_for(2 * MS)
        supervisor.on_start()

    assert world.heard() == ["hello", "timer t"]
    world.runtime.stop()
