"""What one stream client heard, and whether anything of it was lost, repeated or out of order."""

from __future__ import annotations

import attrs


@attrs.define
class Chain:
    """The update ids of one symbol, in the order in which they came."""

    first: int = 0
    last: int = 0
    frames: int = 0
    lost: int = 0
    """Ids that were jumped over."""
    disordered: int = 0
    """Ids that did not rise."""

    def hear(self, update_id: int) -> None:
        """Take the next id; ids of a whole chain rise by one."""
        self.frames += 1
        if not self.first:
            self.first = self.last = update_id
        elif update_id <= self.last:
            self.disordered += 1
        else:
            self.lost += update_id - self.last - 1
            self.last = update_id


@attrs.define
class Heard:
    """Everything that one client heard, by symbol."""

    chains: dict[str, Chain] = attrs.field(factory=dict)

    def hear(self, symbol: str, update_id: int) -> None:
        """Take a frame."""
        self.chains.setdefault(symbol, Chain()).hear(update_id)

    @property
    def frames(self) -> int:
        """How many frames came."""
        return sum(each.frames for each in self.chains.values())

    @property
    def lost(self) -> int:
        """How many frames did not come."""
        return sum(each.lost for each in self.chains.values())

    @property
    def disordered(self) -> int:
        """How many frames came again or too late."""
        return sum(each.disordered for each in self.chains.values())
