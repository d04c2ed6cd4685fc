"""Where market frames go out, worded as the market of the venue words them."""

from __future__ import annotations

from collections.abc import Callable

from grinder.venues.sim.frames import Frame
from grinder.venues.sim.klines import Publisher
from grinder.venues.sim.streams import OWNER, Hub

Wording = Callable[[str, Frame], Frame]


class Speaker:
    """A publisher that words frames before the hub sends them."""

    def __init__(self, hub: Hub, word: Wording) -> None:
        self._hub = hub
        self._word = word

    def has_listeners(self, stream: str) -> bool:
        """Tell whether anybody listens to ``stream``."""
        return self._hub.has_listeners(stream)

    def publish(self, stream: str, frame: Frame | list[Frame]) -> None:
        """Send a market frame to everybody who listens."""
        if isinstance(frame, list):
            self._hub.publish(stream, [self._word(stream, each) for each in frame])
        else:
            self._hub.publish(stream, self._word(stream, frame))


def publisher(hub: Hub, word: Wording | None) -> Publisher:
    """Return what channels publish through: the hub itself where no wording is needed."""
    return hub if word is None else Speaker(hub, word)


def owner_stream(account: str) -> str:
    """Return the name under which subscriptions of the WebSocket API hear user data."""
    return OWNER + account
