"""What goes wrong inside the venue without having been ordered: counted, and never hidden.

An error in a handler still ends as the 500 of the server or as a broken connection, with its trace
in the log. Counting it besides lets a test see what a client may not: a connection lost among many,
or a task that nobody waits for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

NEWEST_MAX = 20


class Failures:
    """A count of unforeseen errors; as a context manager it notes what leaves its block."""

    def __init__(self) -> None:
        self.count = 0
        self.newest: deque[str] = deque(maxlen=NEWEST_MAX)
        """The errors as texts, oldest first."""

    def note(self, error: BaseException) -> None:
        """Count ``error``, unless it is an answer, the end of a task, or a client that left."""
        expected = (web.HTTPException, ConnectionError, asyncio.CancelledError)
        if not isinstance(error, expected):
            self.count += 1
            self.newest.append(f"{type(error).__name__}: {error}"[:500])

    def note_of_loop(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Count and log what an event loop reports: errors of callbacks and of forgotten tasks."""
        error = context.get("exception")
        self.note(error if error is not None else RuntimeError(context.get("message", "")))
        loop.default_exception_handler(context)

    def middleware(self) -> Middleware:
        """Return a middleware that notes the errors of every request."""

        @web.middleware
        async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
            with self:
                return await handler(request)

        return noted

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        if error is not None:
            self.note(error)
