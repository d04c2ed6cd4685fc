"""Margin calls: the venue's warning before it liquidates."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from grinder.simulation.account import Account
from grinder.simulation.money import from_e8
from grinder.simulation.positions import Leg
from grinder.simulation.reports import CalledPosition, MarginCallReport

CALL_PER_CENT = 80
"""The margin ratio (maintenance margin over equity) at which the venue warns. It documents only
"too high"; liquidation is at 100."""

CALM_PER_CENT = 70
"""Below this ratio a warning is over, and the next one may be said. A gap of ten keeps a price that
trembles about the limit from repeating it."""


def called(leg: Leg, now_ms: int) -> MarginCallReport | None:
    """Return the warning about an isolated position, once each time that it gets into danger."""
    equity_e8 = leg.isolated_e8 + leg.unrealised_e8()
    was_called = leg.is_called
    leg.is_called = _is_in_danger(leg.maintenance_e8(), equity_e8, was_called=was_called)
    if was_called or not leg.is_called:
        return None
    return MarginCallReport(
        account=leg.desk.account.name,
        ts_ms=now_ms,
        cross_wallet=None,
        positions=(_shown(leg),),
    )


def called_crossed(account: Account, now_ms: int) -> MarginCallReport | None:
    """Return the warning about all crossed positions of an account, once for each time."""
    was_called = account.is_called
    account.is_called = _is_in_danger(
        account.cross_maintenance_e8(), account.cross_equity_e8(), was_called=was_called
    )
    if was_called or not account.is_called:
        return None
    return MarginCallReport(
        account=account.name,
        ts_ms=now_ms,
        cross_wallet=from_e8(account.wallet_e8 - account.isolated_e8()),
        positions=tuple(_shown(leg) for leg in _crossed(account)),
    )


def _is_in_danger(maintenance_e8: int, equity_e8: int, *, was_called: bool) -> bool:
    limit = CALM_PER_CENT if was_called else CALL_PER_CENT
    return maintenance_e8 > 0 and 100 * maintenance_e8 >= limit * equity_e8


def _crossed(account: Account) -> Iterable[Leg]:
    for _, desk in sorted(account.desks.items()):
        if not desk.is_isolated:
            yield from (leg for leg in desk.active_legs if leg.position.lots)


def _shown(leg: Leg) -> CalledPosition:
    return CalledPosition(state=leg.state(), mark_price=leg.book.mark_price or Decimal(0))
