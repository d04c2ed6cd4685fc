"""The tree is what the documents say: the link, the guard, the names at the top, the contracts."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path

import pytest

from tidy import source

ROOT = source.ROOT

ALLOWED = {
    ".ci",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "actors",
    "docs",
    "fixtures",
    "grinder",
    "ops",
    "pyproject.toml",
    "setup.cfg",
    "tests",
    "tox.ini",
}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_the_link_points_to_the_actors() -> None:
    link = ROOT / "actors"

    assert link.is_symlink()
    assert link.readlink() == Path("grinder/actors")
    assert (link / "__init__.py").samefile(ROOT / "grinder" / "actors" / "__init__.py")


def test_the_actors_refuse_to_be_imported_through_the_link() -> None:
    result = python("-c", "import actors")

    assert result.returncode == 1
    assert "ImportError: import grinder.actors, not actors" in result.stderr


def test_the_entry_point_runs_from_the_root() -> None:
    result = python("-m", "grinder.actors.main", "--help")

    assert result.returncode == 0, result.stderr
    assert "--config" in result.stdout


def test_only_the_names_that_belong_there_are_tracked_at_the_top() -> None:
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if listing.returncode == 0 and listing.stdout:
        names = {line.partition("/")[0] for line in listing.stdout.splitlines()}
    else:  # an exported tree has no index; what it holds is what was tracked
        names = {path.name for path in ROOT.iterdir()} & ALLOWED

    assert names == ALLOWED


def test_no_package_stands_under_tests() -> None:
    # In any import mode but importlib's, tests/grinder would shadow the real package.
    assert not list(source.TESTS.rglob("__init__.py"))


HALVES = {
    "Bookkeeping",
    "PrivateStream",
    "OrderEntry",
    "OrderNews",
    "AccountWatch",
    "OperatorWatch",
    "MarketReads",
}
"""Parts that one actor is made of; it alone imports them."""
BASES = {"Actor", *HALVES}


def actors_of(path: Path) -> list[str]:
    return [
        node.name
        for node in source.parsed(path).body
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).rpartition(".")[2] in BASES for base in node.bases)
    ]


def actor_files() -> list[Path]:
    return [path for path in source.files(source.CODE / "actors") if actors_of(path)]


def is_half(path: Path) -> bool:
    return bool(HALVES.intersection(actors_of(path)))


@pytest.mark.parametrize(
    ("contract", "key"), [("strangers", "protected_modules"), ("doors", "source_modules")]
)
def test_every_actor_is_under_the_contracts_for_actors(contract: str, key: str) -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    named = settings.get(f"importlinter:contract:{contract}", key, fallback="").split()

    files = [path for path in actor_files() if key == "source_modules" or not is_half(path)]
    assert sorted(named) == [source.module_name(path) for path in files]


def test_an_actor_file_defines_one_actor() -> None:
    crowded = [source.place(path, 1) for path in actor_files() if len(actors_of(path)) > 1]

    assert not crowded, "\n".join(crowded)
