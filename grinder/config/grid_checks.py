"""What the limits of a grid must be besides well typed: prices, in order, and of one market."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from grinder.model.legs import HEDGE
from grinder.model.settings import Config
from grinder.planner.bounds import price_of
from grinder.planner.initial import LINES_MAX

PRICES = ("price_lower", "price_upper", "start_price", "stop_lower", "stop_upper")
ORDERED = (("price_lower", "price_upper"), ("stop_lower", "stop_upper"))
"""Pairs of which the first has to be the lower one."""


def grid_problems(config: Config) -> Iterator[tuple[str, str]]:
    """Yield (path, what is wrong with it) for the limits in [policy]."""
    policy = config.policy
    found: dict[str, Decimal] = {}
    for name in PRICES:
        text = getattr(policy, name)
        if not text:
            continue
        try:
            found[name] = price_of(text, Decimal(100))
        except ValueError as error:
            yield f"policy.{name}", str(error)
            continue
        if not text.endswith("%") and len(config.run.symbols) > 1:
            yield f"policy.{name}", "expected a percentage: several symbols have no common price"
    for lower, upper in ORDERED:
        is_alike = all(getattr(policy, name).endswith("%") for name in (lower, upper)) or not any(
            getattr(policy, name).endswith("%") for name in (lower, upper)
        )
        if lower in found and upper in found and is_alike and found[lower] >= found[upper]:
            yield f"policy.{upper}", f"expected above policy.{lower}, was {getattr(policy, upper)}"
    if policy.lines == 1 or (policy.lines and not (policy.price_lower and policy.price_upper)):
        yield "policy.lines", "expected 0, or from 2 with policy.price_lower and policy.price_upper"
    if policy.trailing != "off" and not policy.lines:
        yield "policy.trailing", 'expected "off" without policy.lines: the other ladder follows'
    yield from _initial_problems(config)
    yield from _hedge_problems(config)
    if policy.slot_takeover and policy.opposite != "keep":
        yield "policy.slot_takeover", 'expected false unless policy.opposite is "keep"'


def _initial_problems(config: Config) -> Iterator[tuple[str, str]]:
    """Yield what an initial position lacks: fixed prices, one side, exits of their own."""
    policy = config.policy
    if policy.initial_position == "none":
        return
    needs = (
        (2 <= policy.lines <= LINES_MAX, f"policy.lines from 2 to {LINES_MAX}"),
        (policy.direction != "neutral", 'policy.direction "long" or "short"'),
        (policy.exits == "per-level", 'policy.exits "per-level"'),
        (policy.opposite == "reduce-only", 'policy.opposite "reduce-only"'),
        (policy.name == "static", 'policy.name "static"'),
        (config.sizing.mode == "fixed", 'sizing.mode "fixed"'),
    )
    missing = [text for is_met, text in needs if not is_met]
    if missing:
        yield "policy.initial_position", f"needs {', '.join(missing)}"


def _hedge_problems(config: Config) -> Iterator[tuple[str, str]]:
    """Yield what hedge mode leaves no room for: each leg has a direction of its own."""
    policy, mode = config.policy, 'venue.position_mode "hedge"'
    if config.venue.position_mode != HEDGE:
        return
    if policy.direction != "neutral":
        yield (
            "policy.direction",
            f'expected "neutral" with {mode}, where the long leg buys to open and the short one '
            f'sells, was "{policy.direction}"',
        )
    if policy.initial_position != "none":
        yield "policy.initial_position", f'expected "none" with {mode}'
