"""What the simulated venue says: events to participants, and the values its reads return."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import attrs

from grinder.model.order import Side
from grinder.simulation.orders import Order


class Execution(StrEnum):
    """The venue's ``x``: what happened to an order."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    TRADE = "TRADE"
    AMENDMENT = "AMENDMENT"


class AccountReason(StrEnum):
    """The venue's ``m``: why balance or position changed."""

    ORDER = "ORDER"
    FUNDING_FEE = "FUNDING_FEE"


@attrs.frozen(kw_only=True)
class OrderReport:
    """One change of one order, told to its owner (ORDER_TRADE_UPDATE).

    The fields about a fill are zero unless ``execution`` is TRADE.
    """

    account: str
    ts_ms: int
    execution: Execution
    order: Order
    """The order after the change."""
    last_qty: Decimal = Decimal(0)
    last_price: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)
    """Positive is paid, in ``commission_asset``."""
    commission_asset: str = "USDT"
    realised_profit: Decimal = Decimal(0)
    """Before commission."""
    trade_id: int = 0
    is_maker: bool = False
    bid_notional: Decimal = Decimal(0)
    """Value of the account's open buys on the symbol, without reduce-only orders."""
    ask_notional: Decimal = Decimal(0)


@attrs.frozen(kw_only=True)
class BalanceChange:
    """One asset's balance after a change."""

    asset: str
    wallet: Decimal
    change: Decimal
    """What changed the balance apart from profit and commission; funding is here."""


@attrs.frozen(kw_only=True)
class PositionState:
    """A position as the venue shows it. ``qty`` is signed: positive long."""

    symbol: str
    qty: Decimal
    qty_lots: int
    entry_price: Decimal
    """Shown with eight decimals, ROUND_HALF_EVEN; the cost behind it is kept exact."""
    realised: Decimal
    """Profit realised so far on the symbol, before commission."""
    unrealised: Decimal
    """At the mark price; 0 while no mark price is known."""
    updated_ms: int


@attrs.frozen(kw_only=True)
class AccountReport:
    """Balance and position that changed (ACCOUNT_UPDATE); it comes before the OrderReport."""

    account: str
    ts_ms: int
    reason: AccountReason
    balances: tuple[BalanceChange, ...]
    positions: tuple[PositionState, ...]
    """Empty for funding: a cross position does not change by it."""


@attrs.frozen(kw_only=True)
class OwnTrade:
    """A trade between two participants, for the public tape."""

    symbol: str
    ts_ms: int
    trade_id: int
    price: Decimal
    qty: Decimal
    price_ticks: int
    qty_lots: int
    buyer_is_maker: bool


Event = OrderReport | AccountReport | OwnTrade


@attrs.frozen(kw_only=True)
class AccountTrade:
    """One fill of one account, unique by (symbol, trade_id)."""

    symbol: str
    trade_id: int
    order_id: int
    client_order_id: str
    side: Side
    price: Decimal
    qty: Decimal
    price_ticks: int
    qty_lots: int
    commission: Decimal
    commission_asset: str
    realised_profit: Decimal
    is_maker: bool
    ts_ms: int


class IncomeType(StrEnum):
    """The venue's name for a change of the wallet."""

    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    FUNDING_FEE = "FUNDING_FEE"


@attrs.frozen(kw_only=True)
class Income:
    """One change of the wallet; negative was paid."""

    income_id: int
    symbol: str
    type: IncomeType
    amount: Decimal
    asset: str
    trade_id: int
    """0 for funding."""
    ts_ms: int


@attrs.frozen(kw_only=True)
class Balance:
    """What an account has, in quote units."""

    asset: str
    wallet: Decimal
    unrealised: Decimal
    position_margin: Decimal
    order_margin: Decimal
    available: Decimal
    """wallet + unrealised - both margins, not below 0."""


@attrs.frozen(kw_only=True)
class Ledger:
    """Exact totals of an account: wallet = start + realised - commission + funding."""

    start: Decimal
    realised: Decimal
    commission: Decimal
    funding: Decimal
    fills: int
    orders: int
    """Orders accepted."""
