"""Take the world away from a handler, to see whether it wants it."""

from __future__ import annotations

import os
import random
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch


class WorldTouchedError(AssertionError):
    """Code that must be pure has reached for the world."""


CLOCK = [
    name
    for name in dir(time)
    if name.removesuffix("_ns")
    in {"time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime"}
    or name in {"sleep", "localtime", "gmtime"}
]
CHANCE = ["random", "randint", "randrange", "choice", "choices", "sample", "shuffle", "uniform"]
CHANCE += ["gauss", "expovariate", "getrandbits", "seed"]


def _refuse(what: str) -> Callable[..., Any]:
    def refuse(*arguments: object, **named: object) -> Any:
        raise WorldTouchedError(f"a handler may not use {what}")

    return refuse


class _NoEnvironment(dict[str, str]):
    """Stands for os.environ; every way of reading it is refused."""

    get = __getitem__ = __contains__ = __iter__ = _refuse("os.environ")
    keys = values = items = copy = __len__ = _refuse("os.environ")


@contextmanager
def forbid_world() -> Iterator[None]:
    """Let clock, chance, environment, threads, sockets and files raise WorldTouchedError.

    A ``random.Random`` that was made and seeded before stays usable, as does ``datetime`` built
    from numbers; ``datetime.now`` can't be patched on a C type and is left to the linter.
    """
    refused: list[tuple[Any, str]] = [
        *((time, name) for name in CLOCK),
        *((random, name) for name in CHANCE),
        (random, "SystemRandom"),
        (uuid, "uuid1"),
        (uuid, "uuid4"),
        (secrets, "token_bytes"),
        (secrets, "token_hex"),
        (os, "urandom"),
        (os, "getenv"),
        (os, "open"),
        (threading.Thread, "start"),
        (socket, "socket"),
        (socket, "create_connection"),
        (socket, "getaddrinfo"),
    ]
    with ExitStack() as stack:
        for owner, name in refused:
            what = f"{getattr(owner, '__name__', owner)}.{name}"
            stack.enter_context(patch.object(owner, name, _refuse(what)))
        stack.enter_context(patch("builtins.open", _refuse("open")))
        stack.enter_context(patch("io.open", _refuse("open")))
        stack.enter_context(patch.object(os, "environ", _NoEnvironment()))
        yield
