"""VenueServer: the simulated venue on its own thread, with its own event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

from aiohttp import web

from grinder.errors import ConfigError, InvariantError
from grinder.venues.sim import plan
from grinder.venues.sim.config import VenueConfig, check
from grinder.venues.sim.control import Control
from grinder.venues.sim.controls import Controls
from grinder.venues.sim.page import Page
from grinder.venues.sim.rest import BODY_MAX
from grinder.venues.sim.site import Site, sites

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 60.0


class VenueServer:
    """Serve a venue until stopped.

    ``start`` returns once it listens. ``control`` carries out a control command without HTTP.
    """

    def __init__(self, config: VenueConfig) -> None:
        self.config = config
        self.rest_url = ""
        self.ws_url = ""
        self.control_url = ""
        """Empty unless the configuration asks for a control port."""
        self.failure: BaseException | None = None
        """Why the venue ended by itself, if it did."""
        self._thread: threading.Thread | None = None
        self._started: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._control: Controls | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the venue serves."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> tuple[str, str]:
        """Start and return the URLs of REST and of streams.

        Raises:
            ConfigError: a port is taken, or the symbols, recordings or order log are not usable.
            InvariantError: it has been started before.
        """
        if self._thread is not None:
            raise InvariantError("expected a venue that was not started before")
        self._thread = threading.Thread(target=self._run, name="simulated-venue", daemon=True)
        self._thread.start()
        self._started.result(START_TIMEOUT_S)
        return self.rest_url, self.ws_url

    def stop(self) -> None:
        """Stop serving and wait until the thread has ended; harmless when repeated."""
        thread = self._thread
        if thread is None or self._loop is None or self._stop is None:
            return
        if thread.is_alive() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        thread.join(STOP_TIMEOUT_S)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the venue has ended; False when it still runs after ``timeout_s``."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.is_alive

    def control(self, name: str, **wanted: Any) -> Any:
        """Carry out a command of the control endpoint and return its answer.

        Raises:
            KeyError: there is no such command or a field is missing.
            ValueError: a field has an impossible value.
            InvariantError: the venue does not run.
        """
        if self._loop is None or self._control is None or not self.is_alive:
            raise InvariantError("expected a running venue")
        control = self._control

        async def carried_out() -> Any:
            return control.command(name, wanted)

        return asyncio.run_coroutine_threadsafe(carried_out(), self._loop).result(COMMAND_TIMEOUT_S)

    def _run(self) -> None:
        asyncio.run(self._watched())

    async def _watched(self) -> None:
        serving = asyncio.ensure_future(self._serve())
        await asyncio.wait([serving])
        # Whatever ended the venue belongs to the thread that waits for it, not to this one.
        self.failure = serving.exception()
        if self.failure is not None and not self._started.done():
            self._started.set_exception(self.failure)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        check(self.config)
        served = sites(self.config)
        self._loop.set_exception_handler(served[0].venue.failures.note_of_loop)
        self._control = control = Controls([Control(site.venue, site.players) for site in served])
        faults = self.config.faults
        steps = plan.read(faults, control.names) if faults is not None else []
        steps = plan.begin(steps, control.command)
        runners: list[web.AppRunner] = []
        try:
            await self._listen(served, runners)
            self._started.set_result(None)
            await self._work(served, plan.work(steps, control.command))
        finally:
            for site in served:
                site.close()
            for runner in runners:
                await runner.cleanup()

    async def _listen(self, served: list[Site], runners: list[web.AppRunner]) -> None:
        config = self.config
        noted = [served[0].venue.failures.middleware()]
        rest = web.Application(client_max_size=BODY_MAX, middlewares=noted)
        streams = web.Application(middlewares=noted)
        shares_port = config.ws_port == config.rest_port != 0
        rest.router.add_get("/", Page([site.venue for site in served]).handle)
        for site in served:
            site.add_to(rest, rest if shares_port else streams)
        rest.router.add_route("*", "/{path:.*}", served[0].gateway.handle)
        port = await _bound(rest, config.host, config.rest_port, runners)
        self.rest_url = f"http://{config.host}:{port}"
        if not shares_port:
            port = await _bound(streams, config.host, config.ws_port, runners)
        self.ws_url = f"ws://{config.host}:{port}"
        if config.control_port is not None and self._control is not None:
            control = web.Application(client_max_size=BODY_MAX, middlewares=noted)
            control.router.add_route("*", "/control/{name}", self._control.handle)
            port = await _bound(control, config.host, config.control_port, runners)
            self.control_url = f"http://{config.host}:{port}/control"

    async def _work(self, served: list[Site], planned: Coroutine[Any, Any, None]) -> None:
        """Run the markets and the clock until stopped; the first failure ends the venue."""
        assert self._stop is not None
        works = [planned, *(work for site in served for work in site.works())]
        tasks = [asyncio.ensure_future(work) for work in works]
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        finally:
            for each in [*tasks, stopping]:
                each.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)


async def _bound(app: web.Application, host: str, port: int, runners: list[web.AppRunner]) -> int:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    runners.append(runner)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return int(runner.addresses[0][1])
