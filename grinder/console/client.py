"""The console of a running instance, seen from the command line."""

from __future__ import annotations

from typing import Any

import requests

from grinder.errors import ConfigError, TransientError

TIMEOUT_S = 3.0


def read_state(url: str) -> dict[str, Any] | None:
    """Return what ``GET /state`` says at ``url``; None when no instance answers there."""
    try:
        answer = requests.get(f"{url.rstrip('/')}/state", timeout=TIMEOUT_S)
        answer.raise_for_status()
        seen: object = answer.json()
    except (requests.RequestException, ValueError):
        # Nobody there, somebody else there, or no address at all.
        return None
    return seen if isinstance(seen, dict) and "tree" in seen else None


def command(url: str, action: str, *, operator: str, detail: str, **others: str) -> dict[str, Any]:
    """Say one operator command and return the answer.

    Raises:
        ConfigError: the instance does not know the command, or does not take any.
        TransientError: no instance answers at ``url``.
    """
    try:
        answer = requests.post(
            f"{url.rstrip('/')}/operator/{action}",
            json={"operator": operator, "detail": detail, **others},
            timeout=TIMEOUT_S,
        )
        body: object = answer.json()
    except (requests.RequestException, ValueError):
        raise TransientError(f"no instance answers at {url}") from None
    if not isinstance(body, dict) or not answer.ok:
        why = body.get("error", "") if isinstance(body, dict) else ""
        raise ConfigError(f"{action}: {why or answer.reason}")
    return body
