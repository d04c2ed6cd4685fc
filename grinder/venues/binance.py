"""Where Binance is, and everything that has to be true of it before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from grinder.errors import ConfigError, VenueError
from grinder.model.instrument import Instrument
from grinder.model.legs import HEDGE, ONE_WAY, legs_of
from grinder.model.settings import VenueSettings
from grinder.venues import binance_requests as requests
from grinder.venues.binance_errors import code_and_text, is_denial
from grinder.venues.binance_instruments import instruments, weight_limit_1m
from grinder.venues.clock import VenueClock
from grinder.venues.http import Request, VenueHttp
from grinder.venues.signing import Credentials


@attrs.frozen(kw_only=True)
class VenueHosts:
    """The two addresses of a venue, without a path."""

    rest_url: str
    stream_url: str


HOSTS: Mapping[str, VenueHosts] = {
    "binance": VenueHosts(
        rest_url="https://fapi.binance.com", stream_url="wss://fstream.binance.com"
    ),
    "binance-demo": VenueHosts(
        rest_url="https://demo-fapi.binance.com", stream_url="wss://demo-fstream.binance.com"
    ),
    "binance-testnet": VenueHosts(
        rest_url="https://testnet.binancefuture.com", stream_url="wss://fstream.binancefuture.com"
    ),
}
"""The simulated venue is not listed: it says where it is once it is up."""


@attrs.frozen(kw_only=True)
class VenueFacts:
    """What was found out about a venue before the start."""

    instruments: Mapping[str, Instrument]
    """By leg, in the order of the settings."""
    clock: VenueClock
    offset_ns: int
    """Venue minus local time."""
    round_trip_ns: int
    is_one_way: bool | None
    """What was checked: True in one-way mode, False in hedge mode; None without credentials."""
    weight_limit_1m: int
    """Request weight that the venue allows in a minute."""
    prices: Mapping[str, Decimal]
    """Last price of each market, in quote per base."""


def hosts(venue: str, settings: VenueSettings) -> VenueHosts:
    """Return the addresses of ``venue``; those in the settings win.

    Raises:
        ConfigError: nothing says where the venue is.
    """
    known = HOSTS.get(venue)
    rest_url = settings.rest_url or (known.rest_url if known else "")
    stream_url = settings.stream_url or (known.stream_url if known else "")
    if not rest_url or not stream_url:
        raise ConfigError(
            f"venue.rest_url and venue.stream_url: expected addresses for venue {venue}, were none"
        )
    return VenueHosts(rest_url=rest_url, stream_url=stream_url)


def load_venue(
    rest_url: str,
    credentials: Credentials | None,
    symbols: tuple[str, ...],
    settings: VenueSettings,
) -> VenueFacts:
    """Find out what has to be known of a venue, and whether we can trade there. Blocks.

    Without credentials the account is not looked at.

    Raises:
        ConfigError: something is not as it has to be; one sentence for each problem.
        VenueError: the venue can't be reached or does not take our requests.
    """
    clock = VenueClock()
    http = VenueHttp(
        rest_url,
        credentials,
        clock,
        connect_timeout_ms=settings.connect_timeout_ms,
        read_timeout_ms=settings.read_timeout_ms,
    )
    try:
        _ask(http, requests.PING, f"the venue at {rest_url} can't be reached")
        try:
            measured = http.measure_clock()
        except VenueError as error:
            raise VenueError(f"the clock of {rest_url} can't be read: {_said(error)}") from None
        info = _ask(http, requests.EXCHANGE_INFO, "the venue's symbols can't be read")
        found = _traded(info, symbols)
        is_one_way = None if credentials is None else _is_one_way(http, settings.position_mode)
        return VenueFacts(
            instruments=legs_of(found, settings.position_mode),
            clock=clock,
            offset_ns=measured.offset_ns,
            round_trip_ns=measured.round_trip_ns,
            is_one_way=is_one_way,
            weight_limit_1m=weight_limit_1m(info),
            prices=_prices(http, symbols),
        )
    finally:
        http.release()


def _traded(info: object, symbols: tuple[str, ...]) -> dict[str, Instrument]:
    try:
        found = {each.symbol: each for each in instruments(info, symbols)}
    except ValueError as error:
        raise ConfigError(f"the venue's symbols were not understood: {error}") from None
    problems = [
        f"run.symbols: expected a symbol that the venue lists, was {symbol}"
        if symbol not in found
        else f"run.symbols: expected {symbol} to be TRADING, was {found[symbol].status}"
        for symbol in symbols
        if symbol not in found or found[symbol].status != "TRADING"
    ]
    if problems:
        raise ConfigError(tuple(problems))
    return {symbol: found[symbol] for symbol in symbols}


def _prices(http: VenueHttp, symbols: tuple[str, ...]) -> dict[str, Decimal]:
    answer = _ask(http, requests.PRICES, "the venue's prices can't be read")
    rows = answer if isinstance(answer, list) else []
    found = {row["symbol"]: Decimal(row["price"]) for row in rows if row.get("symbol") in symbols}
    missing = [
        f"the venue states no price of {symbol}" for symbol in symbols if symbol not in found
    ]
    if missing:
        raise ConfigError(tuple(missing))
    return found


def _is_one_way(http: VenueHttp, wanted: str) -> bool:
    """Return the account's position mode once it is the one that the settings say."""
    _ask(http, requests.ACCOUNT, "the account can't be read")
    mode = _ask(http, requests.POSITION_MODE, "the position mode can't be read")
    is_hedged = mode.get("dualSidePosition") if isinstance(mode, dict) else None
    if is_hedged is not (wanted == HEDGE):
        found = HEDGE if is_hedged is True else ONE_WAY if is_hedged is False else "an unknown"
        raise ConfigError(
            f"venue.position_mode: expected the account in {wanted} mode, was {found} mode: change "
            "it at the venue, without open orders or positions, or change the setting"
        )
    return not is_hedged


def _ask(http: VenueHttp, request: Request, sentence: str) -> object:
    try:
        answer: object = http.call(request)
    except VenueError as error:
        if is_denial(error):
            raise VenueError(f"the venue does not take our API key: {_said(error)}") from None
        raise VenueError(f"{sentence}: {_said(error)}") from None
    return answer


def _said(error: VenueError) -> str:
    code, text = code_and_text(error)
    return f"{text} ({code})" if code else text
