"""Comments speak of the code, and exceptions are named."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidy import source

pytestmark = pytest.mark.unmeasured

TAG = re.compile(
    r"\b(?:issue|ticket|pull request|PR|MR|ADR|JIRA)[ -]?#?\d+|(?<!\w)#\d+\b"
    r"|\b(?:TODO|FIXME|XXX|HACK)\b|\b[A-Z]{2,6}-\d{2,}\b(?<!SHA-256)(?<!UTF-16)",
)
BROAD = {"Exception", "BaseException"}


def tags(path: Path) -> list[str]:
    return [
        source.place(path, line, found.group())
        for line, text in source.comments(path)
        for found in TAG.finditer(text)
    ]


def broad_handlers(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and (node.type is None or _is_broad(node.type)):
            yield node.lineno
        if isinstance(node, ast.Call) and _suppresses_all(node):
            yield node.lineno


def _suppresses_all(call: ast.Call) -> bool:
    return _name(call.func) == "suppress" and any(_is_broad(part) for part in call.args)


def _is_broad(node: ast.expr) -> bool:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(_name(part) in BROAD for part in parts)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_no_comment_carries_a_ticket_or_a_promise() -> None:
    problems = [tag for path in source.files(source.CODE, source.TESTS) for tag in tags(path)]

    assert not problems, "\n".join(problems)


def test_only_the_kernel_catches_everything() -> None:
    problems = [
        source.place(path, line)
        for path in source.files()
        if source.CODE / "kernel" not in path.parents
        for line in broad_handlers(source.parsed(path))
    ]

    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    "text",
    ["see issue 4", "fixed in PR #12", "ADR-7", "#31", "TO" + "DO: later", "GRD-104"],
)
def test_a_tag_is_recognised(text: str) -> None:
    assert TAG.search(text)


@pytest.mark.parametrize("text", ["a SHA-256 sum", "-1021 is a code", "5 bps", "UTF-8", "b#"])
def test_ordinary_words_are_no_tags(text: str) -> None:
    assert not TAG.search(text)


@pytest.mark.parametrize(
    "code",
    [
        "try: pass\nexcept: pass",
        "try: pass\nexcept Exception: pass",
        "try: pass\nexcept (ValueError, builtins.BaseException): pass",
        "with contextlib.suppress(Exception): pass",
    ],
)
def test_a_broad_handler_is_recognised(code: str) -> None:
    assert list(broad_handlers(ast.parse(code)))
