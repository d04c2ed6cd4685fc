"""What settings must be besides well typed: ranges, choices, and how they fit together."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import attrs

from grinder.model.settings import Config

VENUES = ("sim", "binance-demo", "binance-testnet", "binance")

CHOICES: dict[str, tuple[str, ...]] = {
    "run.venue": VENUES,
    "run.log": ("auto", "text", "json"),
    "run.log_level": ("debug", "info", "warning", "error", "critical"),
    "supervision.placement": ("shared", "own"),
    "stop.position": ("keep", "flatten"),
    "journal.fsync": ("never", "interval", "always"),
}

HOUR_MS = 3_600_000
MONEY_MAX = 1_000_000_000
"""No account of ours is near a milliard; a larger number is a slip of the finger."""

RANGES: dict[str, tuple[float, float]] = {
    "run.port": (0, 65_535),
    # Binance refuses a larger window.
    "venue.recv_window_ms": (1, 60_000),
    "venue.connect_timeout_ms": (1, 60_000),
    "venue.place_timeout_ms": (1, 60_000),
    "venue.cancel_timeout_ms": (1, 60_000),
    "venue.read_timeout_ms": (1, 60_000),
    "venue.place_threads": (1, 64),
    "venue.cancel_threads": (1, 64),
    "venue.queue_max": (1, 100_000),
    # The venue allows 2,400 a minute for everything.
    "venue.order_weight_reserve": (0, 2_399),
    "venue.dead_man_ms": (0, HOUR_MS),
    # A listen key dies after an hour.
    "venue.listen_key_keepalive_ms": (1_000, HOUR_MS - 60_000),
    "venue.unknown_margin_ms": (0, 60_000),
    "sim.seed": (0, 2**63 - 1),
    "feed.book_stale_after_ms": (1, HOUR_MS),
    "feed.trade_stale_after_ms": (1, HOUR_MS),
    "feed.depth_stale_after_ms": (1, HOUR_MS),
    "feed.mark_stale_after_ms": (1, HOUR_MS),
    "feed.reconnect_delay_ms": (1, HOUR_MS),
    "feed.reconnect_delay_max_ms": (1, HOUR_MS),
    "features.bar_interval_ms": (100, 24 * HOUR_MS),
    "features.atr_period": (1, 1_000),
    "features.move_window_ms": (1, HOUR_MS),
    "policy.spacing_bps": (1, 5_000),
    # A level is named by a letter and at most two digits.
    "policy.levels": (1, 99),
    "policy.recentre_bps": (1, 10_000),
    "policy.exit_spacing_bps": (0, 5_000),
    "policy.exit_retry_ms": (1, HOUR_MS),
    "policy.refused_level_pause_ms": (0, HOUR_MS),
    "risk.cooldown_ms": (0, 24 * HOUR_MS),
    "risk.permit_ms": (1, 60_000),
    "risk.evaluate_ms": (1, 60_000),
    "risk.account_stale_after_ms": (1, HOUR_MS),
    # The venue's own limits of one account.
    "router.orders_10s_max": (1, 300),
    "router.orders_1m_max": (1, 1_200),
    "sync.interval_ms": (100, HOUR_MS),
    "sync.failures_max": (1, 1_000),
    "sync.missing_after_ms": (0, HOUR_MS),
    "leader.ttl_ms": (100, HOUR_MS),
    "leader.renew_ms": (10, HOUR_MS),
    "leader.margin_ms": (0, HOUR_MS),
    "journal.segment_mb": (1, 1_024),
    "journal.segment_s": (1, 30 * 24 * 3_600),
    "journal.fsync_ms": (1, HOUR_MS),
    "journal.flush_ms": (1, 1_000),
    "journal.pending_max": (1_000, 10_000_000),
    "journal.lag_max_ms": (10, HOUR_MS),
    "journal.ahead_ms": (1, 60_000),
    "journal.keep_mb": (1, 100_000_000),
    "journal.keep_days": (1, 36_500),
    "supervision.restarts_max": (0, 1_000),
    "supervision.period_ms": (1, 24 * HOUR_MS),
    "supervision.stall_after_ms": (10, HOUR_MS),
    "supervision.start_timeout_ms": (1, HOUR_MS),
    "supervision.shutdown_ms": (1, HOUR_MS),
    "supervision.mailbox_max": (1, 10_000_000),
    "supervision.backoff_ms": (0, HOUR_MS),
    "supervision.backoff_max_ms": (0, HOUR_MS),
    "stop.timeout_ms": (1, HOUR_MS),
    "sim.balance": (0, MONEY_MAX),
    "risk.position_small_notional": (0, MONEY_MAX),
}
"""Least and greatest value, both allowed."""

POSITIVE: dict[str, float] = {
    "sim.speed": 1_000_000,
    "policy.level_notional": MONEY_MAX,
    "risk.position_notional_max": MONEY_MAX,
    "risk.total_notional_max": MONEY_MAX,
    "risk.order_notional_max": MONEY_MAX,
    "risk.spread_spike_bps": 10_000,
    "risk.toxicity_high_bps": 10_000,
    "risk.drawdown_limit": 1,
}
"""Greatest value; the least is anything above 0."""

NOT_ABOVE = (
    ("policy.level_notional", "risk.order_notional_max"),
    ("risk.order_notional_max", "risk.position_notional_max"),
    ("risk.position_notional_max", "risk.total_notional_max"),
    ("feed.reconnect_delay_ms", "feed.reconnect_delay_max_ms"),
    ("supervision.backoff_ms", "supervision.backoff_max_ms"),
    ("router.orders_10s_max", "router.orders_1m_max"),
)
"""Pairs of which the first may not be greater than the second."""

SYMBOL = re.compile(r"[A-Z0-9]{2,20}(_[0-9]{6})?")
SYMBOLS_MAX = 50


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
