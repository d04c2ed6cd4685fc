"""API keys: the only place that reads them, from the environment or from a private file."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import attrs

from grinder.errors import ConfigError

KEY = "BINANCE_API_KEY"
SECRET = "BINANCE_API_SECRET"
FILE_BYTES_MAX = 4_096


@attrs.frozen(kw_only=True)
class Secrets:
    """What signs requests. Its repr shows nothing."""

    api_key: str = attrs.field(repr=False)
    api_secret: str = attrs.field(repr=False)


SIM = Secrets(api_key="sim-key", api_secret="sim-secret")
"""The account that every simulated venue opens with."""


def settings_environment() -> dict[str, str]:
    """Return the variables of the process that are settings, never those that are secrets."""
    return {name: text for name, text in os.environ.items() if name.startswith("GRINDER__")}


def load_secrets(venue: str, environ: Mapping[str, str] | None = None) -> Secrets:
    """Return the credentials for ``venue``; those of the simulated one are fixed.

    Each of ``BINANCE_API_KEY`` and ``BINANCE_API_SECRET`` is taken from the variable of that
    name, or from the file that the name with ``_FILE`` points to. ``environ`` None means the
    environment of the process.

    Raises:
        ConfigError: one is missing, given twice, or its file may be read by others.
    """
    if venue == "sim":
        return SIM
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    key = _secret(KEY, environ, problems)
    secret = _secret(SECRET, environ, problems)
    if problems:
        raise ConfigError(tuple(problems))
    return Secrets(api_key=key, api_secret=secret)


def _secret(name: str, environ: Mapping[str, str], problems: list[str]) -> str:
    value = environ.get(name, "").strip()
    file_name = environ.get(f"{name}_FILE", "").strip()
    if value and file_name:
        problems.append(f"{name}: expected one of {name} and {name}_FILE, both are set")
        return ""
    if file_name:
        value = _read(Path(file_name), f"{name}_FILE", problems)
    elif not value:
        problems.append(f"{name}: missing; set {name} or {name}_FILE")
    if value and not (value.isascii() and value.isprintable() and " " not in value):
        problems.append(f"{name}: expected one word of printable ASCII")
    return value


def _read(path: Path, origin: str, problems: list[str]) -> str:
    try:
        with path.open("rb") as file:
            # The open file is asked, not the path, which could name another one by now.
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                problems.append(f"{origin}: expected a regular file, {path} is none")
                return ""
            mode = stat.S_IMODE(status.st_mode)
            if mode & 0o177:
                problems.append(f"{origin}: expected mode 0600 or stricter, {path} has {mode:04o}")
                return ""
            value = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        problems.append(f"{origin}: {path} can't be read: {error.strerror or error}")
        return ""
    if not value.strip() or len(value) > FILE_BYTES_MAX:
        problems.append(f"{origin}: expected one word, {path} holds {len(value)} bytes")
        return ""
    return value.decode("ascii", "replace").strip()
