"""The life of an order as one table: every state, every event, decided.

The venue's stream, its answers to our requests and its answers to our questions arrive in any
order and more than once, so the table says for each pair whether it moves the order, means
nothing new, contradicts what we know (then the order is looked up), or can't be anything but our
own bug. Odd rows that are facts of life: a fill before the acknowledgement, a fill after the
cancellation, and an order that shows up after we had concluded it never came to be.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from grinder.errors import InvariantError


class OrderState(StrEnum):
    """Where an order is, as far as we know."""

    PENDING_NEW = "PENDING_NEW"
    """Handed to the port; not answered yet."""
    UNKNOWN = "UNKNOWN"
    """The placement's outcome is unknown; it will be looked up."""
    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    PENDING_CANCEL = "PENDING_CANCEL"
    """The cancel has been handed to the port; not answered yet."""
    CANCEL_UNKNOWN = "CANCEL_UNKNOWN"
    """The cancel's outcome, or the fate of an order already gone, is being looked up."""
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"

    @property
    def is_live(self) -> bool:
        """True while something can still happen to the order."""
        return self not in TERMINAL

    @property
    def is_resting(self) -> bool:
        """True when it rests at the venue and no cancel is under way."""
        return self in (OrderState.OPEN, OrderState.PARTIALLY_FILLED)


TERMINAL = frozenset(
    (OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED)
)
"""States in which nothing is expected to happen any more."""


class OrderEvent(StrEnum):
    """What can be heard of an order."""

    PLACE_DONE = "PLACE_DONE"
    PLACE_REFUSED = "PLACE_REFUSED"
    PLACE_UNKNOWN = "PLACE_UNKNOWN"
    NEW = "NEW"
    """Reported by the stream, like the five that follow."""
    TRADE = "TRADE"
    """A fill that leaves a rest."""
    FILL = "FILL"
    """The fill that leaves nothing."""
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    AMENDED = "AMENDED"
    REFUSED = "REFUSED"
    FOUND_OPEN = "FOUND_OPEN"
    """Answered to a question, like the five that follow."""
    FOUND_FILLED = "FOUND_FILLED"
    FOUND_CANCELED = "FOUND_CANCELED"
    FOUND_EXPIRED = "FOUND_EXPIRED"
    FOUND_REJECTED = "FOUND_REJECTED"
    NOT_FOUND = "NOT_FOUND"
    CANCEL_SENT = "CANCEL_SENT"
    CANCEL_DONE = "CANCEL_DONE"
    CANCEL_REFUSED = "CANCEL_REFUSED"
    CANCEL_GONE = "CANCEL_GONE"
    """Refused because the venue has no such open order."""
    CANCEL_UNKNOWN = "CANCEL_UNKNOWN"


class Step(NamedTuple):
    """What an event does to an order."""

    state: OrderState
    is_contradiction: bool
    """True when the event can't be squared with what is known: look the order up."""


# One row an event, one column a state. Cells: . nothing new; ? contradiction, look it up;
# ! our own bug; RS resting (OPEN, or PARTIALLY_FILLED once anything has filled); or a state.
_TABLE = """
                PN  UN  OP  PF  PC  CU  FI  CA  EX  RE
PLACE_DONE      RS  RS  .   .   .   .   .   .   .   ?
PLACE_REFUSED   RE  RE  ?   ?   ?   ?   .   .   .   .
PLACE_UNKNOWN   UN  .   .   .   .   .   .   .   .   .
NEW             RS  RS  .   .   .   .   .   .   .   RS
TRADE           PF  PF  PF  .   .   .   .   .   .   PF
FILL            FI  FI  FI  FI  FI  FI  .   FI  FI  FI
CANCELED        CA  CA  CA  CA  CA  CA  .   .   .   CA
EXPIRED         EX  EX  EX  EX  EX  EX  .   .   .   EX
AMENDED         RS  RS  .   .   .   .   .   .   .   RS
REFUSED         RE  RE  ?   ?   ?   ?   .   .   .   .
FOUND_OPEN      RS  RS  RS  RS  .   RS  .   .   .   RS
FOUND_FILLED    FI  FI  FI  FI  FI  FI  .   FI  FI  FI
FOUND_CANCELED  CA  CA  CA  CA  CA  CA  .   .   .   CA
FOUND_EXPIRED   EX  EX  EX  EX  EX  EX  .   .   .   EX
FOUND_REJECTED  RE  RE  EX  EX  EX  EX  .   .   .   .
NOT_FOUND       .   RE  EX  EX  CA  CA  .   .   .   .
CANCEL_SENT     !   !   PC  PC  !   !   !   !   !   !
CANCEL_DONE     CA  CA  CA  CA  CA  CA  .   .   .   .
CANCEL_REFUSED  .   .   .   .   RS  RS  .   .   .   .
CANCEL_GONE     .   .   ?   ?   CU  .   .   .   .   .
CANCEL_UNKNOWN  .   .   ?   ?   CU  .   .   .   .   .
"""

_CODES: dict[str, OrderState] = {
    "PN": OrderState.PENDING_NEW,
    "UN": OrderState.UNKNOWN,
    "OP": OrderState.OPEN,
    "PF": OrderState.PARTIALLY_FILLED,
    "PC": OrderState.PENDING_CANCEL,
    "CU": OrderState.CANCEL_UNKNOWN,
    "FI": OrderState.FILLED,
    "CA": OrderState.CANCELED,
    "EX": OrderState.EXPIRED,
    "RE": OrderState.REJECTED,
}


def _parse(table: str) -> dict[tuple[OrderState, OrderEvent], str]:
    header, *rows = table.strip().splitlines()
    columns = [_CODES[code] for code in header.split()]
    cells: dict[tuple[OrderState, OrderEvent], str] = {}
    for row in rows:
        name, *codes = row.split()
        for state, code in zip(columns, codes, strict=True):
            cells[state, OrderEvent(name)] = code
    return cells


TRANSITIONS = _parse(_TABLE)
"""Cell of the table for each (state, event)."""


def _step(state: OrderState, cell: str, *, has_fills: bool) -> Step:
    if cell == "RS":
        state = OrderState.PARTIALLY_FILLED if has_fills else OrderState.OPEN
    elif cell not in (".", "?"):
        state = _CODES[cell]
    return Step(state, cell == "?")


_STEPS = {
    pair: (_step(pair[0], cell, has_fills=False), _step(pair[0], cell, has_fills=True))
    for pair, cell in TRANSITIONS.items()
    if cell != "!"
}
"""What each pair that can be heard comes to: before any lot has filled, and after."""


def next_state(state: OrderState, event: OrderEvent, *, has_fills: bool) -> Step:
    """Return what ``event`` does to an order in ``state``.

    Args:
        state: the state before.
        event: what was heard.
        has_fills: whether any lot of the order is known to have filled.

    Raises:
        InvariantError: only our own code can have caused the pair.
    """
    steps = _STEPS.get((state, event))
    if steps is None:
        raise InvariantError(f"expected no {event} for an order in {state}")
    return steps[has_fills]
