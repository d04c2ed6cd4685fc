"""The source as the tidy tests see it: files, functions, classes and comments, by reading only."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "grinder"
TESTS = ROOT / "tests"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@attrs.frozen(kw_only=True)
class Measure:
    """One number found at one place."""

    size: int
    place: str
    """Path from the root, line, and name."""


@cache
def files(*tops: Path) -> tuple[Path, ...]:
    """Return every Python file under ``tops``, by path; the whole code when none is named."""
    return tuple(sorted(path for top in tops or (CODE,) for path in top.rglob("*.py")))


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path, line: int, name: str = "") -> str:
    """Say where something stands."""
    return f"{path.relative_to(ROOT)}:{line} {name}".rstrip()


def module_name(path: Path) -> str:
    """Return the dotted name of a file of the code."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def file_lengths(*tops: Path) -> list[Measure]:
    """Measure each file in lines."""
    return [
        Measure(size=len(path.read_text(encoding="utf-8").splitlines()), place=place(path, 1))
        for path in files(*tops)
    ]


def functions() -> Iterator[tuple[Path, Function]]:
    """Give every function and method of the code."""
    for path in files():
        for node in ast.walk(parsed(path)):
            if isinstance(node, Function):
                yield path, node


def function_lengths() -> list[Measure]:
    """Measure each function in lines, from its def to its end, docstring included."""
    return [_extent(path, node) for path, node in functions()]


def classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    """Give every class of the code."""
    for path in files():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef):
                yield path, node


def class_lengths() -> list[Measure]:
    """Measure each class in lines."""
    return [_extent(path, node) for path, node in classes()]


def method_counts() -> list[Measure]:
    """Count the methods that each class defines itself."""
    return [
        Measure(
            size=sum(isinstance(item, Function) for item in node.body),
            place=place(path, node.lineno, node.name),
        )
        for path, node in classes()
    ]


def constructor_widths() -> list[Measure]:
    """Count what each written constructor is given; those that attrs writes do not count."""
    return [
        Measure(size=_width(item.args), place=place(path, item.lineno, node.name))
        for path, node in classes()
        for item in node.body
        if isinstance(item, Function) and item.name == "__init__"
    ]


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Give every comment and docstring of a file with its line."""
    text = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.removeprefix("#")
    for node in ast.walk(parsed(path)):
        # Docstrings, and the strings under fields that document them.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            words = node.value.value
            yield from [(node.lineno, words)] if isinstance(words, str) else []


def suppressions() -> list[str]:
    """Give every place where a tool is told to look away."""
    pattern = re.compile(r"^\s*(noqa|type: ignore|pragma: no cover)")
    return [
        place(path, line, text.strip())
        for path in files()
        for line, text in comments(path)
        if pattern.match(text)
    ]


def _extent(path: Path, node: Function | ast.ClassDef) -> Measure:
    end = node.end_lineno or node.lineno
    return Measure(size=end - node.lineno + 1, place=place(path, node.lineno, node.name))


def _width(arguments: ast.arguments) -> int:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len(every) - 1 + bool(arguments.vararg) + bool(arguments.kwarg)
