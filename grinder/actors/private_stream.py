"""What ExchangeActor does to keep its private stream alive."""

from __future__ import annotations

from grinder.execution.private_line import PrivateLine
from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.messages.market import StreamClosed, StreamOpened
from grinder.messages.venue import (
    KeepUserStream,
    ListenKeyExpired,
    OpenUserStream,
    Outcome,
    UserStreamKept,
)
from grinder.model.units import NS_PER_MS, NS_PER_S


class PrivateStream(Actor):
    """The half of an actor that keeps one private stream, replacing it when lost or deaf.

    Hears StreamOpened, StreamClosed, ListenKeyExpired, UserStreamKept. A subclass is told by
    ``stream_opened`` and ``stream_lost``, and hands its timers to ``stream_timer`` first.
    """

    def __init__(self, user: Address, keepalive_ms: int) -> None:
        self._user = user
        self._keep_ns = keepalive_ms * NS_PER_MS
        self._line = PrivateLine(0)

    def start_stream(self) -> None:
        """Open the first connection of this generation."""
        self._line = PrivateLine(self.generation << 24)
        self._open_stream()
        self.set_timer("deaf", NS_PER_S)
        self.set_timer("keep", self._keep_ns)

    def stream_opened(self) -> None:
        """Do what is due when changes are heard again."""
        raise NotImplementedError

    def stream_lost(self) -> None:
        """Do what is due when changes are no longer heard."""
        raise NotImplementedError

    def on_stream_opened(self, opened: StreamOpened) -> None:
        """Take the connection that counts."""
        if self._line.opened(opened.connection):
            self.stream_opened()

    def on_stream_end(self, end: StreamClosed | ListenKeyExpired) -> None:
        """Open another connection after a pause."""
        if end.connection == self._line.connection:
            self._lose_stream()

    def on_user_stream_kept(self, kept: UserStreamKept) -> None:
        """Take a key that the venue does not know any more for a dead stream."""
        if kept.connection == self._line.connection and kept.outcome is Outcome.REFUSED:
            self._lose_stream()

    def stream_timer(self, key: str) -> bool:
        """Do what a timer of the stream asks for; return whether it was one."""
        if key == "open":
            self._open_stream()
        elif key == "keep":
            self.tell(self._user, KeepUserStream(connection=self._line.connection))
            self.set_timer("keep", self._keep_ns)
        elif key == "deaf":
            if self._line.is_live and self._line.is_deaf(self.now_ns):
                self._lose_stream()
            self.set_timer("deaf", NS_PER_S)
        else:
            return False
        return True

    def _open_stream(self) -> None:
        self.tell(self._user, OpenUserStream(connection=self._line.next_connection()))

    def _lose_stream(self) -> None:
        was_live = self._line.is_live
        self.set_timer("open", self._line.lost())
        if was_live:
            self.stream_lost()
