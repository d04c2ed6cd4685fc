"""The three markets that the venue speaks: what is particular to each beside its REST calls.

Each is served like a venue of its own (as on the real one: own domain, own symbols, own listen
keys), by the same doors over the same core. What differs is money, words and addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from grinder.errors import ConfigError
from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.simulation.exchange import Exchange
from grinder.simulation.refusals import Refusal
from grinder.simulation.reports import OwnReport
from grinder.simulation.spot import SpotExchange
from grinder.venues.sim import coinmframes, spotframes, spotwords, userframes
from grinder.venues.sim.config import AccountSeed, Limits, VenueConfig
from grinder.venues.sim.refusing import ApiRefusal, as_told

SPOT_PREFIX = "spot:"
"""Before the name of a spot symbol, where symbols of all markets are named together."""

Frame = dict[str, Any]
Reports = Iterable[OwnReport]


@attrs.frozen(kw_only=True)
class Product:
    """One market."""

    name: str
    info: str
    """The file of its exchangeInfo."""
    defaults: tuple[str, ...]
    """Symbols that are traded when the market is wanted and none is named."""
    rest: str
    """How the paths of its REST calls begin."""
    streams: str
    """How the paths of its streams begin."""
    api: str
    """The path of its WebSocket API."""
    exchange: Callable[[Mapping[str, Instrument], FeeRates, int], Exchange]
    """Makes the exchange of instruments, fees and the time of the start, epoch ms."""
    balances: Callable[[AccountSeed], Decimal | Mapping[str, Decimal]]
    user_frames: Callable[[Reports, int], list[Frame]]
    public_frame: Callable[[str, Frame], Frame] | None = None
    """Words a frame of a stream as this market does; None as USDT-M does."""
    refused: Callable[[Refusal | ApiRefusal], dict[str, Any]] = as_told
    """Words a refusal as this market does."""
    is_spot: bool = False
    decimals: int | None = None
    """Of every price and quantity; None for those of the step."""
    depth_ms: int = 250
    """Pace of the depth stream that names none."""

    def open_account(self, exchange: Exchange, seed: AccountSeed) -> None:
        """Open an account with what it has in this market; VIP levels are of USDT-M."""
        balances = self.balances(seed)
        if self.name == "usdm":
            exchange.open_account(seed.key, balances, fee_tier=seed.fee_tier, fees=seed.fees)
            if seed.is_hedged:
                exchange.set_hedged(seed.key, True)
        else:
            exchange.open_account(seed.key, balances)


def _futures(instruments: Mapping[str, Instrument], fees: FeeRates, start_ms: int) -> Exchange:
    return Exchange(instruments, fees=fees, can_liquidate=True, start_ms=start_ms)


def _spot(instruments: Mapping[str, Instrument], fees: FeeRates, start_ms: int) -> Exchange:
    return SpotExchange(instruments, fees=fees, start_ms=start_ms)


USDM = Product(
    name="usdm",
    info="exchange_info.json",
    defaults=("BTCUSDT", "ETHUSDT"),
    rest="/fapi/",
    streams="",
    api="/ws-fapi/v1",
    exchange=_futures,
    balances=lambda seed: seed.balance,
    user_frames=userframes.ordered,
)

COINM = Product(
    name="coinm",
    info="exchange_info_coinm.json",
    defaults=("BTCUSD_PERP", "ETHUSD_PERP"),
    rest="/dapi/",
    streams="/coinm",
    api="/ws-dapi/v1",
    exchange=_futures,
    balances=lambda seed: dict(seed.coins),
    user_frames=coinmframes.user_frames,
    public_frame=coinmframes.public_frame,
)

SPOT = Product(
    name="spot",
    info="exchange_info_spot.json",
    defaults=("spot:BTCUSDT", "spot:ETHUSDT"),
    rest="/api/",
    streams="/spot",
    api="/ws-api/v3",
    exchange=_spot,
    balances=lambda seed: dict(seed.spot),
    user_frames=spotframes.user_frames,
    public_frame=spotframes.public_frame,
    refused=spotwords.refused,
    is_spot=True,
    decimals=8,
    depth_ms=1000,
)

PRODUCTS = {each.name: each for each in (USDM, COINM, SPOT)}


def of_symbol(name: str) -> Product:
    """Return the market of a symbol as it is named in a configuration."""
    if name.startswith(SPOT_PREFIX):
        return SPOT
    pair, underscore, _ = name.partition("_")
    return COINM if underscore and pair.endswith("USD") else USDM


def symbols_of(markets: Iterable[str], symbols: Iterable[str]) -> tuple[str, ...]:
    """Return ``symbols`` and the usual ones of those ``markets`` of which none is named.

    Raises:
        ConfigError: a market is unknown.
    """
    named = tuple(symbols)
    found = list(named)
    for market in markets:
        product = PRODUCTS.get(market)
        if product is None:
            choice = ", ".join(PRODUCTS)
            raise ConfigError(f"unknown market {market}: choose from {choice}")
        if not any(of_symbol(each) is product for each in named):
            found += product.defaults
    return tuple(dict.fromkeys(found))


def split(config: VenueConfig) -> list[tuple[Product, VenueConfig]]:
    """Return the markets that a configuration names, each with its part of it."""
    found = []
    for product in PRODUCTS.values():
        symbols = tuple(each for each in config.symbols if of_symbol(each) is product)
        if symbols or (product is USDM and not config.symbols):
            found.append((product, _part(config, product, symbols)))
    return found


def _part(config: VenueConfig, product: Product, symbols: tuple[str, ...]) -> VenueConfig:
    if product is USDM:
        return attrs.evolve(config, symbols=symbols)
    names = tuple(each.removeprefix(SPOT_PREFIX) for each in symbols)
    if product is COINM:
        return attrs.evolve(config, symbols=names, data=(), fees=config.coin_fees)
    return attrs.evolve(
        config,
        symbols=names,
        data=(),
        fees=config.spot_fees,
        funding_rate=Decimal(0),
        limits=_spot_limits(config.limits),
    )


def _spot_limits(limits: Limits) -> Limits:
    # A limit that somebody set for a test holds here, too; the venue's own numbers differ.
    usual = Limits()
    return attrs.evolve(
        limits,
        weight_1m=6000 if limits.weight_1m == usual.weight_1m else limits.weight_1m,
        orders_10s=100 if limits.orders_10s == usual.orders_10s else limits.orders_10s,
        orders_1m=200_000 if limits.orders_1m == usual.orders_1m else limits.orders_1m,
        is_long_window_a_day=True,
    )
