"""Whose turn it is: one policy of several for a symbol, by priority, with patience.

The first policy in ascending priority that finds its market has the turn. Another one takes over
once it has been first for some samples in a row and the last change is some samples ago;
``emergency`` and ``pause`` wait for neither. ``pause`` is one of many here, and is first only when
its own condition holds. When nobody finds its market, the last one in priority goes on.
"""

from __future__ import annotations

from collections.abc import Iterable

from grinder.policy.base import MarketView, Policy

AT_ONCE = frozenset({"emergency", "pause"})


class Selector:
    """The policies of one symbol, each made once, and the one in charge.

    Args:
        policies: at least one; the last in priority begins.
        confirm: samples in a row that a candidate has to be first.
        cooldown: samples after a change without another one.

    Raises:
        ValueError: no policies.
    """

    __slots__ = ("_candidate", "_confirm", "_cooldown", "_policies", "_seen", "_since", "current")

    def __init__(self, policies: Iterable[Policy], confirm: int, cooldown: int) -> None:
        self._policies = tuple(sorted(policies, key=lambda one: (one.priority, one.name)))
        if not self._policies:
            raise ValueError("expected at least one policy, was none")
        self._confirm = confirm
        self._cooldown = cooldown
        self.current = self._policies[-1]
        """Who is in charge."""
        self._candidate = self.current
        self._seen = 0
        self._since = cooldown
        """Samples since the last change."""

    def choose(self, view: MarketView) -> Policy:
        """Take a sample; return the policy in charge after it.

        Every policy is asked each time, so that what it counts goes on while another is in charge.
        """
        answers = [one.should_activate(view) for one in self._policies]
        first = next(
            (one for one, is_up in zip(self._policies, answers, strict=True) if is_up),
            self._policies[-1],
        )
        self._since += 1
        self._seen = self._seen + 1 if first is self._candidate else 1
        self._candidate = first
        if first is not self.current and self._may_take(first):
            self.current = first
            self._since = 0
        return self.current

    def _may_take(self, first: Policy) -> bool:
        is_confirmed = self._seen >= self._confirm and self._since > self._cooldown
        return is_confirmed or first.name in AT_ONCE
