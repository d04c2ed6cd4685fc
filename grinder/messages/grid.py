"""From plan to permission: intents, their approval and their refusal."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import attrs

from grinder.kernel.message import Lane, Message
from grinder.model.grid import GridPlan, MarketRegime
from grinder.model.order import Side
from grinder.model.permit import Permit


class IntentAction(StrEnum):
    """What a policy wants done."""

    PLACE = "PLACE"
    CANCEL = "CANCEL"


# A name of its own costs a tenth of a look into an enum; these are read with each proposal.
_PLACE, _NORMAL, _URGENT = IntentAction.PLACE, Lane.NORMAL, Lane.URGENT


class Manner(StrEnum):
    """How a placement meets the book."""

    PASSIVE = "PASSIVE"
    """Post-only: it never takes."""
    CROSS = "CROSS"
    """It takes what stands no worse than its price, and the rest of it expires (IOC)."""
    MARKET = "MARKET"
    """It takes what there is; its price is 0."""


@attrs.frozen(kw_only=True)
class Intent:
    """One wish of a policy."""

    action: IntentAction
    level: str
    """Grid level such as b3, s1 or x2 (exit); at most three characters."""
    side: Side
    price_ticks: int = 0
    qty_lots: int = 0
    reduce_only: bool = False
    client_order_id: str = ""
    """The order to cancel; empty for a placement."""
    reason: str
    """GRID_FILL, GRID_TRIM, GRID_SHIFT, GRID_RESIZE, TP_CLOSE, TP_SHIFT, CANCEL_ONLY, ..."""
    manner: Manner = Manner.PASSIVE
    """Anything but PASSIVE only with reduce_only."""

    @property
    def adds_risk(self) -> bool:
        """True for a placement that is not reduce-only."""
        return self.action is _PLACE and not self.reduce_only


@attrs.frozen(kw_only=True)
class Denial:
    """Why an intent may not go on. Ours; what the venue says is a rejection."""

    code: str
    """A name of ``grinder.risk.denials.DenialCode`` or of the router's filter checks."""
    level: str
    side: Side
    action: IntentAction = IntentAction.PLACE
    detail: str = ""
    """The numbers: ``CODE: key=value key=value``."""


def _lane(message: IntentsProposed | IntentsApproved) -> Lane:
    """URGENT if anything in it cancels or reduces: what adds risk stands last."""
    intents = message.intents
    if intents and (intents[0].reduce_only or intents[0].action is not _PLACE):
        return _URGENT
    return _NORMAL


@attrs.frozen(kw_only=True)
class IntentsProposed(Message):
    """PolicyActor asks RiskSupervisor for leave; cancels and exits travel in the urgent lane."""

    version: ClassVar[int] = 2

    symbol: str
    intents: tuple[Intent, ...]
    """What adds risk stands behind everything else."""
    mid_ticks2: int
    """Bid plus ask in ticks (twice the mid) that the plan was made on."""
    tick_ns: int
    """When the market frame behind the plan reached us; 0 when something else was behind it."""

    lane = property(_lane)


@attrs.frozen(kw_only=True)
class IntentsApproved(Message):
    """RiskSupervisor tells RouterActor what may go on."""

    version: ClassVar[int] = 2

    symbol: str
    intents: tuple[Intent, ...]
    """In the order in which they were proposed."""
    permit: Permit | None
    """Needed for whatever adds risk; None when nothing in it does."""
    mid_ticks2: int
    tick_ns: int

    lane = property(_lane)


@attrs.frozen(kw_only=True)
class IntentsDenied(Message):
    """RiskSupervisor or RouterActor tells PolicyActor what may not, and why."""

    symbol: str
    denials: tuple[Denial, ...]


@attrs.frozen(kw_only=True)
class PlanRequested(Message):
    """PolicyActor reminds itself to plan, once for all the news that wait before it."""

    conflate_by: ClassVar[str | None] = "symbol"

    symbol: str


@attrs.frozen(kw_only=True)
class LadderPlanned(Message):
    """What a policy wants to have resting; said when the plan changed, for people to see."""

    symbol: str
    anchor_ticks2: int
    """Twice the mid that the ladder is centred on."""
    step_ticks: int
    bids: tuple[int, ...]
    """Wanted buy prices in ticks, best first."""
    asks: tuple[int, ...]
    exits: tuple[int, ...]
    position_lots: int
    average_price: Decimal
    reason: str


class CloseStage(StrEnum):
    """How far a close has gone."""

    OFFERED = "OFFERED"
    """Post-only at the touch."""
    CROSSING = "CROSSING"
    """Orders that take, with bounded slippage."""
    MARKET = "MARKET"
    """Market orders."""
    OVERDUE = "OVERDUE"
    """It takes longer than it should; it goes on as before."""
    OVER = "OVER"
    """Nothing is held any more, or nothing calls for it any more."""


@attrs.frozen(kw_only=True)
class CloseProgressed(Message):
    """A position that has to go is at another stage of going. Said by PolicyActor, for people."""

    symbol: str
    stage: CloseStage
    reason: str
    """STOP_LOSS, STOP_LOWER, KILL_SWITCH, EMERGENCY_EXIT_LONG, ..."""
    position_lots: int
    """What is still held."""
    age_ms: int
    """Since it had to go."""
    attempts: int
    """How often orders that take have been sent."""


@attrs.frozen(kw_only=True)
class PlanChosen(Message):
    """A policy has answered with another plan than before. Said by PolicyActor, for people."""

    symbol: str
    policy: str
    """Name of the policy that has it."""
    plan: GridPlan
    spacing_ticks: int
    """Distance of the first two levels in ticks, as the ladder will have it."""


@attrs.frozen(kw_only=True)
class RegimeChanged(Message):
    """The market of a symbol is taken for another one. Said by PolicyActor, for people."""

    symbol: str
    from_regime: MarketRegime
    to_regime: MarketRegime
    reason: str
    """KILL_SWITCH, SPREAD_SPIKE, THIN_LIQUIDITY, HIGH_VOLATILITY, TREND_DETECTED, DEFAULT, ..."""
    confidence: int
    """Per cent."""


@attrs.frozen(kw_only=True)
class PolicySwitched(Message):
    """The selector has put another policy in charge of a symbol. Said by PolicyActor."""

    symbol: str
    from_policy: str
    to_policy: str
    reason: str


@attrs.frozen(kw_only=True)
class SymbolSelected(Message):
    """Whether a symbol may have entries, by its rank. Said by SelectionActor when it changes."""

    symbol: str
    is_selected: bool
    rank: int
    """From 1; 0 when it is not selected."""
    score: int
    reasons: tuple[str, ...]
    """Gates that it failed; empty when it was merely ranked too low or is selected."""


@attrs.frozen(kw_only=True)
class SelectionRanked(Message):
    """The whole ranking, with each re-rank. Said by SelectionActor, for people."""

    selected: tuple[str, ...]
    scores: tuple[tuple[str, int], ...]
    """(symbol, score), best first."""
    excluded: tuple[tuple[str, str], ...]
    """(symbol, reason) of everyone that a gate keeps out."""
