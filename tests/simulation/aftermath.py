"""What one call may have done to the market: judged from the book before and the events after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from grinder.model.instrument import Instrument
from grinder.simulation.account import Account
from grinder.simulation.book import HalfBook
from grinder.simulation.external import FAR
from grinder.simulation.reports import AlgoReport, Event, Execution, OrderReport, OwnTrade

Shown = dict[int, int]
"""Displayed lots that can be taken, by key."""


def available(half: HalfBook) -> Shown:
    """Return what the market displays on one side and nobody has taken."""
    external = half.external
    return {key: external.available(key) for key in external.keys_within(FAR - 1)}


def fills(events: Sequence[Event]) -> list[OrderReport]:
    """Return the fills before the first conditional order that these events triggered."""
    found: list[OrderReport] = []
    for event in events:
        if isinstance(event, AlgoReport):
            break
        if isinstance(event, OrderReport) and event.last_qty:
            found.append(event)
    return found


def check_taken(
    instrument: Instrument, half: HalfBook, before: Shown, events: Sequence[Event]
) -> None:
    """Displayed lots are taken once: what a taker got is gone."""
    if any(isinstance(event, AlgoReport) for event in events):
        return
    matched = {event.trade_id for event in events if isinstance(event, OwnTrade)}
    taken: Counter[int] = Counter()
    for report in fills(events):
        if not report.is_maker and report.trade_id not in matched:
            key = instrument.ticks_exact(report.last_price) * half.direction
            taken[key] += instrument.lots_exact(report.last_qty)
    for key, lots in taken.items():
        assert half.external.available(key) == before[key] - lots, "displayed lots came again"


def reach(half: HalfBook, key: int, lots: int) -> int:
    """Return how many lots of resting orders a print of ``lots`` at ``key`` can fill at most."""
    better = sum(
        order.remaining for at in half.keys if at < key for order in half.levels[at].orders.values()
    )
    level = half.levels.get(key)
    ahead = level.head().ahead if level is not None else 0
    through = min(lots, better)
    return through + max(0, lots - through - ahead)


def check_liquidated(accounts: Sequence[Account], symbol: str, events: Sequence[Event]) -> None:
    """After a mark price nobody who holds the symbol has less than the maintenance margin.

    Whoever traded with a liquidated position is judged at the next mark price.
    """
    if any(isinstance(event, AlgoReport) for event in events):
        return
    forced = {event.account for event in fills(events) if event.execution is Execution.CALCULATED}
    traded = {event.account for event in fills(events) if event.execution is Execution.TRADE}
    for account in accounts:
        if account.name in traded:
            continue
        desk = account.desks.get(symbol)
        if desk is None:
            continue
        held = [leg for leg in desk.active_legs if leg.position.lots]
        if desk.is_isolated:
            for leg in held:
                assert leg.isolated_e8 + leg.unrealised_e8() >= leg.maintenance_e8()
        elif held:
            assert account.cross_equity_e8() >= account.cross_maintenance_e8()
        elif account.name in forced and not account.cross_maintenance_e8():
            assert account.cross_equity_e8() >= 0, "a loss beyond the margin was not paid"
