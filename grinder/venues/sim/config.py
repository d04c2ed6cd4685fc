"""What a simulated venue is told when it is made."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import attrs

from grinder.errors import ConfigError
from grinder.model.fees import FeeRates
from grinder.simulation.generator import regimes

BUNDLED = "bundled"
"""Name of the recording that ships with the package."""


COINS = (("BTC", Decimal(1)), ("ETH", Decimal(10)), ("BNB", Decimal(50)))
SPOT_FUNDS = (
    ("USDT", Decimal(10_000)),
    ("BTC", Decimal(1)),
    ("ETH", Decimal(10)),
    ("BNB", Decimal(50)),
)
SPOT_FEES = FeeRates(maker=Decimal("0.001"), taker=Decimal("0.001"))
"""Binance spot at VIP 0, not paid in BNB."""


@attrs.frozen(kw_only=True)
class AccountSeed:
    """An account and its API key."""

    key: str
    secret: str = attrs.field(repr=False)
    """The HMAC secret, or ``ed25519=`` and a public key: base64, or the path of a PEM file."""
    balance: Decimal = Decimal(10_000)
    """Opening wallet balance in USDT, of USDT-M."""
    coins: tuple[tuple[str, Decimal], ...] = COINS
    """Opening wallet balances of COIN-M, by asset."""
    spot: tuple[tuple[str, Decimal], ...] = SPOT_FUNDS
    """Opening balances of spot, by asset."""
    fee_tier: int = 0
    """VIP level, 0 to 9; level 0 pays the venue's ``fees``."""
    fees: FeeRates | None = None
    """Rates of its own, in place of those of the level."""
    is_hedged: bool = False
    """Whether it begins in hedge mode on USDT-M; it may change that itself."""


DEFAULT_ACCOUNT = AccountSeed(key="sim-key", secret="sim-secret")


@attrs.frozen(kw_only=True)
class Limits:
    """The venue's rate limits, as published by exchangeInfo, and the bounds of a connection."""

    weight_1m: int = 2400
    orders_10s: int = 300
    orders_1m: int = 1200
    funding_5m: int = 500
    """Reads of funding rates and funding intervals together, which have no weight."""
    refusals_before_ban: int = 20
    """Requests refused with 429 within a minute before the address is banned with 418."""
    ban_ms: int = 120_000
    messages_per_s: int = 10
    """Incoming WebSocket messages of one connection."""
    streams_max: int = 1024
    connections_max: int = 300
    queue_frames_max: int = 4096
    """Frames waiting for a slow client before it is disconnected."""
    ping_interval_s: float = 180.0
    pong_timeout_s: float = 600.0
    connection_max_s: float = 24 * 3600.0
    listen_key_ms: int = 60 * 60 * 1000
    is_long_window_a_day: bool = False
    """Whether ``orders_1m`` is of a day, as on spot."""


@attrs.frozen(kw_only=True)
class VenueConfig:
    """Everything that a venue can be told."""

    host: str = "127.0.0.1"
    rest_port: int = 0
    """0 takes a free port."""
    ws_port: int = 0
    control_port: int | None = None
    """None leaves the control endpoint closed."""
    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
    """What is traded; ``BTCUSD_PERP`` is COIN-M, and ``spot:BTCUSDT`` is spot."""
    data: tuple[str, ...] = (BUNDLED,)
    """Recordings to play: paths, SYMBOL=PATH, or ``bundled``; a symbol without one is generated."""
    regimes: tuple[str, ...] = ()
    """Regimes of generated markets; none takes the usual ones by chance."""
    spread_ticks: int = 1
    """Width of the quote that is made up for bars."""
    seed: int = 1
    speed: float = 1.0
    paused: bool = False
    """Start with the first book and quote of each symbol and nothing after it, until resumed."""
    faults: Path | None = None
    """File of control commands to carry out, at the start or some time after it."""
    order_log: Path | None = None
    accounts: tuple[AccountSeed, ...] = (DEFAULT_ACCOUNT,)
    fees: FeeRates = attrs.field(factory=FeeRates)
    coin_fees: FeeRates = attrs.field(factory=FeeRates)
    spot_fees: FeeRates = SPOT_FEES
    funding_rate: Decimal = Decimal("0.0001")
    funding_interval_ms: int = 8 * 3600 * 1000
    mark_interval_s: float = 1.0
    limits: Limits = attrs.field(factory=Limits)


def recordings(data: Sequence[str] | None, names: Sequence[str]) -> tuple[str, ...]:
    """Return what is played: the bundled recording unless recordings or regimes are named."""
    if data:
        return tuple(data)
    return () if names else (BUNDLED,)


def check(config: VenueConfig) -> None:
    """Check what no part of the venue looks at before it runs.

    Raises:
        ConfigError: the speed or the spread is impossible, or a regime is not known.
    """
    if not config.speed > 0:
        raise ConfigError(f"expected a speed above 0, was {config.speed}")
    if config.spread_ticks < 1:
        raise ConfigError(f"expected a spread of 1 tick or more, was {config.spread_ticks}")
    try:
        regimes(config.regimes)
    except ValueError as error:
        raise ConfigError(str(error)) from error
