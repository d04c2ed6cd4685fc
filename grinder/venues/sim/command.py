"""Run the simulated venue from the command line."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import attrs

from grinder.errors import ConfigError
from grinder.venues.sim import products
from grinder.venues.sim.config import DEFAULT_ACCOUNT, AccountSeed, VenueConfig, recordings
from grinder.venues.sim.server import VenueServer

WATCH_S = 0.5
HEDGED = ":hedge"
VIP = re.compile("vip([0-9])")
EXPECTED = "account: expected KEY:SECRET:BALANCE[:vipN][:hedge] with a balance of 0 or more"


def serve(
    *,
    data: Sequence[str] | None = None,
    symbols: Sequence[str] = (),
    markets: Sequence[str] = (),
    regimes: Sequence[str] = (),
    accounts: Sequence[str] = (),
    **settings: Any,
) -> int:
    """Serve until SIGTERM or SIGINT; must be called on the main thread.

    Args:
        data: recordings to play, as paths, SYMBOL=PATH, or ``bundled``; None plays the bundled one,
            unless a regime is asked for.
        symbols: what is traded, ``spot:`` before those of spot; one without a recording is
            generated. None gives BTCUSDT and ETHUSDT.
        markets: of ``usdm``, ``coinm`` and ``spot``, those that are served besides, each with its
            usual symbols.
        regimes: of the generated markets; none takes the usual ones by chance.
        accounts: ``KEY:SECRET:BALANCE[:vipN][:hedge]`` as ``account`` reads it, or the default.
        settings: any other fields of the venue's configuration.

    Returns 0 when told to stop, 1 when the venue failed, 2 when it could not start.
    """
    try:
        server = VenueServer(
            VenueConfig(
                data=recordings(data, regimes),
                symbols=_symbols(symbols, markets),
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


def _symbols(symbols: Sequence[str], markets: Sequence[str]) -> tuple[str, ...]:
    return products.symbols_of(markets if symbols or markets else ("usdm",), symbols)


def account(text: str) -> AccountSeed:
    """Return the account that ``KEY:SECRET:BALANCE`` names; SECRET may be ``ed25519=PUBLIC``.

    BALANCE is in USDT; ``,coinm.BTC=2`` and ``,spot.USDT=500`` behind it open wallets of the other
    markets, in place of the usual ones. ``:vip0`` to ``:vip9`` may follow and chooses the
    commission rates of USDT-M; ``:hedge`` at the end sets it to hedge mode there.

    Raises:
        ConfigError: the text has another form; it is not repeated, for it may hold a secret.
    """
    is_hedged, text = text.endswith(HEDGED), text.removesuffix(HEDGED)
    head, _, tail = text.rpartition(":")
    tier = VIP.fullmatch(tail)
    key, _, rest = (head if tier else text).partition(":")
    secret, _, balance = rest.rpartition(":")
    first, *others = balance.split(",")
    funds: dict[str, list[tuple[str, Decimal]]] = {"coinm": [], "spot": []}
    for each in others:
        where, _, amount = each.partition("=")
        market, _, asset = where.partition(".")
        if market not in funds or not asset:
            raise ConfigError(EXPECTED)
        funds[market].append((asset, _amount(amount)))
    if not key or not secret:
        raise ConfigError(EXPECTED)
    seed = AccountSeed(
        key=key,
        secret=secret,
        balance=_amount(first),
        fee_tier=int(tier[1]) if tier else 0,
        is_hedged=is_hedged,
    )
    return attrs.evolve(
        seed, coins=tuple(funds["coinm"]) or seed.coins, spot=tuple(funds["spot"]) or seed.spot
    )


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ConfigError(EXPECTED)
    return amount


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
