"""The tables as they are now. ``migrations`` makes them; a test holds both together."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

_MONEY_MAX = 80


class Money(sa.types.TypeDecorator[Decimal]):
    """A decimal as text in plain notation: exact in every database."""

    impl = sa.String(_MONEY_MAX)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> str | None:
        """Spell it."""
        return None if value is None else format(value, "f")

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> Decimal | None:
        """Read it."""
        return None if value is None else Decimal(value)


def _name(name: str, *, is_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), primary_key=is_key, nullable=False)


def _number(name: str, *, is_key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=is_key, autoincrement=False, nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _money(name: str) -> sa.Column[Decimal]:
    return sa.Column(name, Money, nullable=False)


METADATA = sa.MetaData()

ACCOUNTS = sa.Table("accounts", METADATA, _name("account", is_key=True), _number("since_ns"))

FILLS = sa.Table(
    "fills",
    METADATA,
    _name("account", is_key=True),
    _name("symbol", is_key=True),
    _number("trade_id", is_key=True),
    _number("order_id"),
    _name("client_order_id"),
    _name("level"),
    sa.Column("side", sa.String(4), nullable=False),
    _money("price"),
    _money("qty"),
    _money("fee"),
    _name("fee_asset"),
    _money("realized_pnl"),
    sa.Column("is_maker", sa.Boolean, nullable=False),
    _number("event_ns"),
    sa.Index("fills_by_time", "account", "event_ns"),
)

FUNDING = sa.Table(
    "funding",
    METADATA,
    _name("account", is_key=True),
    _name("symbol", is_key=True),
    _number("transaction_id", is_key=True),
    _money("amount"),
    _number("event_ns"),
    sa.Index("funding_by_time", "account", "event_ns"),
)

POSITIONS = sa.Table(
    "positions",
    METADATA,
    _name("account", is_key=True),
    _name("symbol", is_key=True),
    _money("untracked_qty"),
    sa.Column("direction", sa.String(5), nullable=False),
    _number("entry_ns"),
    _money("entry_qty"),
    _money("entry_cost"),
    _money("entry_fee"),
    _count("entry_fills"),
    _number("exit_ns"),
    _money("exit_qty"),
    _money("exit_cost"),
    _money("exit_fee"),
    _count("exit_fills"),
)
"""What is open; an empty direction and zeros when no trip is."""

ROUND_TRIPS = sa.Table(
    "round_trips",
    METADATA,
    _name("account", is_key=True),
    sa.Column("row_id", sa.String(40), primary_key=True, nullable=False),
    _name("symbol"),
    sa.Column("direction", sa.String(5), nullable=False),
    _number("entry_ts"),
    _money("entry_price"),
    _money("entry_qty"),
    _money("entry_fee"),
    _count("entry_fill_count"),
    _number("exit_ts"),
    _money("exit_price"),
    _money("exit_qty"),
    _money("exit_fee"),
    _count("exit_fill_count"),
    _money("realized_pnl"),
    _money("net_pnl"),
    _count("pnl_bps"),
    _number("holding_time_ms"),
    _money("notional"),
    sa.Column("outcome", sa.String(9), nullable=False),
    sa.Column("source", sa.String(5), nullable=False),
    sa.Column("dataset_version", sa.String(8), nullable=False),
    sa.Index("round_trips_by_time", "account", "exit_ts"),
)

DAYS = sa.Table(
    "days",
    METADATA,
    _name("account", is_key=True),
    sa.Column("day", sa.String(10), primary_key=True, nullable=False),
    _money("equity_open"),
    _money("equity_low"),
    _money("equity_high"),
    _money("equity"),
)
