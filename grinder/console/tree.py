"""The supervision tree as the runtime reports it."""

from __future__ import annotations

from typing import Any

from grinder.kernel.observer import ActorSnapshot


def tree_of(actors: tuple[ActorSnapshot, ...]) -> list[dict[str, Any]]:
    """Return the actors as nested dicts ``{name, kind, state, restarts, thread, children}``.

    An actor whose supervisor is not among ``actors`` stands at the top.
    """
    nodes: dict[str, dict[str, Any]] = {
        actor.name: {
            "name": actor.name,
            "kind": actor.kind,
            "state": actor.state,
            "restarts": actor.restarts,
            "thread": actor.thread,
            "children": [],
        }
        for actor in actors
    }
    top: list[dict[str, Any]] = []
    for actor in actors:
        parent = nodes.get(actor.supervisor)
        (top if parent is None else parent["children"]).append(nodes[actor.name])
    return top
