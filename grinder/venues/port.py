"""What a venue has to offer, so that another one can be added without touching an actor.

A venue is three kinds of port and one function. Actors know only the messages.

**Orders and reads** (here ``BinanceRestPort``).
  - One PlaceAnswered for each order of a PlaceOrders and one CancelAnswered for each CancelOrder,
    whatever happens: a full queue, a void permit, a closed port and a bug of ours included.
  - DONE means that the venue said so. REFUSED means that nothing happened there, now or later.
    Everything else is UNKNOWN, with the time from which the venue can't take the request any more;
    the venue's own receive window, or whatever it has of the kind, has to make that true.
  - A placement is sent only under a permit that has not ended and has not been revoked, both
    looked at immediately before sending; without a permit only if it is reduce-only. What the
    permit has left also bounds the time in which the venue may take it.
  - Nothing is sent twice. Only reads are repeated, a bounded number of times.
  - Cancels and exits never wait behind entries, nor behind reads.
  - When the venue asks for silence, VenueThrottled is told, and entries and reads are refused here
    until its end; cancels and exits go on unless our address is banned.
  - A key, signature or address that is not taken any more is told as VenueDenied.
  - Reads of the market (ReadDepth, ReadMarketStats) never hold up a look at the account.
  - Quiesced comes after every earlier write is answered and no unknown one can happen any more.

**Market streams** (here ``BinanceStreamPort``) and **the private stream** (here
``BinanceUserStreamPort``).
  - OpenStream and OpenUserStream connect once. Nobody reconnects unless told.
  - Everything a connection says carries its number. StreamOpened means connected and subscribed;
    StreamClosed means that it ended by itself or never came to be, and is told once. A connection
    ended because we said so ends in silence.
  - Silence of the venue is no end: whoever listens decides, by a timer, how long is too long.
  - A frame that can't be decoded is told as FrameRejected and costs nothing else.
  - The new private connection listens before the old one is closed, so that no event is missed;
    events may come twice, and their receiver must not care.
  - Nothing that grants access (a listen key) shows in a message, a log or a repr.

**Facts** (here ``load_venue``): everything that must be true before anything is started, or a
ConfigError that says what is not.

Prices and quantities cross in whole ticks and lots, exact. Times are nanoseconds since the epoch.
"""

from __future__ import annotations

from typing import Protocol

from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet


class VenuePort(Protocol):
    """The shape of each of the three; see ``grinder.kernel.port.Port`` for the rules of ports."""

    def open(self, outlet: Outlet) -> None:
        """Start what is needed. Nothing is sent to the venue before the first command."""

    def receive(self, envelope: Envelope) -> None:
        """Take one command, without blocking and without raising; answer ``envelope.sender``."""

    def close(self, timeout_s: float) -> None:
        """End every thread and socket, even those whose peer has gone silent."""
