"""The gates that entries pass, as metrics name them, and which of them stopped a refused one.

Every entry is asked about the flow first, then about the rate, then about what it may lose; cancels
and exits are asked by none of them. Refusals for anything else count under the name of who refused.
"""

from __future__ import annotations

from grinder.execution.denials import DenialCode

GATES: dict[str, tuple[DenialCode, ...]] = {
    "toxicity_gate": (
        DenialCode.SPREAD_SPIKE,
        DenialCode.PRICE_IMPACT_HIGH,
        DenialCode.TOXICITY_HIGH,
    ),
    "rate_limiter": (DenialCode.COOLDOWN_ACTIVE, DenialCode.RATE_LIMIT_EXCEEDED),
    "risk_gate": (
        DenialCode.DAILY_LOSS_LIMIT_EXCEEDED,
        DenialCode.MAX_POSITION_EXCEEDED,
        DenialCode.MAX_NOTIONAL_EXCEEDED,
        DenialCode.ORDER_NOTIONAL_EXCEEDED,
    ),
}
"""Codes by gate, both in the order in which they are asked."""
JUDGE = "risk"
"""Name of the actor that asks them."""

_GATE_OF = {str(code): gate for gate, codes in GATES.items() for code in codes}
_CHAIN = tuple(str(code) for code in DenialCode)
_FIRST_OF_ROUTER = _CHAIN.index(DenialCode.WOULD_CROSS_SPREAD)
_PASSED = {
    code: tuple(
        gate for gate, codes in GATES.items() if _CHAIN.index(codes[-1]) < _CHAIN.index(code)
    )
    for code in _CHAIN[:_FIRST_OF_ROUTER]
}


def gate_of(sender: str, code: str) -> str:
    """Return the gate that stopped an intent, or whoever refused it where that is none of them."""
    return _GATE_OF.get(code, sender)


def passed(sender: str, code: str) -> tuple[str, ...]:
    """Return the gates that let an entry through before it was refused for ``code``.

    None for refusals of the router: what it refuses was approved, and counted, before.
    """
    return _PASSED.get(code, ()) if sender == JUDGE else ()
