"""Write settings: as TOML, as JSON, as a commented file, and as a hash."""

from __future__ import annotations

import hashlib
import json
import textwrap
from decimal import Decimal
from typing import Any

from grinder.config.tree import Field, fields, sections
from grinder.model.settings import Config

COMMENT_WIDTH = 96


def to_toml(config: Config) -> str:
    """Return ``config`` as a file that ``load`` reads back to an equal value."""
    return (
        "\n\n".join(
            "\n".join(
                [f"[{section}]"]
                + [f"{field.name} = {_toml(_value(config, field))}" for field in _of(section)]
            )
            for section in sections()
        )
        + "\n"
    )


def commented_toml() -> str:
    """Return every default with its meaning, to be the start of a file."""
    blocks = ["# Settings of Grinder. Each line states the default; money is text."]
    for section, meaning in sections().items():
        lines = [f"# {meaning[:1].upper()}{meaning[1:]}", f"[{section}]"]
        for field in _of(section):
            lines += [f"# {line}" for line in textwrap.wrap(field.doc, COMMENT_WIDTH)]
            lines.append(f"{field.name} = {_toml(_value(Config(), field))}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def to_tree(config: Config) -> dict[str, dict[str, Any]]:
    """Return ``config`` as nested dicts for JSON; money as text in plain notation."""
    return {
        section: {field.name: _plain(_value(config, field)) for field in _of(section)}
        for section in sections()
    }


def config_hash(config: Config) -> str:
    """Return 16 hex digits that differ when any setting differs in value.

    The first half of SHA-256 over the settings as JSON with sorted keys. ``10`` and ``10.0`` of
    money are one value and give one hash. Secrets are no settings and never enter it.
    """
    text = json.dumps(to_tree(config), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _of(section: str) -> list[Field]:
    return [field for field in fields().values() if field.section == section]


def _value(config: Config, field: Field) -> Any:
    return getattr(getattr(config, field.section), field.name)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        # normalize() would round to the context's 28 digits; stripping keeps every one.
        text = format(value, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text in ("-0", "") else text
    return list(value) if isinstance(value, tuple) else value


def _toml(value: Any) -> str:
    plain = _plain(value)
    if isinstance(plain, str):
        # JSON leaves DEL as it stands; TOML does not allow that.
        return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(plain, bool):
        return str(plain).lower()
    if isinstance(plain, list):
        return f"[{', '.join(_toml(item) for item in plain)}]"
    return repr(plain)
