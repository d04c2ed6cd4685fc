"""The first tables: accounts, fills, funding, positions, round trips, days.

Money is text: SQLite has no decimals, and what is kept must come back to the last digit.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NAME = sa.String(64)
_MONEY = sa.String(80)


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "accounts",
        sa.Column("account", _NAME, primary_key=True),
        sa.Column("since_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "fills",
        sa.Column("account", _NAME, primary_key=True),
        sa.Column("symbol", _NAME, primary_key=True),
        sa.Column("trade_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.Column("client_order_id", _NAME, nullable=False),
        sa.Column("level", _NAME, nullable=False),
        sa.Column("side", sa.String(4), nullable=False),
        sa.Column("price", _MONEY, nullable=False),
        sa.Column("qty", _MONEY, nullable=False),
        sa.Column("fee", _MONEY, nullable=False),
        sa.Column("fee_asset", _NAME, nullable=False),
        sa.Column("realized_pnl", _MONEY, nullable=False),
        sa.Column("is_maker", sa.Boolean, nullable=False),
        sa.Column("event_ns", sa.BigInteger, nullable=False),
    )
    op.create_index("fills_by_time", "fills", ["account", "event_ns"])
    op.create_table(
        "funding",
        sa.Column("account", _NAME, primary_key=True),
        sa.Column("symbol", _NAME, primary_key=True),
        sa.Column("transaction_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("event_ns", sa.BigInteger, nullable=False),
    )
    op.create_index("funding_by_time", "funding", ["account", "event_ns"])
    _make_positions()
    _make_results()


def _make_positions() -> None:
    op.create_table(
        "positions",
        sa.Column("account", _NAME, primary_key=True),
        sa.Column("symbol", _NAME, primary_key=True),
        sa.Column("untracked_qty", _MONEY, nullable=False),
        sa.Column("direction", sa.String(5), nullable=False),
        sa.Column("entry_ns", sa.BigInteger, nullable=False),
        sa.Column("entry_qty", _MONEY, nullable=False),
        sa.Column("entry_cost", _MONEY, nullable=False),
        sa.Column("entry_fee", _MONEY, nullable=False),
        sa.Column("entry_fills", sa.Integer, nullable=False),
        sa.Column("exit_ns", sa.BigInteger, nullable=False),
        sa.Column("exit_qty", _MONEY, nullable=False),
        sa.Column("exit_cost", _MONEY, nullable=False),
        sa.Column("exit_fee", _MONEY, nullable=False),
        sa.Column("exit_fills", sa.Integer, nullable=False),
    )


def _make_results() -> None:
    op.create_table(
        "round_trips",
        sa.Column("account", _NAME, primary_key=True),
        sa.Column("row_id", sa.String(40), primary_key=True),
        sa.Column("symbol", _NAME, nullable=False),
        sa.Column("direction", sa.String(5), nullable=False),
        sa.Column("entry_ts", sa.BigInteger, nullable=False),
        sa.Column("entry_price", _MONEY, nullable=False),
        sa.Column("entry_qty", _MONEY, nullable=False),
        sa.Column("entry_fee", _MONEY, nullable=False),
        sa.Column("entry_fill_count", sa.Integer, nullable=False),
        sa.Column("exit_ts", sa.BigInteger, nullable=False),
        sa.Column("exit_price", _MONEY, nullable=False),
        sa.Column("exit_qty", _MONEY, nullable=False),
        sa.Column("exit_fee", _MONEY, nullable=False),
        sa.Column("exit_fill_count", sa.Integer, nullable=False),
        sa.Column("realized_pnl", _MONEY, nullable=False),
        sa.Column("net_pnl", _MONEY, nullable=False),
        sa.Column("pnl_bps", sa.Integer, nullable=False),
        sa.Column("holding_time_ms", sa.BigInteger, nullable=False),
        sa.Column("notional", _MONEY, nullable=False),
        sa.Column("outcome", sa.String(9), nullable=False),
        sa.Column("source", sa.String(5), nullable=False),
        sa.Column("dataset_version", sa.String(8), nullable=False),
    )
    op.create_index("round_trips_by_time", "round_trips", ["account", "exit_ts"])
    op.create_table(
        "days",
        sa.Column("account", _NAME, primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("equity_open", _MONEY, nullable=False),
        sa.Column("equity_low", _MONEY, nullable=False),
        sa.Column("equity_high", _MONEY, nullable=False),
        sa.Column("equity", _MONEY, nullable=False),
    )
