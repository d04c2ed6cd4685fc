"""A process beside a measurement that answers a line of JSON with a line of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

STOP_TIMEOUT_S = 20.0


class ChildProcess:
    """Starts ``python -m module`` and talks with it; a context manager, because it has to end.

    The end of its input ends it.
    """

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def ask(self, question: object) -> Any:
        """Return what it answers to ``question``.

        Raises:
            RuntimeError: it did not start, or has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(
                f"the process beside ended with {self._process.wait(STOP_TIMEOUT_S)}"
            )
        return json.loads(answer)

    def end(self) -> None:
        """End its input, and the process if that does not."""
        try:
            self._process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.end()
