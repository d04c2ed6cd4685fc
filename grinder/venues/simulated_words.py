"""The simulated exchange's words in ours, and ours in its."""

from __future__ import annotations

from grinder.messages.orders import Placement
from grinder.messages.venue import AccountReported, OrderReported
from grinder.model.instrument import Instrument
from grinder.model.legs import leg_name
from grinder.model.order import OpenOrder, OrderType, Trade
from grinder.model.position import Position
from grinder.model.units import NS_PER_MS
from grinder.simulation.orders import NewOrder, Order
from grinder.simulation.reports import AccountReport, AccountTrade, OrderReport, PositionState


def new_order(place: Placement, instrument: Instrument) -> NewOrder:
    """Return a placement as the exchange wants it."""
    leg = instrument.position_side
    return NewOrder(
        symbol=instrument.market,
        position_side=leg,
        side=place.side,
        type=place.order_type,
        price=(
            instrument.price(place.price_ticks) if place.order_type is OrderType.LIMIT else None
        ),
        qty=instrument.qty(place.qty_lots),
        time_in_force=place.time_in_force,
        reduce_only=place.reduce_only and leg.opening is None,
        client_order_id=place.client_order_id,
    )


def open_order(order: Order) -> OpenOrder:
    """Return an order as the venue shows it."""
    return OpenOrder(
        symbol=leg_name(order.symbol, order.position_side),
        client_order_id=order.client_order_id,
        order_id=order.order_id,
        side=order.side,
        price_ticks=order.price_ticks,
        qty_lots=order.qty_lots,
        filled_lots=order.filled_lots,
        reduce_only=order.reduce_only,
        status=order.status,
        updated_ns=order.updated_ms * NS_PER_MS,
    )


def position(state: PositionState) -> Position:
    """Return a position."""
    return Position(
        symbol=leg_name(state.symbol, state.side),
        qty_lots=state.qty_lots,
        entry_price=state.entry_price,
        unrealized_pnl=state.unrealised,
        updated_ns=state.updated_ms * NS_PER_MS,
    )


def trade(row: AccountTrade) -> Trade:
    """Return one fill."""
    return Trade(
        symbol=leg_name(row.symbol, row.position_side),
        trade_id=row.trade_id,
        order_id=row.order_id,
        side=row.side,
        price_ticks=row.price_ticks,
        qty_lots=row.qty_lots,
        fee=row.commission,
        fee_asset=row.commission_asset,
        realized_pnl=row.realised_profit,
        is_maker=row.is_maker,
        ts_ns=row.ts_ms * NS_PER_MS,
    )


def order_reported(report: OrderReport, instrument: Instrument, connection: int) -> OrderReported:
    """Return a report of the private stream."""
    order = report.order
    return OrderReported(
        connection=connection,
        symbol=leg_name(order.symbol, order.position_side),
        client_order_id=order.client_order_id,
        order_id=order.order_id,
        side=order.side,
        order_type=order.type,
        execution=report.execution,
        status=order.status,
        price_ticks=order.price_ticks,
        qty_lots=order.qty_lots,
        filled_lots=order.filled_lots,
        last_price_ticks=instrument.ticks_exact(report.last_price),
        last_lots=instrument.lots_exact(report.last_qty),
        trade_id=report.trade_id,
        fee=report.commission,
        fee_asset=report.commission_asset,
        realized_pnl=report.realised_profit,
        is_maker=report.is_maker,
        reduce_only=order.reduce_only,
        expiry_reason=order.expire_reason,
        event_ns=report.ts_ms * NS_PER_MS,
    )


def account_reported(report: AccountReport, connection: int) -> AccountReported:
    """Return an account event of the private stream."""
    return AccountReported(
        connection=connection,
        reason=report.reason,
        wallets=tuple((one.asset, one.wallet, one.change) for one in report.balances),
        positions=tuple(position(one) for one in report.positions),
        event_ns=report.ts_ms * NS_PER_MS,
    )
