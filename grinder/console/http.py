"""The HTTP endpoint: metrics, health, readiness, state, and faults to order in a simulation."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

import attrs
from flask import Flask, Response, jsonify, request
from waitress.server import create_server  # type: ignore[import-untyped]  # ships none

from grinder.console.bans import BanWish, wish_of
from grinder.console.metrics import CONTENT_TYPE, Registry, scrape
from grinder.console.tree import tree_of
from grinder.console.views import StateView
from grinder.errors import ConfigError
from grinder.kernel.observer import ActorSnapshot

FAULTS = ("raise", "hang")
THREADS = 2
CONNECTIONS_MAX = 50
CLOSE_TIMEOUT_S = 2.0


@attrs.frozen(kw_only=True)
class Sources:
    """Where the endpoint's answers come from. Every callable may be called from any thread."""

    view: StateView
    registry: Registry
    actors: Callable[[], tuple[ActorSnapshot, ...]]
    is_ready: Callable[[], bool]
    """Whether every actor has started."""
    config_hash: str
    version: str
    fault: Callable[[str, str], None] | None = None
    """Takes (actor, raise or hang), raises KeyError for an unknown actor; None: no faults."""
    ban: Callable[[BanWish], None] | None = None
    """Begins or lifts a ban, raises KeyError for a symbol that is not traded; None: no commands."""
    operate: Callable[[str, str, str], None] | None = None
    """Takes (action, operator, detail), raises KeyError for an unknown action; None: no
    commands."""


def reasons_not_ready(sources: Sources) -> tuple[str, ...]:
    """Return what keeps the instance from acting, empty when it is ready and leads."""
    reasons = [
        f"actor {actor.name} is {actor.state}"
        for actor in sources.actors()
        if actor.state != "ready"
    ]
    if not reasons and not sources.is_ready():
        reasons.append("not started")
    if not sources.view.is_leading():
        reasons.append("not leading")
    return tuple(reasons)


class ConsoleServer:
    """Serves on ``host:port`` from a thread of its own until closed; port 0 takes a free one."""

    def __init__(self, host: str, port: int, sources: Sources) -> None:
        """Take the port and start to serve.

        Raises:
            ConfigError: the address can't be listened on.
        """
        listener = _listen(host, port)
        self.host = host
        self.port: int = listener.getsockname()[1]
        """The port taken."""
        self._server = create_server(
            make_app(sources),
            sockets=[listener],
            threads=THREADS,
            connection_limit=CONNECTIONS_MAX,
            ident="grinder",
        )
        self._thread = threading.Thread(target=self._server.run, name="console-http", daemon=True)
        self._thread.start()
        self._is_closed = False

    def close(self) -> None:
        """Stop serving and give the port back. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=1)
        # Sockets belong to the serving thread; it ends once none is left.
        self._server.trigger.pull_trigger(self._close_sockets)
        self._thread.join(CLOSE_TIMEOUT_S)

    def _close_sockets(self) -> None:
        for channel in list(self._server._map.values()):
            channel.close()


def make_app(sources: Sources) -> Flask:
    """Return the application without a server."""
    app = Flask("grinder.console", static_folder=None)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(scrape(sources.registry), content_type=CONTENT_TYPE)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok", version=sources.version)

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        reasons = reasons_not_ready(sources)
        return jsonify(ready=not reasons, reasons=list(reasons)), 503 if reasons else 200

    @app.get("/state")
    def state() -> Response:
        actors = sources.actors()
        return jsonify(
            version=sources.version,
            config_hash=sources.config_hash,
            view=sources.view.snapshot(),
            actors=[attrs.asdict(actor) for actor in actors],
            tree=tree_of(actors),
        )

    if sources.fault is not None:
        _serve_faults(app, sources.fault)
    if sources.ban is not None:
        _serve_bans(app, sources.ban)
    if sources.operate is not None:
        _serve_operator(app, sources.operate)

    @app.errorhandler(404)
    def not_found(_: Exception) -> tuple[Response, int]:
        return jsonify(error="not found"), 404

    return app


def _serve_faults(app: Flask, fault: Callable[[str, str], None]) -> None:
    @app.post("/debug/fault/<actor>/<kind>")
    def inject(actor: str, kind: str) -> tuple[Response, int]:
        if kind not in FAULTS:
            return jsonify(error=f"expected {' or '.join(FAULTS)}, was {kind}"), 404
        try:
            fault(actor, kind)
        except KeyError:
            return jsonify(error=f"no actor is called {actor}"), 404
        return jsonify(actor=actor, fault=kind), 202


def _serve_bans(app: Flask, ban: Callable[[BanWish], None]) -> None:
    @app.post("/operator/ban", defaults={"is_lifted": False})
    @app.post("/operator/unban", defaults={"is_lifted": True})
    def ban_symbol(is_lifted: bool) -> tuple[Response, int]:
        given = request.get_json(silent=True)
        try:
            wish = wish_of(given if isinstance(given, dict) else {}, is_lifted=is_lifted)
            ban(wish)
        except ValueError as error:
            return jsonify(error=str(error)), 400
        except KeyError as error:
            return jsonify(error=f"{error.args[0]} is not traded here"), 404
        action = "unban" if is_lifted else "ban"
        return jsonify(action=action, symbol=wish.symbol, operator=wish.operator), 202


def _serve_operator(app: Flask, operate: Callable[[str, str, str], None]) -> None:
    @app.post("/operator/<action>")
    def command(action: str) -> tuple[Response, int]:
        # A page in a browser can't send this content type elsewhere without being asked first.
        given = request.get_json(silent=True)
        body = given if isinstance(given, dict) else {}
        operator = body.get("operator")
        if not isinstance(operator, str) or not operator.strip():
            return jsonify(error="expected a JSON body that names the operator"), 400
        try:
            operate(action, operator, str(body.get("detail", "")))
        except KeyError:
            return jsonify(error=f"no command is called {action}"), 404
        return jsonify(action=action, operator=operator), 202


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        # Below zero stand the resolver's own numbers, which errno does not know.
        code = error.errno or 0
        reason = os.strerror(code) if code > 0 else str(error.strerror or error)
        raise ConfigError(f"run.port: can't listen on {host}:{port}: {reason}") from error
