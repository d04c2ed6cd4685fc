"""Read settings: defaults, below the file, below the environment, below ``--set``.

One rule serves the environment and the command line. ``GRINDER__SECTION__FIELD=value`` and
``--set section.field=value`` give the value as text, read by the type of the field: ``true`` or
``false``; digits; text as it stands; a list as names between commas.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import cattrs
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

from grinder.config.checks import check, decimal_in_reason
from grinder.config.tree import Field, fields, sections
from grinder.errors import ConfigError
from grinder.model.settings import Config

PREFIX = "GRINDER__"
FILE_BYTES_MAX = 1_000_000

Tree = dict[str, dict[str, Any]]


def load(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Iterable[str] = (),
) -> Config:
    """Return the settings of all layers together.

    ``environ`` is searched for ``GRINDER__...`` names; None means no environment. ``overrides``
    are ``section.field=value``, the last one for a field wins.

    Raises:
        ConfigError: with every problem of every layer.
    """
    problems: list[str] = []
    tree = _read_file(path, problems) if path is not None else {}
    for name, text in sorted((environ or {}).items()):
        if name.startswith(PREFIX):
            dotted = name.removeprefix(PREFIX).lower().replace("__", ".")
            _put_text(tree, dotted, text, f"environment {name}", problems)
    _put_overrides(tree, overrides, problems)
    config = _structure(tree, problems)
    if problems:
        raise ConfigError(tuple(problems))
    return config


def from_toml(text: str, overrides: Iterable[str] = ()) -> Config:
    """Return the settings that ``text`` holds, as ``to_toml`` spelled them, and ``overrides``.

    Raises:
        ConfigError: with every problem; settings of another version of Grinder, for one.
    """
    problems: list[str] = []
    tree: Tree = dict(tomllib.loads(text))
    _put_overrides(tree, overrides, problems)
    config = _structure(tree, problems)
    if problems:
        raise ConfigError(tuple(problems))
    return config


def _put_overrides(tree: Tree, overrides: Iterable[str], problems: list[str]) -> None:
    for override in overrides:
        dotted, equals, text = override.partition("=")
        if equals:
            _put_text(tree, dotted.strip(), text, f"--set {dotted.strip()}", problems)
        else:
            problems.append(f'--set {override}: expected section.field=value, was "{override}"')


def _read_file(path: Path, problems: list[str]) -> Tree:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            problems.append(f"{path}: expected at most {FILE_BYTES_MAX} bytes")
            return {}
        document = tomllib.loads(raw.decode())
    except UnicodeDecodeError:
        problems.append(f"{path}: expected UTF-8 text")
        return {}
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: expected TOML: {error}")
        return {}
    except (OSError, ValueError) as error:
        # ValueError: a path that no file can have.
        problems.append(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}")
        return {}
    tree: Tree = {}
    for section, values in document.items():
        if section in sections() and not isinstance(values, dict):
            problems.append(f"{section}: expected a section [{section}], was {_shown(values)}")
        else:
            tree[section] = values
    return tree


def _put_text(tree: Tree, path: str, text: str, origin: str, problems: list[str]) -> None:
    field = fields().get(path)
    if field is None:
        problems.append(f"{origin}: unknown setting{_nearest(path, fields())}")
        return
    tree.setdefault(field.section, {})[field.name] = _from_text(field, text)


def _from_text(field: Field, text: str) -> Any:
    """Return what TOML would have said; text that does not fit is left for the type check."""
    if field.kind is bool:
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if field.kind in (int, float):
        try:
            return field.kind(text)
        except ValueError:
            return text
    if field.kind in (str, Decimal):
        return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _structure(tree: Tree, problems: list[str]) -> Config:
    wrong: set[str] = set()
    for path, text in _type_problems(tree):
        wrong.add(path)
        problems.append(f"{path}: {text}")
    # What is wrong already gives way to its default, so that the rest is judged in the same go.
    known = fields()
    sound = {
        section: {
            name: value
            for name, value in values.items()
            if (path := f"{section}.{name}") in known and path not in wrong
        }
        for section, values in tree.items()
        if section in sections() and section not in wrong
    }
    config = _CONVERTER.structure(sound, Config)
    problems.extend(problem.text for problem in check(config) if wrong.isdisjoint(problem.paths))
    return config


def _type_problems(tree: Tree) -> list[tuple[str, str]]:
    try:
        _CONVERTER.structure(tree, Config)
    except BaseValidationError as error:
        return _flatten(error, "")
    return []


def _flatten(error: BaseException, path: str) -> list[tuple[str, str]]:
    """Return (path of the setting, what is wrong) for everything inside a cattrs error."""
    if isinstance(error, ForbiddenExtraKeysError):
        names = sorted(str(name) for name in error.extra_fields)
        return [_unknown(f"{path}.{name}" if path else name) for name in names]
    if not isinstance(error, BaseValidationError):
        return [(path, str(error))]
    found: list[tuple[str, str]] = []
    for inner in error.exceptions:
        found += _flatten(inner, _inner_path(path, inner))
    return found


def _inner_path(path: str, error: BaseException) -> str:
    for note in getattr(error, "__notes__", ()):
        name = getattr(note, "name", None)
        if name is not None:
            return f"{path}.{name}" if path else str(name)
    return path


def _unknown(path: str) -> tuple[str, str]:
    if "." not in path:
        return path, f"unknown section{_nearest(path, sections())}"
    return path, f"unknown setting{_nearest(path, fields())}"


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean {near[0]}?" if near else ""


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a section"
    return str(value)


def _bool(value: Any, _: type) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, was {_shown(value)}")
    return value


def _int(value: Any, _: type) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"expected int, was {_shown(value)}")
    return value


def _float(value: Any, _: type) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError(f"expected float, was {_shown(value)}")
    return float(value)


def _str(value: Any, _: type) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, was {_shown(value)}")
    return value


def _strings(value: Any, _: type) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"expected a list of text, was {_shown(value)}")
    return tuple(value)


def _decimal(value: Any, _: type) -> Decimal:
    if isinstance(value, float):
        raise ValueError(f'expected money as text, was {value}: write "{value}" in quotes')
    if not isinstance(value, (int, str)) or isinstance(value, bool):
        raise ValueError(f"expected money as text or int, was {_shown(value)}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"expected a decimal number, was {_shown(value)}") from None
    if not decimal_in_reason(number):
        raise ValueError(f"expected a decimal number within reason, was {_shown(value)}")
    return number


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook(bool, _bool)
    converter.register_structure_hook(int, _int)
    converter.register_structure_hook(float, _float)
    converter.register_structure_hook(str, _str)
    converter.register_structure_hook(Decimal, _decimal)
    converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _strings)
    return converter


_CONVERTER = _converter()
