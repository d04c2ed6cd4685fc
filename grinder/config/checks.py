"""What settings must be besides well typed: ranges, choices, and how they fit together."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import attrs

from grinder.config import plugins
from grinder.config.grid_checks import grid_problems
from grinder.config.limits import CHOICES, NOT_ABOVE, POSITIVE, RANGES
from grinder.model.settings import Config
from grinder.model.units import utc_ns

SYMBOL = re.compile(r"[A-Z0-9]{2,20}(_[0-9]{6})?")
SYMBOLS_MAX = 50
ACCOUNT_MAX = 64


@attrs.frozen(kw_only=True)
class Problem:
    """One thing that is wrong, and the settings that it was judged by."""

    paths: tuple[str, ...]
    text: str


def check(config: Config) -> Iterator[Problem]:
    """Yield everything wrong with a well-typed ``config``."""
    yield from _choices(config)
    yield from _ranges(config)
    yield from _symbols(config)
    yield from _addresses(config)
    yield from _together(config)
    for path, text in grid_problems(config):
        yield _problem(path, text)
    yield from _strategy(config)
    yield from _pairs(config)
    yield from _books(config)
    for path, text in plugins.problems(config):
        yield _problem(path, text, "policy.name", "policy.options")


def _strategy(config: Config) -> Iterator[Problem]:
    for entry in config.selection.bans:
        _, _, until = entry.partition("=")
        try:
            utc_ns(until or "2000-01-01")
        except ValueError:
            yield _problem(
                "selection.bans", f'expected SYMBOL or SYMBOL=TIME in ISO 8601, was "{entry}"'
            )


def _pairs(config: Config) -> Iterator[Problem]:
    pairs = {"selection.sectors": (), "sizing.tiers": ("LOW", "MED", "HIGH")}
    for path, allowed in pairs.items():
        named: set[str] = set()
        for entry in _value(config, path):
            symbol, _, said = entry.partition("=")
            if symbol in named:
                yield _problem(path, f"expected each symbol once, repeated {symbol}")
            named.add(symbol)
            if not (symbol and said) or (allowed and said not in allowed):
                what = " or ".join(allowed) or "SECTOR"
                yield _problem(path, f'expected SYMBOL={what}, was "{entry}"')


def _books(config: Config) -> Iterator[Problem]:
    url = config.books.url
    if not url:
        return
    if not re.match(r"(sqlite|postgresql(\+psycopg)?)://", url):
        yield _problem("books.url", "expected sqlite:///FILE or postgresql://USER@HOST/NAME")
    try:
        has_password = urlsplit(url).password is not None
    except ValueError as error:
        yield _problem("books.url", f"is no URL: {error}")
        return
    if has_password:
        # The text goes into reports, journals and hashes: say nothing of what it was.
        yield _problem("books.url", "expected no password; PGPASSWORD or a .pgpass file holds it")
    if len(config.books.account) > ACCOUNT_MAX:
        yield _problem("books.account", f"expected at most {ACCOUNT_MAX} characters")


def _value(config: Config, path: str) -> Any:
    section, _, name = path.partition(".")
    return getattr(getattr(config, section), name)


def _problem(path: str, text: str, *others: str) -> Problem:
    return Problem(paths=(path, *others), text=f"{path}: {text}")


def _choices(config: Config) -> Iterator[Problem]:
    for path, allowed in CHOICES.items():
        if (value := _value(config, path)) not in allowed:
            yield _problem(path, f'expected one of {", ".join(allowed)}, was "{value}"')


def _ranges(config: Config) -> Iterator[Problem]:
    for path, (least, greatest) in RANGES.items():
        if not least <= (value := _value(config, path)) <= greatest:
            yield _problem(path, f"expected {least} to {greatest}, was {value}")
    for path, greatest in POSITIVE.items():
        value = _value(config, path)
        if not (math.isfinite(value) and 0 < value <= greatest):
            yield _problem(path, f"expected above 0 and at most {greatest}, was {value}")
    for path, other in NOT_ABOVE:
        value, limit = _value(config, path), _value(config, other)
        if value > limit:
            yield _problem(path, f"expected at most {other} = {limit}, was {value}", other)


def _symbols(config: Config) -> Iterator[Problem]:
    symbols = config.run.symbols
    if not 1 <= len(symbols) <= SYMBOLS_MAX:
        yield _problem("run.symbols", f"expected 1 to {SYMBOLS_MAX} symbols, was {len(symbols)}")
    for symbol in symbols:
        if not SYMBOL.fullmatch(symbol):
            yield _problem("run.symbols", f'expected a symbol like BTCUSDT, was "{symbol}"')
    repeated = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if repeated:
        yield _problem("run.symbols", f"expected each symbol once, repeated {', '.join(repeated)}")


def _addresses(config: Config) -> Iterator[Problem]:
    schemes = {
        "venue.rest_url": ("http://", "https://"),
        "venue.stream_url": ("ws://", "wss://"),
    }
    for path, allowed in schemes.items():
        url = _value(config, path)
        if url and not url.startswith(allowed):
            yield _problem(path, f'expected {" or ".join(allowed)}..., was "{url}"')
    if not config.run.host:
        yield _problem("run.host", "expected an address to listen on, was empty")


def _together(config: Config) -> Iterator[Problem]:
    run, leader, policy = config.run, config.leader, config.policy
    if leader.renew_ms >= leader.ttl_ms - leader.margin_ms:
        yield _problem(
            "leader.renew_ms",
            "expected below leader.ttl_ms - leader.margin_ms = "
            f"{leader.ttl_ms - leader.margin_ms}, was {leader.renew_ms}",
            "leader.ttl_ms",
            "leader.margin_ms",
        )
    if policy.spacing_bps * policy.levels >= 10_000:
        yield _problem(
            "policy.levels",
            "expected levels x spacing_bps below 10000, so that every bid is above 0, was "
            f"{policy.levels} x {policy.spacing_bps}",
            "policy.spacing_bps",
        )
    adaptive = config.adaptive
    if adaptive.step_min_bps * adaptive.levels_min > 9_000:
        yield _problem(
            "adaptive.levels_min",
            "expected levels_min x step_min_bps of at most 9000, so that every bid is above 0, was "
            f"{adaptive.levels_min} x {adaptive.step_min_bps}",
            "adaptive.step_min_bps",
        )
    if config.sync.interval_ms >= config.risk.account_stale_after_ms:
        yield _problem(
            "sync.interval_ms",
            f"expected below risk.account_stale_after_ms = {config.risk.account_stale_after_ms}, "
            f"was {config.sync.interval_ms}: no permit would live between two snapshots",
            "risk.account_stale_after_ms",
        )
    if 0 < config.venue.dead_man_ms < 1_000:
        yield _problem(
            "venue.dead_man_ms", f"expected 0 or at least 1000, was {config.venue.dead_man_ms}"
        )
    if run.fault_injection and run.venue != "sim":
        yield _problem(
            "run.fault_injection", f'expected false with run.venue "{run.venue}"', "run.venue"
        )
    yield from _armed(config)


def _armed(config: Config) -> Iterator[Problem]:
    run = config.run
    if run.venue != "sim" and run.armed and not config.latches.file:
        yield _problem(
            "latches.file",
            f'expected a file with run.armed and run.venue "{run.venue}": a process that is '
            "started again would not know of a kill switch or a stop",
            "run.venue",
            "run.armed",
        )
    if run.venue == "binance" and run.armed and not run.allow_mainnet:
        yield _problem(
            "run.allow_mainnet",
            'expected true with run.armed and run.venue "binance": this is real money',
            "run.venue",
            "run.armed",
        )


def decimal_in_reason(value: Decimal) -> bool:
    """Return whether ``value`` is finite and small enough to be written out in plain digits."""
    return value.is_finite() and abs(value.adjusted()) <= 30 and len(value.as_tuple().digits) <= 40
