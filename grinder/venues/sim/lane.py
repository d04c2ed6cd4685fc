"""Work in order, each not before its time: what one connection carries, delayed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

WAITING_MAX = 1000

Work = Callable[[], Awaitable[None]]


class Lane:
    """Carries work out one after the other; the delays of neighbours overlap."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[tuple[float, Work]] = asyncio.Queue(WAITING_MAX)
        self._worker: asyncio.Task[None] | None = None
        self._due_s = 0.0
        self._is_working = False

    async def put(self, wait_s: float, work: Work) -> None:
        """Carry ``work`` out ``wait_s`` from now, after all that was put before.

        What need not wait is carried out at once. When very much waits, this waits too.

        Raises:
            Whatever ended earlier work: the lane is broken then.
        """
        if self._worker is not None and self._worker.done():
            self._worker.result()
        if not wait_s and self._waiting.empty() and not self._is_working:
            await work()
            return
        self._due_s = max(self._due_s, asyncio.get_running_loop().time() + wait_s)
        await self._waiting.put((self._due_s, work))
        if self._worker is None:
            self._worker = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Give up what waits.

        Raises:
            Whatever ended earlier work.
        """
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.cancel()
        await asyncio.wait([worker])
        if not worker.cancelled():
            worker.result()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s, work = await self._waiting.get()
            self._is_working = True
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            await work()
            self._is_working = False
