"""The base class of every actor.

An actor is a state and handlers. A handler is a method ``on_<message>`` with one argument whose
annotation is the message class (or a union of several). It reads time from ``now_ns``, speaks with
``say`` and ``tell``, and asks for time with ``set_timer``. What it says leaves only when the
handler has returned: a handler that raises has said nothing.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import Any, ClassVar, Union

from grinder.errors import InvariantError
from grinder.kernel.address import Address
from grinder.kernel.message import Message
from grinder.kernel.signals import CancelTimer, SetTimer

Effect = tuple[Address | None, Message]
"""Receiver, or None for whoever the routes name, and what is said."""

_LIFE = frozenset({"on_start", "on_stop"})


class Actor:
    """One state, one mailbox, no thread of its own."""

    ready_on_start: ClassVar[bool] = True
    """Whether ``on_start`` returning means ready; if not, the actor calls ``declare_ready``."""

    me: Address
    """The actor's own address."""
    now_ns: int
    """Delivery time of the message being handled, in ns since the epoch: the only clock."""
    generation: int
    """1 for the first incarnation at this address, one more for each restart."""

    _timer: Address
    _outbox: list[Effect]
    _is_ready: bool = False
    _wants_exit: bool = False
    _has_news: bool = False
    # True while the cell has not yet looked at the two above: one look per delivery, not two.

    def on_start(self) -> None:
        """Begin: ask for what is needed. Nothing of an earlier generation is left."""

    def on_stop(self) -> None:
        """End when asked to; an actor with something to finish calls ``exit`` later."""
        self.exit()

    def say(self, message: Message) -> None:
        """Tell everyone who is routed to hear ``message``."""
        self._outbox.append((None, message))

    def tell(self, receiver: Address, message: Message) -> None:
        """Tell one receiver."""
        self._outbox.append((receiver, message))

    def set_timer(self, key: str, after_ns: int) -> None:
        """Ask for one TimerFired with ``key``; replaces a pending one with the same key."""
        self._outbox.append(
            (self._timer, SetTimer(key=key, after_ns=after_ns, generation=self.generation))
        )

    def cancel_timer(self, key: str) -> None:
        """Withdraw the timer ``key``."""
        self._outbox.append((self._timer, CancelTimer(key=key, generation=self.generation)))

    def declare_ready(self) -> None:
        """Tell the supervisor that the neighbours may start."""
        self._is_ready = True
        self._has_news = True

    def exit(self) -> None:
        """End normally once the handler has returned."""
        self._wants_exit = True
        self._has_news = True

    @classmethod
    def handlers(cls) -> dict[type[Message], str]:
        """Return the table from message class to handler name.

        Raises:
            InvariantError: a handler's annotation is missing, is no message, or does not fit its
                name, or two handlers want the same class.
        """
        table: dict[type[Message], str] = {}
        for name in dir(cls):
            if not name.startswith("on_") or name in _LIFE:
                continue
            for message_class in _handled_classes(cls, name):
                if message_class in table:
                    raise InvariantError(
                        f"{cls.__name__}: {name} and {table[message_class]} both want "
                        f"{message_class.__name__}"
                    )
                table[message_class] = name
        return table


def _handled_classes(cls: type[Actor], name: str) -> tuple[type[Message], ...]:
    function: Callable[..., Any] = getattr(cls, name)
    try:
        hints = [hint for key, hint in typing.get_type_hints(function).items() if key != "return"]
    except (NameError, TypeError) as error:
        raise InvariantError(f"{cls.__name__}.{name}: no such annotation: {error}") from error
    if len(hints) != 1:
        raise InvariantError(f"{cls.__name__}.{name}: expected one annotated argument")
    hint = hints[0]
    is_union = typing.get_origin(hint) in (Union, types.UnionType)
    classes = typing.get_args(hint) if is_union else (hint,)
    for message_class in classes:
        if not (isinstance(message_class, type) and issubclass(message_class, Message)):
            raise InvariantError(f"{cls.__name__}.{name}: {message_class} is not a message class")
    return classes
