"""What RiskSupervisor does with news of money and of flow."""

from __future__ import annotations

from collections.abc import Collection

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.signals import Remember
from grinder.messages.features import FeaturesSampled
from grinder.messages.ledger import DayChanged, LedgerChanged
from grinder.messages.risk import (
    EntriesWithdrawn,
    LatchesReported,
    LatchMoved,
    PermitsRevoked,
    Withdrawal,
)
from grinder.risk.denials import render
from grinder.risk.facts import LASTING, RiskFacts, withdrawn
from grinder.risk.standing import Budgets


class AccountWatch(Actor):
    """The half of an actor that knows what is won and lost, and how harmful the flow is.

    Hears LedgerChanged, DayChanged, FeaturesSampled, LatchesReported. Says RiskBudgetChanged,
    PermitsRevoked, LatchMoved, EntriesWithdrawn.
    """

    def __init__(self, facts: RiskFacts, budgets: Budgets, keeper: Address) -> None:
        self._keeper = keeper
        self._latched: tuple[tuple[str, str], ...] = ()
        self._facts = facts
        self._budgets = budgets
        self._serial = 0

    def on_ledger_changed(self, changed: LedgerChanged) -> None:
        """Count what was won and lost; a day that lost too much ends here."""
        self._facts.hear(changed)
        self.look_at_day()

    def on_day_changed(self, changed: DayChanged) -> None:
        """Count what earlier processes won and lost today, as the books have it."""
        self._facts.day.hear_day(changed)
        self.look_at_day()

    def on_features_sampled(self, sample: FeaturesSampled) -> None:
        """Enter nothing while the flow of a symbol is harmful."""
        if self._facts.sample(sample):
            self.revoke(f"TOXICITY_HIGH {sample.symbol}")

    def on_latches_reported(self, report: LatchesReported) -> None:
        """Take no risk while a stop might be forgotten with the process."""
        self._facts.is_unkept = not report.is_written
        if not report.is_written:
            self.revoke(f"LATCHES_LOST {report.detail}")

    def keep(self) -> None:
        """Have kept what is latched now, and tell of it."""
        latched = self._facts.latched()
        if latched == self._latched:
            return
        moved = set()
        for (key, value), kept in zip(latched, self._latched, strict=True):
            if (key, value) != kept:
                moved.add(key)
                self.tell(self._keeper, Remember(key=key, value=value, is_lasting=key in LASTING))
        self._latched = latched
        self.say_latches(moved, is_restored=False)

    def say_latches(self, keys: Collection[str], *, is_restored: bool) -> None:
        """Tell how the latches of these names stand."""
        values = dict(self._latched)
        for key in ("kill_switch", "override"):
            if key in keys:
                detail = values["kill_switch_detail"] if key == "kill_switch" else ""
                self.say(
                    LatchMoved(
                        latch=key,
                        symbol="",
                        reason=values[key],
                        detail=detail,
                        is_restored=is_restored,
                    )
                )

    def look_at_day(self) -> None:
        """Begin a day at midnight UTC, and end one whose loss is over its limit."""
        day = self._facts.day
        if day.look(self.now_ns, self._facts.equity.now(day.net)):
            self.revoke(f"DAILY_LOSS_LIMIT_EXCEEDED pnl={day.pnl}")

    def tell_budgets(self) -> None:
        """Tell each policy what it may risk, when that has changed enough."""
        standing = self._facts.standing()
        if standing.equity > 0:
            for budget in self._budgets.look(standing, self.now_ns):
                self.say(budget)

    def withdraw(self) -> None:
        """Have taken off what the caps have no room for any more: policies have it cancelled."""
        by_leg: dict[str, list[Withdrawal]] = {}
        for one in withdrawn(self._facts, self.now_ns):
            detail = render(one.code, worst_case=one.worst_case, cap=one.cap)
            name = one.entry.name
            order = Withdrawal(client_order_id=name, code=one.code.value, detail=detail)
            by_leg.setdefault(one.entry.leg, []).append(order)
        for leg, orders in by_leg.items():
            self.say(EntriesWithdrawn(symbol=leg, orders=tuple(orders)))

    def revoke(self, reason: str) -> None:
        """Void every permit given so far."""
        self._serial += 1
        self.say(PermitsRevoked(serial=self._serial, reason=reason))
