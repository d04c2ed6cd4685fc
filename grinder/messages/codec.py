"""The codec of every word in the house: ``grinder.messages`` and the kernel's own signals."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import grinder.messages
from grinder.kernel import signals
from grinder.kernel.codec import Codec
from grinder.kernel.message import Message


def message_classes() -> tuple[type[Message], ...]:
    """Return every message class, by name."""
    names = [found.name for found in pkgutil.iter_modules(grinder.messages.__path__)]
    subjects = [import_module(f"grinder.messages.{name}") for name in names if name != "codec"]
    found = {
        item
        for module in (*subjects, signals)
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Message) and item is not Message
    }
    return tuple(sorted(found, key=lambda cls: cls.__name__))


CODEC = Codec(message_classes())
