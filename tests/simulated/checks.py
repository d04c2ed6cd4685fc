"""What must be true of any world, judged by the exchange's own orders, trades and ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from grinder.actors.world import ACCOUNT
from grinder.execution.identity import decode
from grinder.kernel.signals import ActorFailed, ActorRestarted, ActorStarted
from grinder.messages.account import MismatchDetected, ReconcileRan
from grinder.messages.ledger import LedgerChanged
from grinder.messages.orders import OrderFilled, PlaceOrders
from grinder.model.legs import market_of
from grinder.model.order import Side
from grinder.simulation.orders import Order
from simulated.worlds import Stage, leg_of, level_of

ALL = 1_000_000


def history(stage: Stage, symbol: str) -> tuple[Order, ...]:
    """Return every order that the exchange has ever accepted of us, open or closed."""
    rows = stage.exchange.orders(ACCOUNT, market_of(symbol), from_order_id=1, limit=ALL)
    return tuple(
        row for row in rows if decode(row.client_order_id) is not None and leg_of(row) == symbol
    )


def overlaps(stage: Stage) -> list[str]:
    """Return every pair of orders that rested on one level at one moment of the whole run."""
    found = []
    for symbol in stage.instruments:
        ends: dict[str, tuple[int, str]] = {}
        for order in history(stage, symbol):
            level = level_of(order)
            end_ms, name = ends.get(level, (0, ""))
            if order.created_ms < end_ms:
                found.append(f"{symbol} {level}: {order.client_order_id} while {name} rested")
            is_open = not order.status.is_terminal
            ends[level] = (2**62 if is_open else order.updated_ms, order.client_order_id)
    return found


def names_used_twice(stage: Stage) -> list[str]:
    """Return client order ids that more than one order carried."""
    names = [
        order.client_order_id for symbol in stage.instruments for order in history(stage, symbol)
    ]
    return (
        sorted({name for name in names if names.count(name) > 1})
        if len(names) > len(set(names))
        else []
    )


def uncovered(stage: Stage) -> list[str]:
    """Return symbols whose exits do not cover the position exactly."""
    found = []
    for symbol in stage.instruments:
        held = stage.held(symbol)
        side = Side.SELL if held > 0 else Side.BUY
        exits = [order for order in stage.orders(symbol) if order.reduce_only]
        lots = sum(order.qty_lots - order.filled_lots for order in exits)
        if lots != abs(held) or any(order.side is not side for order in exits):
            found.append(f"{symbol}: {held} held, exits {lots}")
    return found


def differences(stage: Stage) -> list[str]:
    """Return where what our actors believe is not what the exchange shows."""
    found = []
    believed = {
        record.client_order_id: (record.symbol, record.side, record.price_ticks, record.filled_lots)
        for record in stage.actor("exchange")._desk.book.live()
    }
    shown = {
        order.client_order_id: (leg_of(order), order.side, order.price_ticks, order.filled_lots)
        for order in stage.orders()
    }
    if believed != shown:
        found.append(f"exchange: believes {sorted(believed)}, shown {sorted(shown)}")
    for symbol in stage.instruments:
        planner = stage.actor(f"policy.{symbol}")._planner
        held = {
            one.client_order_id: (one.side, one.price_ticks, one.remaining_lots)
            for one in planner.holdings.by_id.values()
        }
        resting = {
            order.client_order_id: (
                order.side,
                order.price_ticks,
                order.qty_lots - order.filled_lots,
            )
            for order in stage.orders(symbol)
        }
        if held != resting:
            found.append(f"policy.{symbol}: believes {sorted(held)}, shown {sorted(resting)}")
        lots = stage.held(symbol)
        risk_lots = stage.actor("risk")._facts.exposure.of(symbol).position_lots
        if (planner.position_lots, risk_lots) != (lots, lots):
            found.append(f"{symbol}: {planner.position_lots} and {risk_lots} believed, {lots} held")
        found += _pending_differences(stage, symbol)
    return found


def _pending_differences(stage: Stage, symbol: str) -> list[str]:
    exposure = stage.actor("risk")._facts.exposure.of(symbol)
    pending = dict.fromkeys(Side, 0)
    for order in stage.orders(symbol):
        if not order.reduce_only and decode(order.client_order_id) is not None:
            pending[order.side] += order.qty_lots - order.filled_lots
    believed = {Side.BUY: exposure.buy_lots, Side.SELL: exposure.sell_lots}
    return [] if believed == pending else [f"{symbol}: pending {believed}, at the venue {pending}"]


def missing_levels(stage: Stage) -> list[str]:
    """Return levels that the plan wants and that do not rest as it wants them."""
    found = []
    for symbol in stage.instruments:
        planner = stage.actor(f"policy.{symbol}")._planner
        shown = {
            level: (order.side, order.price_ticks) for level, order in stage.entries(symbol).items()
        }
        bid, ask = stage.market.quotes[market_of(symbol)]
        wanted = {one.level: (one.side, one.price_ticks) for one in planner._wanted().values()}
        due = {
            level: (side, ticks)
            for level, (side, ticks) in wanted.items()
            if (ticks < ask if side is Side.BUY else ticks > bid)
        }
        # A level that the market stands across may rest, if nobody took it, or wait.
        if not due.items() <= shown.items() <= wanted.items():
            found.append(f"{symbol}: wanted {wanted}, rests {shown}")
    return found


def book_differences(stage: Stage) -> list[str]:
    """Return where our ledger is not the exchange's, to the last digit."""
    last: dict[str, LedgerChanged] = {}
    for said in stage.said(LedgerChanged):
        last[said.symbol] = said
    venue = stage.exchange.ledger(ACCOUNT)
    ours = {
        "realised": sum((one.realized_pnl for one in last.values()), Decimal(0)),
        "commission": sum((one.fees for one in last.values()), Decimal(0)),
        "funding": sum((one.funding for one in last.values()), Decimal(0)),
        "fills": sum(one.fills for one in last.values()),
    }
    theirs = {name: getattr(venue, name) for name in ours}
    found = [] if ours == theirs else [f"ledger: {ours}, the venue {theirs}"]
    for symbol, one in last.items():
        if one.position_lots != stage.held(symbol):
            found.append(f"{symbol}: {one.position_lots} on the books, {stage.held(symbol)} held")
    return found


def fills_told_twice(stage: Stage) -> list[int]:
    """Return trade ids that ExchangeActor told more than once in one of its generations."""
    seen: set[tuple[str, int, int]] = set()
    twice = []
    generation = 1
    for one in stage.entries_of(OrderFilled, ActorFailed):
        body = one.body
        if isinstance(body, ActorFailed):
            generation += body.actor == "exchange"
            continue
        assert isinstance(body, OrderFilled)
        key = (body.symbol, body.trade_id, generation)
        if key in seen:
            twice.append(body.trade_id)
        seen.add(key)
    return twice


def permits_while_down(stage: Stage) -> list[str]:
    """Return entries that the router sent while an actor was known to be down."""
    down: set[str] = set()
    found = []
    for one in stage.entries_of(ActorFailed, ActorStarted, ActorRestarted, PlaceOrders):
        body = one.body
        if isinstance(body, ActorFailed):
            down.add(body.actor)
        elif isinstance(body, ActorStarted | ActorRestarted):
            down.discard(body.actor)
        elif isinstance(body, PlaceOrders) and body.permit is not None and down:
            # The router speaks before the exchange does: both are shown, neither may.
            found.append(
                f"{one.sender}: {body.orders[0].client_order_id} while {sorted(down)} down"
            )
    return found


def mismatches(stage: Stage) -> list[str]:
    """Return what ReconcileActor told, and what its last comparison still counts."""
    found = [f"{one.kind} {one.client_order_id}" for one in stage.said(MismatchDetected)]
    runs = stage.said(ReconcileRan)
    if not runs or runs[-1].mismatches:
        found.append(f"last comparison: {runs[-1:]}")
    return found


CHECKS: tuple[Callable[[Stage], Sequence[object]], ...] = (
    overlaps,
    names_used_twice,
    differences,
    uncovered,
    missing_levels,
    mismatches,
    book_differences,
    fills_told_twice,
)


def assert_all_well(stage: Stage) -> None:
    """Assert everything that must hold once the market has stood still for a while."""
    problems = [f"{check.__name__}: {one}" for check in CHECKS for one in check(stage)]
    assert not problems, "\n".join(problems)
