"""The order log: one JSON line for everything that was asked of or happened to an order.

It is the witness of tests: it is written by the venue, not by the system under test.
"""

from __future__ import annotations

from collections import deque
from io import BufferedWriter
from pathlib import Path
from typing import Any

import orjson

from grinder.errors import ConfigError

RING_MAX = 20_000


class OrderLog:
    """Append to a file, if one is named, and keep the newest lines in memory."""

    def __init__(self, path: Path | None) -> None:
        self._ring: deque[dict[str, Any]] = deque(maxlen=RING_MAX)
        self._file: BufferedWriter | None = None
        self._number = 0
        if path is not None:
            try:
                self._file = path.open("ab")
            except OSError as error:
                raise ConfigError(f"order log {path}: {error.strerror}") from error

    def append(self, ts: int, account: str, op: str, **fields: Any) -> None:
        """Record one operation: place, amend, cancel, fill, expire or a refusal of one of them.

        Args:
            ts: venue time in ms.
            account: whose order.
            op: what happened.
            fields: client id, order id, side, price, qty, reduceOnly, status, code and the like.
        """
        self._number += 1
        line = {"n": self._number, "ts": ts, "account": account, "op": op, **fields}
        self._ring.append(line)
        if self._file is not None:
            self._file.write(orjson.dumps(line) + b"\n")
            self._file.flush()

    def lines(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the remembered lines numbered above ``after``."""
        return [line for line in self._ring if line["n"] > after]

    def clear(self) -> None:
        """Forget the remembered lines; the file stays."""
        self._ring.clear()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
