"""Policies of other packages: found by entry point, loaded when the settings ask for them.

A distribution offers a policy under its name in the group ``grinder.policies``. Nothing of it is
imported before it is wanted, so a package that is merely installed can't disturb a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import attrs

from grinder.config.tree import field_docs
from grinder.errors import ConfigError
from grinder.model.settings import Config
from grinder.policy.base import Policy
from grinder.policy.options import PATH as OPTIONS
from grinder.policy.registry import AUTO, OWN, POLICIES, make_policies, register

GROUP = "grinder.policies"


def used(config: Config) -> tuple[str, ...]:
    """Return the names of the policies that may have a symbol, with these settings."""
    return config.selector.policies if config.policy.name == AUTO else (config.policy.name,)


def problems(config: Config) -> Iterator[tuple[str, str]]:
    """Yield (path of a setting, what is wrong) for names and options of policies.

    Loads what other packages offer under the names that are used.
    """
    path = "selector.policies" if config.policy.name == AUTO else "policy.name"
    names = dict.fromkeys(used(config))
    if not names:
        yield path, "expected at least one policy, was none"
    found = []
    for name in names:
        try:
            find(name)
            found.append(name)
        except ConfigError as error:
            yield from ((path, problem) for problem in error.problems)
    for owner, problem in _owners(config):
        if problem:
            yield OPTIONS, problem
        else:
            found.append(owner)
    try:
        make_policies(dict.fromkeys(found), config)
    except ConfigError as error:
        yield from ((OPTIONS, problem.removeprefix(f"{OPTIONS}: ")) for problem in error.problems)


def _owners(config: Config) -> Iterator[tuple[str, str]]:
    """Yield (policy, "") for each that options are said to, or ("", what is wrong)."""
    for option in config.policy.options:
        key, equals, _ = option.partition("=")
        owner, _, name = key.strip().rpartition(".")
        if not (equals and name):
            yield "", f'expected KEY=VALUE, was "{option}"'
        elif not owner and config.policy.name == AUTO:
            yield "", f'expected NAME.KEY=VALUE while policy.name is auto, was "{option}"'
        elif owner:
            try:
                find(owner)
            except ConfigError as error:
                yield from (("", problem) for problem in error.problems)
            else:
                yield owner, ""


def find(name: str) -> type[Policy]:
    """Return the policy called ``name``, of our own or of another package.

    Raises:
        ConfigError: nobody offers it, or what is offered is no policy of that name.
    """
    if name in POLICIES:
        return POLICIES[name]
    offers = offered()
    if name not in offers:
        known = ", ".join(sorted({*OWN, *POLICIES, *offers}))
        raise ConfigError(f'expected {AUTO} or one of {known}, was "{name}"')
    register(_loaded(name, offers[name]))
    return POLICIES[name]


def offered() -> dict[str, EntryPoint]:
    """Return what other packages offer, by name; our own names are not to be had."""
    found = sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value))
    return {one.name: one for one in found if one.name not in OWN and one.name != AUTO}


def described() -> list[dict[str, Any]]:
    """Return every policy for people: name, priority, package, sentence, options, reasons.

    One that can't be loaded has ``problem`` instead.
    """
    rows = []
    offers = offered()
    for name in (*OWN, *sorted({*POLICIES, *offers} - OWN)):
        offer = offers.get(name)
        origin = "grinder" if name in OWN else (offer.dist.name if offer and offer.dist else "?")
        try:
            rows.append({"name": name, "from": origin, **_described(find(name))})
        except ConfigError as error:
            rows.append({"name": name, "from": origin, "problem": "; ".join(error.problems)})
    return sorted(rows, key=lambda row: (row.get("priority", 1_000_000), row["name"]))


def _loaded(name: str, offer: EntryPoint) -> type[Policy]:
    try:
        kind: Any = offer.load()
    except (ImportError, AttributeError, SyntaxError) as error:
        raise ConfigError(f'"{name}" can\'t be loaded from {offer.value}: {error}') from error
    has_methods = all(callable(getattr(kind, one, None)) for one in ("should_activate", "evaluate"))
    is_named = getattr(kind, "name", None) == name
    if not (isinstance(kind, type) and has_methods and is_named):
        raise ConfigError(f'expected {offer.value} to be a policy with the name "{name}"')
    if not isinstance(getattr(kind, "priority", None), int):
        raise ConfigError(f"expected {offer.value} to have a whole number as its priority")
    return kind


def _described(kind: Any) -> dict[str, Any]:
    options = getattr(kind, "options", None)
    fields = attrs.fields(options) if options is not None else ()
    docs = field_docs(options) if options is not None else {}
    return {
        "priority": kind.priority,
        "does": (kind.__doc__ or "").partition("\n")[0],
        "options": [
            {
                "name": one.name,
                "default": one.default,
                "range": one.metadata.get("range"),
                "choices": one.metadata.get("choices"),
                "meaning": docs.get(one.name, ""),
            }
            for one in fields
        ],
        "reasons": getattr(kind, "reasons", ()),
    }
