"""Refusals that a test orders: any code for the next orders that match, alone or in a batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from fnmatch import fnmatchcase

import attrs

from grinder.venues.sim.refusing import ApiRefusal

RULES_MAX = 1000
OPERATIONS = ("place", "amend", "cancel")


@attrs.define(kw_only=True)
class RefusalRule:
    """What to refuse, and how."""

    operation: str
    """One of OPERATIONS."""
    symbol: str
    """Empty for every symbol."""
    client_id: str
    """Shell pattern over the client order id that the request names."""
    skip: int
    """How many matching orders pass before the first is refused."""
    times: int
    """How many are refused after them."""
    code: int
    msg: str


class OrderedRefusals:
    """Refusals that wait for their orders."""

    def __init__(self) -> None:
        self._rules: deque[RefusalRule] = deque(maxlen=RULES_MAX)

    def plan(self, rule: RefusalRule) -> None:
        """Refuse what ``rule`` says; rules count in the order in which they came."""
        self._rules.append(rule)

    def check(self, operation: str, params: Mapping[str, str]) -> None:
        """Check one order operation, alone or an element of a batch.

        Raises:
            ApiRefusal: a rule wants it refused; nothing of it may be done.
        """
        for rule in self._rules:
            if not _matches(rule, operation, params):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                return
            rule.times -= 1
            if rule.times <= 0:
                self._rules.remove(rule)
            raise ApiRefusal(rule.code, rule.msg)

    def clear(self) -> None:
        """Forget every rule."""
        self._rules.clear()


def _matches(rule: RefusalRule, operation: str, params: Mapping[str, str]) -> bool:
    client_id = params.get("newClientOrderId") or params.get("origClientOrderId") or ""
    return (
        rule.operation == operation
        and rule.symbol in ("", params.get("symbol"))
        and fnmatchcase(client_id, rule.client_id)
    )
