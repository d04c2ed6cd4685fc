"""Lifecycle, kill switch, permits and what an operator may say."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import attrs

from grinder.kernel.message import Lane, Message


class StopPosition(StrEnum):
    """What becomes of positions when the system stops."""

    KEEP = "keep"
    FLATTEN = "flatten"


@attrs.frozen(kw_only=True)
class RiskStateChanged(Message):
    """The lifecycle moved. Said by RiskSupervisor; also once at its start, with equal states."""

    lane: ClassVar[Lane] = Lane.CONTROL

    from_state: str
    to_state: str
    reason: str
    """One of the reason codes of ``grinder.risk.states``; RESTARTED at a start."""
    at_ns: int


@attrs.frozen(kw_only=True)
class PermitsRevoked(Message):
    """Every permit with a serial below ``serial`` is void from now on."""

    lane: ClassVar[Lane] = Lane.CONTROL

    serial: int
    reason: str


@attrs.frozen(kw_only=True)
class Withdrawal:
    """One entry that a cap has no room for any more."""

    client_order_id: str
    code: str
    """MAX_POSITION_EXCEEDED or MAX_NOTIONAL_EXCEEDED."""
    detail: str
    """The numbers: ``CODE: worst_case=value cap=value``."""


@attrs.frozen(kw_only=True)
class EntriesWithdrawn(Message):
    """RiskSupervisor tells the policy of a leg which of its entries have to go.

    More is held, or may come to be, than was believed when they were let in. Said again while they
    rest and are too many.
    """

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    orders: tuple[Withdrawal, ...]
    """Furthest from the market first."""


@attrs.frozen(kw_only=True)
class KillSwitchTripped(Message):
    """The latch closed; only a named operator opens it."""

    lane: ClassVar[Lane] = Lane.CONTROL

    reason: str
    """DRAWDOWN_LIMIT, MANUAL or ERROR."""
    detail: str


@attrs.frozen(kw_only=True)
class TripKillSwitch(Message):
    """An operator or a guard wants everything that adds risk stopped."""

    lane: ClassVar[Lane] = Lane.CONTROL

    reason: str
    detail: str


@attrs.frozen(kw_only=True)
class ResetKillSwitch(Message):
    """A named operator opens the latch."""

    lane: ClassVar[Lane] = Lane.CONTROL

    operator: str


@attrs.frozen(kw_only=True)
class OverrideLifecycle(Message):
    """An operator holds the lifecycle in PAUSE or EMERGENCY, or lets go with NONE."""

    lane: ClassVar[Lane] = Lane.CONTROL

    override: str
    operator: str


@attrs.frozen(kw_only=True)
class LatchMoved(Message):
    """A latch has closed or opened, or was found closed at the start. Said by whoever has it."""

    lane: ClassVar[Lane] = Lane.CONTROL

    latch: str
    """kill_switch, override (an operator's hold) or grid (a stop has ended it)."""
    symbol: str
    """Empty unless it is that of one grid."""
    reason: str
    """Why it is closed: MANUAL, PAUSE, STOP_LOSS, ...; empty when it is open."""
    detail: str
    is_restored: bool
    """True when an earlier process closed it."""


@attrs.frozen(kw_only=True)
class LatchesReported(Message):
    """The keeper tells RiskSupervisor whether what is latched reaches the disk, when that turns."""

    lane: ClassVar[Lane] = Lane.CONTROL

    is_written: bool
    detail: str
    """Why it does not, and whether that is tried again; empty when it does."""


@attrs.frozen(kw_only=True)
class StopTrading(Message):
    """The system is about to end: no new risk, own orders off the book."""

    lane: ClassVar[Lane] = Lane.CONTROL

    position: StopPosition


@attrs.frozen(kw_only=True)
class WindDownStarted(Message):
    """RiskSupervisor tells everyone that permits have ended for good in this run."""

    lane: ClassVar[Lane] = Lane.CONTROL

    position: StopPosition


@attrs.frozen(kw_only=True)
class WindDownCompleted(Message):
    """ExchangeActor has confirmed with the venue what is left."""

    lane: ClassVar[Lane] = Lane.CONTROL

    open_orders: int
    positions: tuple[tuple[str, str], ...]
    """(symbol, signed quantity in base units as text) of what is not flat."""
    is_confirmed: bool
    """False when the venue could not be asked: the dead-man countdown is then the last resort."""
    detail: str


@attrs.frozen(kw_only=True)
class LedgerRequested(Message):
    """A restarted RiskSupervisor asks LedgerActor for the totals of every symbol."""


@attrs.frozen(kw_only=True)
class RiskBudgetChanged(Message):
    """What a symbol may risk, and how the account is doing. Said by RiskSupervisor."""

    conflate_by: ClassVar[str | None] = "symbol"

    symbol: str
    equity: Decimal
    """Of the account, in quote units; 0 while unknown."""
    budget: Decimal
    """This symbol's share of the loss that may be risked, in quote units."""
    budget_ratio: Decimal | None
    """What is left of the drawdown that trips the kill switch, in [0, 1], up to the twentieth;
    sizes are scaled by it. 0 when the day has lost too much. None: unlimited."""
    session_drawdown: float
    """Loss from the highest equity of the run, as a fraction of it."""
    daily_drawdown: float
    """Loss since midnight UTC, as a fraction of the equity then."""
    is_killed: bool


@attrs.frozen(kw_only=True)
class BanSymbol(Message):
    """An operator wants no entries of a symbol; exits stay. Told to RiskSupervisor."""

    lane: ClassVar[Lane] = Lane.CONTROL

    symbol: str
    duration_ns: int
    """From when it is heard; 0: until the ban is lifted."""
    reason: str
    operator: str


@attrs.frozen(kw_only=True)
class LiftBan(Message):
    """An operator ends the ban of a symbol. Told to RiskSupervisor."""

    lane: ClassVar[Lane] = Lane.CONTROL

    symbol: str
    operator: str


@attrs.frozen(kw_only=True)
class SymbolBanned(Message):
    """A ban has begun, changed or ended. Said by RiskSupervisor, again after each restart."""

    lane: ClassVar[Lane] = Lane.CONTROL

    symbol: str
    is_banned: bool
    until_ns: int
    """Unix time; 2**63 - 1: until it is lifted."""
    reason: str
    operator: str
    """Who has begun it."""
