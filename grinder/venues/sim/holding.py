"""Keep user-data frames back until the reply of a request has left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from grinder.venues.sim.streams import Hub, UserFrames


@contextmanager
def holding(hub: Hub, *, is_wanted: bool) -> Iterator[UserFrames]:
    """Keep the user-data frames of this block, if that is wanted, for ``release``."""
    held: UserFrames = []
    hub.held = held if is_wanted else None
    try:
        yield held
    finally:
        hub.held = None


def release(hub: Hub, held: UserFrames) -> None:
    """Send the user-data frames that were kept."""
    for listen_key, frame in held:
        hub.publish_user(listen_key, frame)
