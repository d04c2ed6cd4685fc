"""The supervision tree: as declared, and as it stands."""

from __future__ import annotations

from abc import abstractmethod

from grinder.errors import InvariantError
from grinder.kernel.clock import Clock
from grinder.kernel.observer import ActorSnapshot
from grinder.kernel.slot import Slot, snapshots
from grinder.kernel.spec import ChildSpec, SupervisorSpec
from grinder.kernel.supervisor import Supervisor
from grinder.kernel.switchboard import Switchboard

RUNTIME = "runtime"
"""Address to which supervisors say what they want done with their children."""


class Tree(Switchboard):
    """Addresses in the order of a tree."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._root: Slot | None = None

    def declare(self, spec: SupervisorSpec) -> None:
        """Take the tree that ``start`` will bring up."""
        if self._root is not None:
            raise InvariantError("a runtime runs one tree")
        self._root = self._declare(spec, None)

    def _declare(self, spec: ChildSpec | SupervisorSpec, supervisor: Slot | None) -> Slot:
        slot: Slot = self.address(spec.name).slot
        if slot.spec is not None or slot.port is not None:
            raise InvariantError(f"two actors or ports are called {spec.name}")
        slot.spec = spec
        slot.supervisor = supervisor
        if supervisor is not None:
            supervisor.children.append(slot)
        if isinstance(spec, SupervisorSpec):
            runtime_address = self.address(RUNTIME)
            # Read anew for each generation: it must know its children's from its predecessor's.
            slot.factory = lambda: Supervisor(
                spec, runtime_address, {child.name: child.generation for child in slot.children}
            )
            for child in spec.children:
                self._declare(child, slot)
        else:
            slot.factory = spec.factory
            slot.mailbox.capacity = spec.mailbox_max
        return slot

    def actors(self) -> dict[str, Slot]:
        """Return every address at which there is an actor, supervisors included, by name."""
        return {name: slot for name, slot in self._slots.items() if slot.spec is not None}

    def snapshots(self) -> tuple[ActorSnapshot, ...]:
        """Return what is known of every actor, supervisors before their children."""
        root = self._root
        return tuple(snapshots(root, self._thread_name)) if root is not None else ()

    def is_ready(self) -> bool:
        """Return whether every actor is ready."""
        return self._root is not None and all(one.state == "ready" for one in self.snapshots())

    @abstractmethod
    def _thread_name(self, slot: Slot) -> str: ...
