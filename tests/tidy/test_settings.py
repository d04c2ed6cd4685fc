"""Every setting is read by something, and everything read is a setting.

A field counts as read where a file that names its class, or reaches its section from the whole
tree, loads an attribute of that name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from grinder.model.settings import Config
from tidy import source

pytestmark = pytest.mark.unmeasured

OWNERS = (source.CODE / "config", source.CODE / "model" / "settings.py")
"""Those that declare, load and print settings do not count as readers."""

attrs.resolve_types(Config)
SECTIONS: dict[str, type] = {
    field.name: field.type for field in attrs.fields(Config) if field.type is not None
}
FIELDS: dict[type, frozenset[str]] = {
    cls: frozenset(field.name for field in attrs.fields(cls)) for cls in SECTIONS.values()
}
WHOLE = {"config", "_config", "tree", "_tree"}
"""Names under which the whole tree is known."""


def readers() -> Iterator[tuple[Path, ast.Module]]:
    for path in source.files():
        if not any(path == owner or owner in path.parents for owner in OWNERS):
            yield path, source.parsed(path)


def settings_named_in(tree: ast.Module) -> set[type]:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if "Config" in names:
        return set(SECTIONS.values())
    return {cls for cls in SECTIONS.values() if cls.__name__ in names}


def fields_read() -> set[tuple[type, str]]:
    found: set[tuple[type, str]] = set()
    for _, tree in readers():
        named = settings_named_in(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                found |= {(cls, node.attr) for cls in named if node.attr in FIELDS[cls]}
                section = _last_name(node.value)
                if section in SECTIONS and node.attr in FIELDS[SECTIONS[section]]:
                    found.add((SECTIONS[section], node.attr))
    return found


def undeclared_reads(path: Path, tree: ast.Module) -> Iterator[str]:
    """Follow ``config.<section>.<field>``, and arguments annotated with a settings class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            section = node.value.attr
            is_known = _last_name(node.value.value) in WHOLE and section in SECTIONS
            if is_known and node.attr not in FIELDS[SECTIONS[section]]:
                yield source.place(path, node.lineno, f"{section}.{node.attr}")
        if isinstance(node, source.Function):
            yield from _undeclared_in(path, node)


def _undeclared_in(path: Path, function: source.Function) -> Iterator[str]:
    by_name = {cls.__name__: cls for cls in SECTIONS.values()}
    held = {
        argument.arg: by_name[ast.unparse(argument.annotation)]
        for argument in (*function.args.args, *function.args.kwonlyargs)
        if argument.annotation is not None and ast.unparse(argument.annotation) in by_name
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            cls = held.get(node.value.id)
            if cls is not None and node.attr not in FIELDS[cls] and not hasattr(cls, node.attr):
                yield source.place(path, node.lineno, f"{cls.__name__}.{node.attr}")


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_every_setting_is_read_somewhere() -> None:
    read = fields_read()

    unread = [
        f"[{section}] {name}"
        for section, cls in SECTIONS.items()
        for name in sorted(FIELDS[cls])
        if (cls, name) not in read
    ]

    assert not unread, "\n".join(unread)


def test_everything_read_is_a_setting() -> None:
    problems = [text for path, tree in readers() for text in undeclared_reads(path, tree)]

    assert not problems, "\n".join(problems)


def test_a_setting_that_does_not_exist_is_recognised() -> None:
    code = (
        "def f(self, feed: FeedSettings):\n"
        "    return feed.depth, feed.width, self._config.risk.permit_ms, config.risk.mood\n"
    )

    problems = list(undeclared_reads(source.CODE / "cli" / "run.py", ast.parse(code)))

    assert sorted(text.partition(" ")[2] for text in problems) == [
        "FeedSettings.width",
        "risk.mood",
    ]
