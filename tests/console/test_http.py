"""The endpoint answers from what it is given, on loopback, and gives its port back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from console import said
from console.said import INSTRUMENTS, NOW, Clock, S
from grinder.console.http import ConsoleServer, Sources
from grinder.console.metrics import Metrics
from grinder.console.views import StateView
from grinder.errors import ConfigError
from grinder.kernel.observer import ActorSnapshot
from grinder.messages.control import LeadershipGained

TIMEOUT_S = 60.0


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.view = StateView(INSTRUMENTS, now_ns=self.clock)
        self.actors: tuple[ActorSnapshot, ...] = (said.actor("root"), said.actor("feed", "root"))
        self.is_ready = True
        self.faults: list[tuple[str, str]] = []

    def fault(self, actor: str, kind: str) -> None:
        if actor != "feed":
            raise KeyError(actor)
        self.faults.append((actor, kind))

    def sources(self, fault: Callable[[str, str], None] | None = None) -> Sources:
        metrics = Metrics(
            config_hash="abc",
            version="1",
            actors=lambda: self.actors,
            is_ready=lambda: self.is_ready,
            now_ns=self.clock,
        )
        return Sources(
            view=self.view,
            registry=metrics.registry,
            actors=lambda: self.actors,
            is_ready=lambda: self.is_ready,
            config_hash="abc",
            version="1",
            fault=fault,
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def url(world: World) -> Iterator[str]:
    server = ConsoleServer("127.0.0.1", 0, world.sources(world.fault))
    yield f"http://127.0.0.1:{server.port}"
    server.close()


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=TIMEOUT_S)


def test_metrics_are_parsed_by_prometheus_s_own_parser(url: str) -> None:
    answer = get(f"{url}/metrics")

    families = list(text_string_to_metric_families(answer.text))
    assert answer.status_code == 200
    assert "grinder_up" in {family.name for family in families}
    assert 'grinder_actor_mailbox_depth{actor="feed"} 3.0' in answer.text


def test_health_only_says_that_it_serves(url: str) -> None:
    assert get(f"{url}/healthz").json() == {"status": "ok", "version": "1"}


def test_readiness_needs_every_actor_and_leadership(url: str, world: World) -> None:
    world.actors = (said.actor("root"), said.actor("feed", "root", state="starting"))
    answer = get(f"{url}/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "reasons": ["actor feed is starting", "not leading"],
    }

    world.actors = (said.actor("root"),)
    world.is_ready = False
    world.view.observe("leader", NOW, LeadershipGained(epoch=1, deadline_ns=NOW + S))
    assert get(f"{url}/readyz").json()["reasons"] == ["not started"]

    world.is_ready = True
    answer = get(f"{url}/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})

    world.clock.ns += S
    assert get(f"{url}/readyz").json()["reasons"] == ["not leading"]


def test_state_shows_view_actors_tree_and_hash(url: str, world: World) -> None:
    world.view.observe("feed", NOW, said.ticked())

    state = get(f"{url}/state").json()

    assert state["config_hash"] == "abc"
    assert state["view"]["symbols"]["BTCUSDT"]["mid"] == "60000.05"
    assert [actor["name"] for actor in state["actors"]] == ["root", "feed"]
    assert state["tree"][0]["children"][0]["name"] == "feed"


def test_faults_reach_the_callback(url: str, world: World) -> None:
    statuses = [
        requests.post(f"{url}/debug/fault/{path}", timeout=TIMEOUT_S).status_code
        for path in ("feed/raise", "feed/hang", "nobody/raise", "feed/dance")
    ]

    assert statuses == [202, 202, 404, 404]
    assert world.faults == [("feed", "raise"), ("feed", "hang")]


def test_without_leave_there_are_no_faults(world: World) -> None:
    server = ConsoleServer("127.0.0.1", 0, world.sources())
    base = f"http://127.0.0.1:{server.port}"
    answer = requests.post(f"{base}/debug/fault/feed/raise", timeout=TIMEOUT_S)
    server.close()

    assert (answer.status_code, answer.json()) == (404, {"error": "not found"})


def test_a_port_that_is_taken_is_one_sentence(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(ConfigError) as caught:
            ConsoleServer("127.0.0.1", port, world.sources())

    assert caught.value.problems == (
        f"run.port: can't listen on 127.0.0.1:{port}: Address already in use",
    )


def test_closing_ends_the_thread_and_gives_the_port_back(world: World) -> None:
    server = ConsoleServer("127.0.0.1", 0, world.sources())
    with requests.Session() as session:
        # A connection that is kept alive must not keep the server alive.
        session.get(f"http://127.0.0.1:{server.port}/healthz", timeout=TIMEOUT_S)
        server.close()
        server.close()

    assert "console-http" not in {thread.name for thread in threading.enumerate()}
    with socket.create_server(("127.0.0.1", server.port)):
        pass
