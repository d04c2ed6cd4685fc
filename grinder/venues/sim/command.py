"""Run the simulated venue from the command line."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from grinder.errors import ConfigError
from grinder.venues.sim.config import BUNDLED, DEFAULT_ACCOUNT, AccountSeed, VenueConfig
from grinder.venues.sim.server import VenueServer

WATCH_S = 0.5
VIP = re.compile("vip([0-9])")


def serve(
    *,
    rest_port: int = 0,
    ws_port: int = 0,
    control_port: int | None = None,
    data: Sequence[str] = (BUNDLED,),
    symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT"),
    seed: int = 1,
    speed: float = 1.0,
    order_log: Path | None = None,
    accounts: Sequence[str] = (),
    host: str = "127.0.0.1",
) -> int:
    """Serve until SIGTERM or SIGINT; must be called on the main thread.

    Args:
        rest_port: port of REST; 0 takes a free one, and so for the others.
        ws_port: port of streams; the same number as ``rest_port`` shares it.
        control_port: port of the control endpoint; None leaves it closed.
        data: recordings to play, as paths, or ``bundled``.
        symbols: what is traded; a symbol without a recording is generated.
        seed: of the generated markets.
        speed: how many times faster than recorded the market plays.
        order_log: file to which order operations are appended.
        accounts: ``KEY:SECRET:BALANCE[:vipN]`` as ``account`` reads it; none gives the default.
        host: address to listen on.

    Returns 0 when told to stop, 1 when the venue failed, 2 when it could not start.
    """
    try:
        if not speed > 0:
            raise ConfigError(f"expected a speed above 0, was {speed}")
        config = VenueConfig(
            host=host,
            rest_port=rest_port,
            ws_port=ws_port,
            control_port=control_port,
            symbols=tuple(symbols),
            data=tuple(data),
            seed=seed,
            speed=speed,
            order_log=order_log,
            accounts=tuple(account(text) for text in accounts) or (DEFAULT_ACCOUNT,),
        )
        server = VenueServer(config)
        server.start()
    except ConfigError as error:
        print(f"grinder venue: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return 2
    return _until_told(server)


def account(text: str) -> AccountSeed:
    """Return the account that ``KEY:SECRET:BALANCE`` names; SECRET may be ``ed25519=PUBLIC``.

    ``:vip0`` to ``:vip9`` may follow and chooses the commission rates.

    Raises:
        ConfigError: the text has another form; it is not repeated, for it may hold a secret.
    """
    head, _, tail = text.rpartition(":")
    tier = VIP.fullmatch(tail)
    key, _, rest = (head if tier else text).partition(":")
    secret, _, balance = rest.rpartition(":")
    try:
        amount = Decimal(balance)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not key or not secret or not amount.is_finite() or amount < 0:
        raise ConfigError("account: expected KEY:SECRET:BALANCE[:vipN] with a balance of 0 or more")
    return AccountSeed(key=key, secret=secret, balance=amount, fee_tier=int(tier[1]) if tier else 0)


def _until_told(server: VenueServer) -> int:
    told = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: told.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        line = f"venue: REST {server.rest_url} WS {server.ws_url}"
        if server.control_url:
            line += f" CONTROL {server.control_url}"
        print(line, flush=True)  # noqa: T201
        while not told.wait(WATCH_S):
            if not server.is_alive:
                print(f"grinder venue: {server.failure!r}", file=sys.stderr, flush=True)  # noqa: T201
                return 1
    finally:
        server.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0
