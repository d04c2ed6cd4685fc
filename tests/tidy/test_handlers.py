"""Every handler of an actor names the message that it takes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from grinder.messages.codec import CODEC
from tidy import source

MESSAGES = {cls.__name__ for cls in CODEC.message_classes}
LIFE = {"on_start", "on_stop"}
"""Hooks of every actor that are no handlers."""


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def handler_problems(path: Path, tree: ast.Module) -> list[str]:
    problems = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        if node.name.startswith("on_") and node.name not in LIFE:
            problem = _problem(node)
            if problem:
                problems.append(f"{source.place(path, node.lineno, node.name)}: {problem}")
    return problems


def _problem(node: ast.FunctionDef) -> str:
    arguments = node.args.args[1:]
    if len(arguments) != 1 or arguments[0].annotation is None:
        return "expected one annotated argument"
    names = _names(arguments[0].annotation)
    unknown = [name for name in names if name not in MESSAGES]
    if unknown:
        return f"{unknown[0]} is no message"
    # A handler of several messages is named after what they have in common.
    if len(names) == 1 and node.name != f"on_{snake(names[0])}":
        return f"expected the name on_{snake(names[0])}"
    return ""


def _names(annotation: ast.expr) -> list[str]:
    if isinstance(annotation, ast.BinOp):
        return [*_names(annotation.left), *_names(annotation.right)]
    return [ast.unparse(annotation).rpartition(".")[2]]


def test_every_handler_names_the_message_that_it_takes() -> None:
    problems = [
        problem
        for path in source.files(source.CODE / "actors")
        for problem in handler_problems(path, source.parsed(path))
    ]

    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        ("def on_book_ticked(self, tick: BookTicked): ...", ""),
        ("def on_answer(self, answer: PlaceAnswered | CancelAnswered): ...", ""),
        ("def on_start(self): ...", ""),
        ("def on_ticked(self, tick: BookTicked): ...", "expected the name on_book_ticked"),
        ("def on_book_tick(self, tick: BookTick): ...", "BookTick is no message"),
        ("def on_book_ticked(self, tick): ...", "expected one annotated argument"),
        ("def on_any(self, any: BookTicked | Nothing): ...", "Nothing is no message"),
    ],
)
def test_a_misnamed_handler_is_recognised(handler: str, problem: str) -> None:
    tree = ast.parse(f"class A:\n    {handler}")

    problems = handler_problems(source.CODE / "__init__.py", tree)

    assert [text.partition(": ")[2] for text in problems] == ([problem] if problem else [])
