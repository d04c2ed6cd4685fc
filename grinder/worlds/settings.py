"""What a world is set to: the defaults with short pauses, and options drawn from its seed.

The default policy has the options of the settings. Where another one decides, or one of the words
below stands in its place, the seed draws options of the grid, selection and sizing besides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any, Final

import attrs

from grinder.model.grid_settings import GridSettings
from grinder.model.legs import HEDGE, ONE_WAY
from grinder.model.settings import (
    Config,
    FeatureSettings,
    JournalSettings,
    RouterSettings,
    RunSettings,
)
from grinder.model.strategy import BooksSettings, SelectionSettings

BOTS: Final = "bots"
"""In place of a policy: the ladder of the settings, with options of the grid."""
LINES: Final = "lines"
"""The same on fixed prices."""
HEDGED: Final = "hedge"
"""The same in hedge mode: a grid for each leg of a market."""
WORDS: Final = (BOTS, LINES, HEDGED)
PLAIN: Final = "static"
"""The policy that is played with the options of the settings."""
SHARE: Final = 0.4
"""Part of the worlds with options in which each of them is drawn."""

Drawn = dict[str, Any]
"""Fields of [policy], or a section's name and True."""


def _lines(chance: Random) -> Drawn:
    return {
        "lines": chance.randint(5, 12),
        "price_lower": "-0.4%",
        "price_upper": "0.4%",
        "trailing": chance.choice(("off", "up", "down", "both")),
    }


def _limits(chance: Random) -> Drawn:
    return {"price_lower": "-0.3%", "price_upper": chance.choice(("0.3%", ""))}


def _stops(chance: Random) -> Drawn:
    return {"stop_lower": chance.choice(("-0.7%", "")), "stop_upper": chance.choice(("0.8%", ""))}


def _amounts(chance: Random) -> Drawn:
    profit, loss = chance.choice((Decimal("0.6"), Decimal(2))), chance.choice((Decimal(2), 4))
    return {"take_profit": profit, "stop_loss": Decimal(loss)}


def _takeover(chance: Random) -> Drawn:
    return {"opposite": "keep", "slot_takeover": chance.random() < 0.7}


OPTIONS: Final[Mapping[str, Callable[[Random], Drawn]]] = {
    "lines": _lines,
    "limits": _limits,
    "stops": _stops,
    "amounts": _amounts,
    "takeover": _takeover,
    "per-level": lambda _: {"exits": "per-level"},
    "geometric": lambda _: {"spacing_kind": "geometric"},
    "direction": lambda chance: {"direction": chance.choice(("long", "short"))},
    "renewal": lambda chance: {"exit_ttl_ms": chance.choice((4_000, 15_000))},
    "start": lambda chance: {"start_price": chance.choice(("-0.1%", "0.15%"))},
    "moving": lambda _: {"freeze_in_position": False},
    "reinvest": lambda _: {"reinvest": True},
    "selection": lambda _: {"selection": True},
    "sizing": lambda _: {"sizing": True},
    "initial": lambda chance: {
        "initial_position": "post-only",
        "exits": "per-level",
        "direction": chance.choice(("long", "short")),
    },
    HEDGED: lambda _: {HEDGED: True},
}
"""What may be drawn, by the name under which it is told."""


def options_of(seed: int, policy: str) -> dict[str, Drawn]:
    """Return what is drawn for a world, by name; nothing for the default policy.

    Worlds of another policy have options in half of the cases.
    """
    chance = Random(f"options {seed}")
    if policy == PLAIN or (policy not in WORDS and chance.random() < 0.5):
        return {}
    drawn = {}
    for name, choose in OPTIONS.items():
        fields = choose(chance)
        if chance.random() < SHARE or name == policy:
            drawn[name] = fields
    if {"sizing", "takeover"} & drawn.keys() or policy != LINES:
        # It needs lines and sizes of the settings, and a side without entries.
        drawn.pop("initial", None)
    # Lines have limits of their own.
    drawn.pop({BOTS: "lines"}.get(policy, "limits" if "lines" in drawn else ""), None)
    if "initial" in drawn and policy != HEDGED:
        drawn.pop(HEDGED, None)
    if HEDGED in drawn:
        # Each leg has a direction of its own.
        drawn.pop("direction", None)
        drawn.pop("initial", None)
    return drawn


def settings_of(seed: int, policy: str, symbols: tuple[str, ...]) -> Config:
    """Return the settings of a world: the defaults, with few levels and short pauses.

    In some worlds the cap leaves no room for the whole ladder, or orders are few. Where anything
    but the static policy decides, bars are short and samples many, so that minutes are hours.
    """
    tree = Config(run=RunSettings(symbols=symbols))
    chance = Random(f"settings {seed}")
    is_capped = chance.random() < 0.3
    is_frugal = chance.random() < 0.3
    levels = chance.choice((2, 3, 4))
    cap = tree.policy.level_notional * 2 if is_capped else tree.risk.position_notional_max
    drawn = options_of(seed, policy)
    return attrs.evolve(
        tree,
        adaptive=attrs.evolve(tree.adaptive, levels_max=levels + 2),
        features=_features(tree.features, policy),
        policy=_grid(attrs.evolve(tree.policy, levels=levels), policy, drawn),
        venue=attrs.evolve(tree.venue, position_mode=HEDGE if HEDGED in drawn else ONE_WAY),
        selection=_selection(tree.selection, is_enabled="selection" in drawn),
        sizing=attrs.evolve(tree.sizing, mode="auto" if "sizing" in drawn else "fixed"),
        risk=attrs.evolve(
            tree.risk,
            cooldown_ms=2_000,
            position_notional_max=cap,
            order_notional_max=min(cap, tree.risk.order_notional_max),
        ),
        router=_frugal(tree.router) if is_frugal else tree.router,
        sync=attrs.evolve(tree.sync, interval_ms=3_000, missing_after_ms=3_000),
        supervision=attrs.evolve(tree.supervision, restarts_max=60),
        # In memory, as everything here is: only that there is a URL counts.
        books=BooksSettings(url="" if seed % 4 == 0 else "sqlite:///world"),
        journal=JournalSettings(fsync="never", flush_ms=250, compress=False, lag_max_ms=2_000),
    )


def _features(features: FeatureSettings, policy: str) -> FeatureSettings:
    if policy == PLAIN:
        return features
    return attrs.evolve(features, bar_interval_ms=2_000, sample_ms=500)


def _frugal(router: RouterSettings) -> RouterSettings:
    return attrs.evolve(router, orders_10s_max=8, orders_1m_max=40)


def _grid(grid: GridSettings, policy: str, drawn: Mapping[str, Drawn]) -> GridSettings:
    fields = {key: value for one in drawn.values() for key, value in one.items()}
    fields.pop("selection", None)
    fields.pop("sizing", None)
    fields.pop(HEDGED, None)
    return attrs.evolve(grid, name=PLAIN if policy in WORDS else policy, **fields)


def _selection(selection: SelectionSettings, *, is_enabled: bool) -> SelectionSettings:
    """Return gates that a world's market passes: one of two symbols, changing often."""
    if not is_enabled:
        return selection
    return attrs.evolve(
        selection,
        enabled=True,
        top_k=1,
        rerank_ms=5_000,
        dwell_ms=3_000,
        hold_ms=15_000,
        spread_max_bps=50.0,
        volume_24h_min=Decimal(0),
        volume_1h_min=Decimal(0),
        trades_1m_min=0.0,
        open_interest_min=Decimal(0),
        thin_notional_min=Decimal(0),
        warmup_bars_min=3,
    )
