"""Canaries: bugs that are planted on purpose. Worlds that do not find them prove nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from grinder.actors.ledger import LedgerActor
from grinder.actors.policy import PolicyActor
from grinder.actors.risk import RiskSupervisor
from grinder.kernel.actor import Actor
from grinder.messages.orders import OrderEnded, OrderFilled, OrdersSynced
from grinder.worlds.world import Process

FIRST_SYNCS: Final = 3
"""So many a deaf policy still hears, or it would never begin."""


def _deaf_policy(actor: Actor) -> None:
    """Let a policy hear of no end of an order, nor twice what rests: it believes in ghosts."""
    assert isinstance(actor, PolicyActor)
    whole = actor.on_orders_synced
    heard = 0

    def on_orders_synced(synced: OrdersSynced) -> None:
        nonlocal heard
        heard += 1
        if heard <= FIRST_SYNCS:
            whole(synced)

    def on_order_ended(_: OrderEnded) -> None:
        """Take no notice."""

    vars(actor).update(on_orders_synced=on_orders_synced, on_order_ended=on_order_ended)


def _forgetful_risk(actor: Actor) -> None:
    """Let nothing that is held or pending count: the cap is never reached."""
    assert isinstance(actor, RiskSupervisor)

    def on_order_news(_: Any) -> None:
        """Take no notice."""

    vars(actor).update(on_order_news=on_order_news)


def _careless_ledger(actor: Actor) -> None:
    """Let every third fill be left out of the books: they no longer match the venue's.

    However often it is told: one that was only not heard is found in the venue's list.
    """
    assert isinstance(actor, LedgerActor)
    whole = actor.book

    def book(fill: OrderFilled) -> None:
        if fill.trade_id % 3:
            whole(fill)

    vars(actor).update(book=book)


CANARIES: Final[Mapping[str, tuple[str, Callable[[Actor], None]]]] = {
    "deaf-policy": ("policy.", _deaf_policy),
    "forgetful-risk": ("risk", _forgetful_risk),
    "careless-ledger": ("ledger", _careless_ledger),
}
"""Beginning of the names of the actors that a bug is planted in, and how."""


def planter(name: str) -> Callable[[Process], None]:
    """Return what plants the canary called ``name`` in a process.

    Raises:
        KeyError: there is none.
    """
    prefix, spoil = CANARIES[name]

    def plant(process: Process) -> None:
        for actor_name, slot in process.runtime.actors().items():
            if actor_name.startswith(prefix):
                _spoil_factory(slot, spoil)

    return plant


def _spoil_factory(slot: Any, spoil: Callable[[Actor], None]) -> None:
    whole = slot.factory

    def factory() -> Actor:
        actor: Actor = whole()
        spoil(actor)
        return actor

    slot.factory = factory
