"""Margin calls: the venue's warning before it liquidates."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from grinder.simulation.account import Desk
from grinder.simulation.money import from_e8
from grinder.simulation.positions import Leg
from grinder.simulation.reports import CalledPosition, MarginCallReport
from grinder.simulation.wallet import Wallet

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


def called_crossed(desk: Desk, now_ms: int) -> MarginCallReport | None:
    """Return the warning about all crossed positions that share a wallet, once for each time."""
    wallet = desk.wallet
    was_called = wallet.is_called
    wallet.is_called = _is_in_danger(
        wallet.cross_maintenance_e8(), wallet.cross_equity_e8(), was_called=was_called
    )
    if was_called or not wallet.is_called:
        return None
    return MarginCallReport(
        account=desk.account.name,
        ts_ms=now_ms,
        cross_wallet=from_e8(wallet.wallet_e8 - wallet.isolated_e8()),
        positions=tuple(_shown(leg) for leg in _crossed(wallet)),
    )


def _is_in_danger(maintenance_e8: int, equity_e8: int, *, was_called: bool) -> bool:
    limit = CALM_PER_CENT if was_called else CALL_PER_CENT
    return maintenance_e8 > 0 and 100 * maintenance_e8 >= limit * equity_e8


def _crossed(wallet: Wallet) -> Iterable[Leg]:
    for desk in sorted(wallet.desks, key=lambda each: each.instrument.symbol):
        if not desk.is_isolated:
            yield from (leg for leg in desk.active_legs if leg.position.lots)


def _shown(leg: Leg) -> CalledPosition:
    return CalledPosition(state=leg.state(), mark_price=leg.book.mark_price or Decimal(0))
