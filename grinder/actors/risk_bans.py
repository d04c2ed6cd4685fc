"""What RiskSupervisor does with bans of symbols."""

from __future__ import annotations

from grinder.actors.risk_account import AccountWatch
from grinder.messages.risk import BanSymbol, LiftBan


class BanWatch(AccountWatch):
    """The part of an actor that knows which symbols an operator has banned.

    Hears BanSymbol, LiftBan. Says SymbolBanned, and what ``AccountWatch`` says.
    """

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
