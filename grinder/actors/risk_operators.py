"""What RiskSupervisor does with what operators say."""

from __future__ import annotations

from grinder.actors.risk_account import AccountWatch
from grinder.kernel.address import Address
from grinder.messages.risk import (
    BanSymbol,
    LiftBan,
    OverrideLifecycle,
    ResetKillSwitch,
    StopTrading,
    TripKillSwitch,
    WindDownStarted,
)
from grinder.risk.facts import RiskFacts
from grinder.risk.standing import Budgets

Operation = TripKillSwitch | ResetKillSwitch | OverrideLifecycle | BanSymbol | LiftBan


class OperatorWatch(AccountWatch):
    """The part of an actor that knows which symbols an operator has banned, and when to stop.

    Hears BanSymbol, LiftBan, StopTrading. Says SymbolBanned, WindDownStarted, and what
    ``AccountWatch`` says.
    """

    def __init__(self, facts: RiskFacts, budgets: Budgets, keeper: Address) -> None:
        super().__init__(facts, budgets, keeper)
        self._early: list[Operation] = []

    def is_early(self, command: Operation) -> bool:
        """Return whether it has to wait until what is latched is known, which would undo it.

        Nothing is lost by that: until then the lifecycle is in INIT, where nothing adds risk.
        """
        if not self._facts.is_recalled:
            self._early.append(command)
        return not self._facts.is_recalled

    def early(self) -> list[Operation]:
        """Return, once, what had to wait."""
        early, self._early = self._early, []
        return early

    def on_stop_trading(self, command: StopTrading) -> None:
        """End permits for good in this run."""
        if not self._facts.is_winding_down:
            self._facts.is_winding_down = True
            self.revoke("WINDING_DOWN")
        self.say(WindDownStarted(position=command.position))

    def heed_ban(self, command: BanSymbol | LiftBan) -> None:
        """Begin or end a ban; permits given before it are void."""
        bans, symbol = self._facts.bans, command.symbol
        if symbol not in self._facts.views_of:
            return
        if isinstance(command, LiftBan):
            bans.lift(symbol)
        else:
            bans.add(command, self.now_ns)
            self.revoke(f"SYMBOL_BANNED {symbol}")
        self.tell_budgets()

    def tell_budgets(self) -> None:
        """Tell each policy what it may risk, and whether it is banned, when that has changed."""
        super().tell_budgets()
        for news in self._facts.bans.news(self.now_ns):
            self.say(news)

    def tell_again(self) -> None:
        """Tell all of it to somebody who has lost his memory."""
        self._budgets.forget()
        self._facts.bans.forget()
        self.tell_budgets()
