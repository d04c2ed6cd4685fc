"""A runtime for one purpose: hand a recorded message to an actor and catch what it says."""

from __future__ import annotations

from grinder.actors.wiring import Facts, Ports, assemble
from grinder.kernel.cell import Cell
from grinder.kernel.mailbox import Item
from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet, RecordingPort
from grinder.kernel.recorded import RecordedCell
from grinder.kernel.recorder import DONE, Entry, Turn, turn_of
from grinder.kernel.signals import ExitReason
from grinder.kernel.slot import Door, Doors, Slot
from grinder.kernel.stepped import SteppedRuntime
from grinder.model.settings import Config


class SilentPort(RecordingPort):
    """Stands at the address of a door that stays shut."""

    def open(self, outlet: Outlet) -> None:
        """Need nothing."""

    def receive(self, envelope: Envelope) -> None:
        """Take no notice."""

    def close(self, timeout_s: float) -> None:
        """Need nothing."""

    def note(self, entry: Entry) -> None:
        """Record nothing."""


class ShutDoors(Doors):
    """Doors behind which nobody listens."""

    def __missing__(self, message_class: type[Message]) -> Door:
        self[message_class] = door = _take_no_notice
        return door


def _take_no_notice(_: Item) -> bool:
    return True


class ReplayRuntime(SteppedRuntime):
    """Declares the whole system and starts nothing.

    Generations are made one by one with ``begin``, and ``hand`` lets one handle one message. What
    it says goes nowhere but into the return value.
    """

    def __init__(self, config: Config, facts: Facts) -> None:
        super().__init__(facts.started_ns)
        silent = SilentPort()
        assemble(
            self,
            config,
            facts,
            Ports(
                venue=silent,
                user=silent,
                public=silent,
                market=silent,
                lease=silent,
                journal=silent,
                books=silent,
            ),
        )
        self.recorder = self._catch
        self.cells: dict[str, Cell] = {}
        """The generation of each actor that was begun last."""
        self._caught: list[Turn] = []

    def begin(self, name: str, generation: int) -> None:
        """Make a generation; it has not been told to begin yet."""
        slot = self._slots[name]
        former = self.cells.pop(name, None)
        if former is not None:
            former.bury(())
        slot.generation = max(slot.generation, generation)
        assert slot.factory is not None
        RecordedCell.start(self, slot, slot.factory(), generation)

    def hand(self, name: str, item: Item, at_ns: int) -> Turn:
        """Return the turn of the actor called ``name`` with ``item``, handed over at ``at_ns``."""
        self._caught.clear()
        self.cells[name].deliver(item, at_ns)
        if self._caught:
            return self._caught[-1]
        return ("t", item[0], name, self.cells[name].generation, at_ns, DONE, ())

    def _catch(self, entry: Entry) -> None:
        turn = turn_of(entry)
        if turn is not None:
            self._caught.append(turn)

    def end(self) -> None:
        """Let every generation go."""
        for cell in self.cells.values():
            cell.bury(())
        self.cells.clear()

    # What a runtime does with the life of actors is in the journal already.

    def attach(self, cell: Cell) -> None:
        """Keep the generation; nothing runs it but ``hand``."""
        self.cells[cell.slot.name] = cell

    def _furnish(self, slot: Slot) -> None:
        """Let no message through to anybody, ports included."""
        super()._furnish(slot)
        slot.doors = ShutDoors(slot)

    def cell_ready(self, cell: Cell) -> None:
        """Take no notice."""

    def cell_exited(self, cell: Cell, reason: ExitReason, detail: str) -> None:
        """Take no notice."""

    def hang(self, cell: Cell) -> None:
        """Take no notice: what a stuck handler would have said counts for nothing."""

    def post_personal(self, slot: Slot, cell: Cell | None, message: Message) -> bool:
        """Refuse: nobody speaks here but the journal."""
        return False
