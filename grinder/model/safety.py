"""[close] and [latches]: how a position is got rid of, and what outlives the process."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class CloseSettings:
    """[close]: how a position that has to go is closed."""

    on_stop: str = "market"
    """How far it goes after a stop, a stop loss, the policy emergency or the kill switch. off: it
    is offered at the touch and waits; cross: then come orders that take, with bounded slippage;
    market: then market orders."""
    on_take_profit: str = "off"
    """The same after a take profit."""
    on_toxic_flow: str = "off"
    """The same where nothing but EXTREME toxicity calls for it."""
    kill_position: str = "keep"
    """What becomes of what is held when the kill switch trips: keep leaves it to its exits, unless
    the policy emergency has its turn; flatten closes it."""
    patience_ms: int = 3_000
    """How long it is offered post-only at the touch before orders take."""
    slippage_bps: int = 10
    """How far beyond the touch the first order that takes may trade."""
    slippage_step_bps: int = 10
    """Each further one may trade so much further."""
    slippage_max_bps: int = 100
    """... up to here."""
    interval_ms: int = 1_000
    """Pause between two orders that take, and between two market orders."""
    market_after_ms: int = 10_000
    """Market orders from so long after the position had to go."""
    overdue_ms: int = 30_000
    """A close that is not done by then is told as overdue, and again each time this has passed."""


@attrs.frozen(kw_only=True)
class LatchSettings:
    """[latches]: kill switch, operator's hold and grids that are over, for the next process."""

    file: str = ""
    """Where they are kept; needed, with run.armed, for any venue but the simulated one. Empty: the
    process forgets them when it ends. Each account needs a file of its own."""
