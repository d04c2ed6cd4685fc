"""Print a supervision tree, declared or running."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from grinder.kernel.spec import ChildSpec, SupervisorSpec


def declared(spec: ChildSpec | SupervisorSpec) -> dict[str, Any]:
    """Return a declared tree as nested dicts for JSON and for ``show``."""
    if isinstance(spec, SupervisorSpec):
        return {
            "name": spec.name,
            "strategy": str(spec.strategy),
            "children": [declared(child) for child in spec.children],
        }
    return {
        "name": spec.name,
        "restart": str(spec.restart),
        "thread": spec.thread,
        "children": [],
    }


def show(nodes: list[dict[str, Any]], title: str, console: Console | None = None) -> None:
    """Print ``nodes``, as ``declared`` or the console's /state give them."""
    root = Tree(Text(title, style="dim"))
    for node in nodes:
        _grow(root, node)
    (console if console is not None else Console(soft_wrap=True)).print(root)


def _grow(branch: Tree, node: dict[str, Any]) -> None:
    label = Text(node["name"], style="bold")
    if "state" in node:
        label.append(f"  {node['state']}", style="green" if node["state"] == "ready" else "red")
        if node["restarts"]:
            label.append(f"  {node['restarts']} restarts", style="yellow")
    label.append(f"  {node.get('strategy') or node.get('restart') or node.get('kind') or ''}")
    if node.get("thread"):
        label.append(f"  [{node['thread']}]", style="dim")
    grown = branch.add(label)
    for child in node["children"]:
        _grow(grown, child)
