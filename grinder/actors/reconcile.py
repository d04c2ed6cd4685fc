"""ReconcileActor: what we believe against what the venue shows."""

from __future__ import annotations

from grinder.execution.identity import IdentityScheme
from grinder.kernel.actor import Actor
from grinder.messages.account import AccountSynced, PositionChanged
from grinder.messages.orders import (
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrdersRequested,
    OrdersSubmitted,
    OrdersSynced,
)
from grinder.model.settings import SyncSettings
from grinder.reconcile.diff import Reconciler


class ReconcileActor(Actor):
    """Compare each snapshot with the picture that order news have drawn, and report.

    Hears order and position news and AccountSynced. Says MismatchDetected, ReconcileRan,
    OrdersRequested. It changes nothing.
    Restart: asks for the picture; a symbol is compared once it has been heard whole.
    """

    def __init__(
        self, settings: SyncSettings, symbols: tuple[str, ...], identity: IdentityScheme
    ) -> None:
        self._symbols = symbols
        self._reconciler = Reconciler(symbols, identity.is_own, settings)

    def on_start(self) -> None:
        """Ask what rests."""
        for symbol in self._symbols:
            self.say(OrdersRequested(symbol=symbol))

    def on_order_news(
        self,
        news: OrdersSubmitted
        | OrderAccepted
        | OrderFilled
        | OrderEnded
        | OrderRejected
        | OrdersSynced
        | PositionChanged,
    ) -> None:
        """Draw the picture on."""
        self._reconciler.apply(news, self.now_ns)

    def on_account_synced(self, snapshot: AccountSynced) -> None:
        """Compare."""
        for message in self._reconciler.compare(snapshot, self.now_ns):
            self.say(message)
