"""Run the simulated venue from the command line."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from grinder.errors import ConfigError
from grinder.venues.sim.config import (
    DEFAULT_ACCOUNT,
    AccountSeed,
    VenueConfig,
    recordings,
)
from grinder.venues.sim.server import VenueServer

WATCH_S = 0.5
VIP = re.compile("vip([0-9])")


def serve(
    *,
    data: Sequence[str] | None = None,
    symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT"),
    regimes: Sequence[str] = (),
    accounts: Sequence[str] = (),
    **settings: Any,
) -> int:
    """Serve until SIGTERM or SIGINT; must be called on the main thread.

    Args:
        data: recordings to play, as paths, SYMBOL=PATH, or ``bundled``; None plays the bundled one,
            unless a regime is asked for.
        symbols: what is traded; a symbol without a recording is generated.
        regimes: of the generated markets; none takes the usual ones by chance.
        accounts: ``KEY:SECRET:BALANCE[:vipN]`` as ``account`` reads it; none gives the default.
        settings: any other fields of the venue's configuration.

    Returns 0 when told to stop, 1 when the venue failed, 2 when it could not start.
    """
    try:
        server = VenueServer(
            VenueConfig(
                data=recordings(data, regimes),
                symbols=tuple(symbols),
                regimes=tuple(regimes),
                accounts=tuple(account(text) for text in accounts) or (DEFAULT_ACCOUNT,),
                **settings,
            )
        )
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
        control = f" CONTROL {server.control_url}" if server.control_url else ""
        print(f"venue: REST {server.rest_url} WS {server.ws_url}{control}", flush=True)  # noqa: T201
        while not told.wait(WATCH_S):
            if not server.is_alive:
                print(f"grinder venue: {server.failure!r}", file=sys.stderr, flush=True)  # noqa: T201
                return 1
    finally:
        server.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0
