"""[policy]: who decides the ladder, what it looks like, and the limits of the whole grid."""

from __future__ import annotations

from decimal import Decimal

import attrs


@attrs.frozen(kw_only=True)
class GridSettings:
    """[policy]: the ladder."""

    name: str = "static"
    """Who decides: a policy of ``grinder policies``, or auto for the selector."""
    options: tuple[str, ...] = ()
    """KEY=VALUE for the policy that is named, NAME.KEY=VALUE for one of the selector's."""
    spacing_bps: int = 5
    """Distance between levels, in basis points of the mid."""
    spacing_kind: str = "arithmetic"
    """arithmetic: as many ticks between all levels; geometric: the same ratio."""
    levels: int = 8
    """Levels on each side."""
    level_notional: Decimal = Decimal(250)
    """Worth of one level in quote units; rounded down to the lot."""
    recentre_bps: int = 10
    """The ladder moves once the mid has moved this far from its anchor."""
    price_epsilon: float = 0.2
    """A level that another plan wants elsewhere stays while it is off by at most this share of the
    step."""
    qty_epsilon_pct: float = 1.0
    """The same for its quantity, in per cent of what is wanted."""
    freeze_in_position: bool = True
    """Leave the ladder where it is while a position is open."""
    direction: str = "neutral"
    """neutral, long (buys, and exits of what they bought) or short."""
    opposite: str = "reduce-only"
    """While a position is open: reduce-only, the other side holds nothing but exits; keep, its
    levels stay and may turn the position."""
    slot_takeover: bool = False
    """With opposite = keep: where exits are more than the levels that were filled, each takes the
    place of the outermost level of its side, so that the number of orders stays the same."""
    exits: str = "average"
    """average: one step from the average entry price; per-level: each fill has its own exit, one
    step of the ladder beyond its own price."""
    exit_spacing_bps: int = 5
    """Distance of the first exit from the average entry price."""
    exit_ttl_ms: int = 0
    """An exit this old is replaced by one where it would be placed now; 0: never."""
    exit_retry_ms: int = 1_000
    """Pause before a refused exit is tried again, and between two moves of one."""
    refused_level_pause_ms: int = 500
    """Pause before a level refused as post-only is tried again."""
    price_lower: str = ""
    """No level stands below: a price, or with % a distance from the mid at the start, as -5%."""
    price_upper: str = ""
    lines: int = 0
    """From 2: a grid of so many fixed prices, price_lower and price_upper the outermost."""
    trailing: str = "off"
    """up, down or both: the fixed prices follow the market beyond them by whole steps."""
    initial_position: str = "none"
    """With lines and a direction. post-only: a grid that starts between its lines first buys what
    those above the market are to sell, at the touch, a level at a time; with direction short the
    mirror image. none: it waits for the market to come."""
    start_price: str = ""
    """No level is placed before the mid has reached it: a price or a percentage."""
    stop_lower: str = ""
    """A mid at or below it ends the grid: entries go, the position is closed by reduce-only exits
    at the touch. A price or a percentage; moves along with trailing prices."""
    stop_upper: str = ""
    take_profit: Decimal = Decimal(0)
    """Profit of the symbol that ends the grid, realised and open, in quote units; 0: none."""
    stop_loss: Decimal = Decimal(0)
    """The same for a loss, as a positive number."""
    reinvest: bool = False
    """Let levels grow with the realised profit."""
