"""How spot words the refusals of the matching core: the rules are the same, codes and texts not.

The texts are those of the venue's page on errors, as far as we know them.
"""

from __future__ import annotations

from typing import Any

from grinder.simulation.refusals import Refusal, Rule
from grinder.venues.sim.refusing import ApiRefusal, as_told

FILTER = -1013
REJECTED = -2010

FILTERS = {
    "PRICE_FILTER": (Rule.PRICE_MIN, Rule.PRICE_MAX, Rule.PRICE_TICK),
    "LOT_SIZE": (Rule.QTY_ZERO, Rule.QTY_MIN, Rule.QTY_MAX, Rule.QTY_STEP),
    "NOTIONAL": (Rule.NOTIONAL_MIN, Rule.AMEND_NOTIONAL_MIN),
    "PERCENT_PRICE_BY_SIDE": (Rule.PRICE_CAP, Rule.PRICE_FLOOR, Rule.MARKET_PRICE_BAND),
    "MAX_NUM_ORDERS": (Rule.ORDERS_MAX,),
}
"""Which filter of spot each rule is."""

WORDS: dict[Rule, tuple[int, str]] = {
    Rule.MARGIN: (REJECTED, "Account has insufficient balance for requested action."),
    Rule.POST_ONLY: (REJECTED, "Order would immediately match and take."),
    Rule.CLIENT_ID_IN_USE: (REJECTED, "Duplicate order sent."),
    Rule.CLIENT_ID: (
        -1100,
        "Illegal characters found in parameter 'newClientOrderId'; legal range is "
        "'^[a-zA-Z0-9-_]{1,36}$'.",
    ),
    Rule.PRECISION: (-1111, "Parameter has too much precision."),
    Rule.SYMBOL_STATUS: (FILTER, "Market is closed."),
    **{
        rule: (FILTER, f"Filter failure: {name}")
        for name, rules in FILTERS.items()
        for rule in rules
    },
}


def refused(refusal: Refusal | ApiRefusal) -> dict[str, Any]:
    """Return the body of a refusal."""
    words = WORDS.get(refusal.rule) if isinstance(refusal, Refusal) else None
    if words is None:
        return as_told(refusal)
    return {"code": words[0], "msg": words[1]}
