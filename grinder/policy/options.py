"""``policy.options``: numbers of a policy's own that the operator sets, KEY=VALUE.

A policy states them as an attrs class whose fields are made by ``number`` and ``choice``.
``KEY=VALUE`` is for the policy that ``policy.name`` names, ``NAME.KEY=VALUE`` for the one called
NAME.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import attrs

from grinder.errors import ConfigError
from grinder.model.grid_settings import GridSettings
from grinder.model.settings import Config

PATH = "policy.options"
T = TypeVar("T", bound=attrs.AttrsInstance)


def number(default: float, least: float, greatest: float) -> Any:
    """Return a field that takes ``least`` to ``greatest``, of the type of ``default``."""
    return attrs.field(default=default, metadata={"range": (least, greatest)})


def choice(default: Any, *others: Any) -> Any:
    """Return a field that takes ``default`` or one of ``others``, all of one type."""
    return attrs.field(default=default, metadata={"choices": (default, *others)})


def given(name: str, settings: GridSettings) -> dict[str, str]:
    """Return what the operator says to the policy called ``name``, by key; the last word wins."""
    found = {}
    for option in settings.options:
        key, _, text = option.partition("=")
        owner, dot, rest = key.strip().rpartition(".")
        if (owner if dot else settings.name) == name:
            found[rest] = text.strip()
    return found


def read_options(kind: type[T], name: str, settings: Config) -> T:
    """Return ``kind``, an attrs class of options, with what the operator says for ``name``.

    Raises:
        ConfigError: with every key that is unknown and every value that does not fit.
    """
    fields: dict[str, Any] = {field.name: field for field in attrs.fields(kind)}
    values, problems = {}, []
    for key, text in given(name, settings.policy).items():
        if key not in fields:
            known = ", ".join(fields) or "none"
            problems.append(f'{PATH}: unknown option "{key}" of {name}; it has {known}')
            continue
        try:
            values[key] = _value(fields[key], text)
        except ValueError as error:
            problems.append(f"{PATH}: {name}.{key}: {error}")
    if problems:
        raise ConfigError(tuple(problems))
    return kind(**values)


def _value(field: Any, text: str) -> Any:
    kind = type(field.default)
    try:
        value = kind(text)
    except ValueError:
        raise ValueError(f'expected {kind.__name__}, was "{text}"') from None
    choices = field.metadata.get("choices")
    if choices is not None and value not in choices:
        raise ValueError(f'expected one of {", ".join(map(str, choices))}, was "{text}"')
    if "range" in field.metadata:
        least, greatest = field.metadata["range"]
        if not (math.isfinite(value) and least <= value <= greatest):
            raise ValueError(f"expected {least} to {greatest}, was {text}")
    return value
