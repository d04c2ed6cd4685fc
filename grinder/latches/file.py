"""A small file that holds what is latched, written whole or not at all.

It is JSON: the account that it is for, the facts of each actor, and a checksum over both. A new
version is written beside it, flushed to the disk and put in its place, so that a crash leaves the
old one or the new one. A lock file beside it keeps a second process out, and is let go by the
system when the process dies, however it does.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

from grinder.errors import LatchesError
from grinder.kernel.keeper import Facts

VERSION: Final = 1
BYTES_MAX: Final = 1_000_000
"""No file of ours is so large."""


class LatchFile:
    """The file of one account."""

    def __init__(self, path: Path, account: str) -> None:
        """Take the file, and make sure that it can be read and written.

        Raises:
            LatchesError: it can't, another process has it, it is another account's, or it does
                not hold what was written.
        """
        self._path = path.absolute()
        self._account = account
        self._lock = -1
        try:
            self._take()
            self._facts = self._load()
            self.write(self._facts)
        except OSError as error:
            self.close()
            raise LatchesError(f"{path} can't be used: {error}") from error
        except LatchesError:
            self.close()
            raise

    def _take(self) -> None:
        name = self._path.with_name(f"{self._path.name}.lock")
        self._lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LatchesError(f"{self._path} is in use by another process") from None

    def _load(self) -> Facts:
        try:
            with self._path.open("rb") as file:
                data = file.read(BYTES_MAX + 1)
        except FileNotFoundError:
            return {}
        try:
            return self._facts_of(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LatchesError(
                f"{self._path} does not hold what was written ({error}); what was latched is not "
                "known. Look at account and log, then move the file away to begin with no latch"
            ) from error

    def _facts_of(self, document: dict[str, Any]) -> Facts:
        version, account, latches = (document[name] for name in ("version", "account", "latches"))
        if version != VERSION:
            raise ValueError(f"expected version {VERSION}, was {version}")
        if document["check"] != _check(account, latches):
            raise ValueError("its checksum is another one")
        if account != self._account:
            raise LatchesError(
                f"{self._path} is that of {account}, not of {self._account}: name another file"
            )
        return {
            actor: {str(key): str(value) for key, value in facts.items()}
            for actor, facts in latches.items()
        }

    def read(self) -> Facts:
        """Return what was latched when the file was taken."""
        return self._facts

    def write(self, facts: Facts) -> None:
        """Put ``facts`` in the place of what is there; they are on the disk when this returns.

        Raises:
            OSError: they are not, and what was there is untouched.
        """
        document = {
            "version": VERSION,
            "account": self._account,
            "latches": facts,
            "check": _check(self._account, facts),
        }
        partial = self._path.with_name(f"{self._path.name}.new")
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=2, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Let another process have it. Idempotent."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def _check(account: str, facts: Facts) -> str:
    text = json.dumps([account, facts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
