"""Tell the public of a liquidation."""

from __future__ import annotations

from grinder.simulation.reports import Execution, OrderReport
from grinder.venues.sim import frames
from grinder.venues.sim.klines import Publisher
from grinder.venues.sim.rendering import plain


def tell_liquidation(publisher: Publisher, frame: frames.Frame) -> None:
    """Send a ``forceOrder`` frame to those who listen to its symbol or to all."""
    for stream in (f"{frame['o']['s'].lower()}@forceOrder", "!forceOrder@arr"):
        publisher.publish(stream, frame)


def tell_if_liquidated(publisher: Publisher, report: OrderReport, now_ms: int) -> None:
    """Tell the public of an order that closed a position by force; of any other nothing."""
    if report.execution is not Execution.CALCULATED:
        return
    order = report.order
    frame = frames.force_order(
        order.symbol,
        side=order.side.value,
        price=plain(report.last_price),
        qty=plain(report.last_qty),
        now_ms=now_ms,
    )
    tell_liquidation(publisher, frame)
