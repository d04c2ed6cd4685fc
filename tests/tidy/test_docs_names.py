"""What the pages name exists: modules, classes, files, settings, metrics, and the routes."""

from __future__ import annotations

import builtins
import importlib
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import attrs
import pykka
import pytest

from grinder.actors.wiring import OPTIONAL_ROUTES, connect
from grinder.kernel.stepped import SteppedRuntime
from grinder.messages.codec import CODEC
from grinder.model.settings import Config
from tidy import source

ROOT = source.ROOT
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "ops" / "README.md")
OPERATED = tuple(sorted((ROOT / "ops").glob("*.yml")))

CODE_SPAN = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
DOTTED = re.compile(r"grinder(?:\.\w+)+")
FILE_NAME = re.compile(r".+\.(?:toml|service|json|yml)")
PATH = re.compile(r"(?:grinder|docs|tests|ops|actors|fixtures|\.ci)/[\w./-]*")
CLASS = re.compile(r"([A-Z][a-z]+(?:[A-Z][a-z]+)+)(?:\.\w+)?")
METRIC = re.compile(r"\bgrinder_[a-z_]+[a-z]\b")
ROUTE = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)

FOREIGN = {"LoadCredential", *dir(pykka), *dir(builtins)}
"""Names of other programs and packages that a page may mention."""


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def spans(page: Path) -> Iterator[str]:
    """Give each piece of code inside a sentence or a table."""
    yield from CODE_SPAN.findall(FENCE.sub("", page.read_text(encoding="utf-8")))


def is_there(dotted: str) -> bool:
    """Return whether a dotted name is a module, or an attribute of one."""
    module, rest = dotted, list[str]()
    while module:
        try:
            found: object = importlib.import_module(module)
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
            continue
        for name in rest:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def unknown_settings(text: str) -> list[str]:
    """Return what reads like a setting, ``section.field``, and is none."""
    problems: list[str] = []
    for name, fields in settings_fields().items():
        named = re.findall(rf"^{name}\.([a-z][a-z0-9_]*)\b", text)
        problems.extend(f"{name}.{field}" for field in named if field not in fields)
    return problems


@cache
def settings_fields() -> dict[str, frozenset[str]]:
    """Return the names of the fields of each section."""
    return {
        section.name: frozenset(attrs.asdict(getattr(Config(), section.name)))
        for section in attrs.fields(Config)
    }


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_modules_that_a_page_names_exist(page: Path) -> None:
    names = {
        span for span in spans(page) if DOTTED.fullmatch(span) and not FILE_NAME.fullmatch(span)
    }

    assert not [name for name in sorted(names) if not is_there(name)]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_that_a_page_names_exist(page: Path) -> None:
    paths = {span for span in spans(page) if PATH.fullmatch(span)}

    assert not [path for path in sorted(paths) if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    targets = {
        target
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not target.startswith(("http://", "https://"))
    }

    assert not [target for target in sorted(targets) if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_classes_that_a_page_names_exist(page: Path) -> None:
    known = {node.name for _, node in source.classes()} | FOREIGN
    named = {match[1] for span in spans(page) if (match := CLASS.fullmatch(span))}

    assert not sorted(named - known)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_settings_that_a_page_names_exist(page: Path) -> None:
    assert not [name for span in set(spans(page)) for name in unknown_settings(span)]


@pytest.mark.parametrize("page", [*PAGES, *OPERATED], ids=page_id)
def test_metrics_that_a_page_names_exist(page: Path) -> None:
    declared = "".join(
        (ROOT / "grinder" / "console" / name).read_text(encoding="utf-8")
        for name in ("metrics.py", "gridwatch.py", "bookswatch.py", "feedwatch.py")
    )
    named = set(METRIC.findall(page.read_text(encoding="utf-8")))

    # The client library ends the name of a counter by itself.
    assert not [name for name in sorted(named) if f'"{name.removesuffix("_total")}' not in declared]


def test_the_architecture_shows_the_routes() -> None:
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    shown = {
        name: sorted(re.sub(r"\*all\*", "", hearers).replace(" ", "").split(","))
        for name, hearers in ROUTE.findall(page)
    }
    runtime = SteppedRuntime(1)
    connect(runtime, ("BTCUSDT",), tuple(OPTIONAL_ROUTES))
    wired = {}
    for message_class in CODEC.message_classes:
        everyone, keyed = runtime.routes.plan(message_class)
        by_key = () if keyed is None else chain.from_iterable(keyed[1].values())
        hearers = {address.name.partition(".")[0] for address in (*everyone, *by_key)}
        if hearers:
            wired[message_class.__name__] = sorted(hearers)

    assert shown == wired
