"""One lease, two holders."""

from __future__ import annotations

from grinder.kernel.address import Address
from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet
from grinder.lease.memory import MemoryLeasePort
from grinder.lease.states import LeaseTable
from grinder.messages.control import AcquireLease, LeaseGranted, LeaseRefused, ReleaseLease

TTL = 10


class Answers(Outlet):
    """Keeps what a port says."""

    def __init__(self) -> None:
        self.said: list[Message] = []

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        """Keep it."""
        self.said.append(message)

    def resolve(self, name: str) -> Address:
        """Return anything: nobody listens."""
        return None  # type: ignore[return-value]

    def now_ns(self) -> int:
        """Return nothing of use."""
        return 0


class Holder:
    """One instance with its own port on a shared table."""

    def __init__(self, name: str, table: LeaseTable) -> None:
        self.name = name
        self.answers = Answers()
        self.port = MemoryLeasePort(table)
        self.port.open(self.answers)
        self.epoch = 0

    def say(self, body: Message, at_ns: int) -> None:
        self.port.receive(
            Envelope(seq=1, sender="leader", receiver="lease", at_ns=at_ns, cause=0, body=body)
        )

    def ask(self, at_ns: int) -> Message:
        self.say(AcquireLease(holder=self.name, epoch=self.epoch, ttl_ns=TTL), at_ns)
        answer = self.answers.said[-1]
        if isinstance(answer, LeaseGranted):
            self.epoch = answer.epoch
        return answer


def two() -> tuple[Holder, Holder]:
    table = LeaseTable()
    return Holder("ann", table), Holder("bob", table)


def test_one_of_two_leads() -> None:
    ann, bob = two()

    assert ann.ask(0) == LeaseGranted(epoch=1, valid_from_ns=0, ttl_ns=TTL)
    assert bob.ask(1) == LeaseRefused(holder="ann", reason="held by ann")


def test_the_holder_keeps_its_epoch_when_it_renews() -> None:
    ann, bob = two()
    ann.ask(0)

    assert ann.ask(9) == LeaseGranted(epoch=1, valid_from_ns=9, ttl_ns=TTL)
    assert isinstance(bob.ask(18), LeaseRefused)


def test_a_lease_that_ran_out_goes_to_whoever_asks_under_a_new_epoch() -> None:
    ann, bob = two()
    ann.ask(0)

    assert bob.ask(10) == LeaseGranted(epoch=2, valid_from_ns=10, ttl_ns=TTL)
    assert ann.ask(11) == LeaseRefused(holder="bob", reason="held by bob")


def test_a_lease_let_go_is_free_at_once() -> None:
    ann, bob = two()
    ann.ask(0)
    ann.say(ReleaseLease(holder="ann", epoch=1), 1)

    assert bob.ask(2) == LeaseGranted(epoch=2, valid_from_ns=2, ttl_ns=TTL)


def test_nobody_lets_go_of_what_is_not_theirs() -> None:
    ann, bob = two()
    ann.ask(0)
    bob.say(ReleaseLease(holder="bob", epoch=1), 1)
    ann.say(ReleaseLease(holder="ann", epoch=7), 1)

    assert isinstance(bob.ask(2), LeaseRefused)


def test_other_words_are_not_answered() -> None:
    ann, _ = two()
    ann.say(LeaseRefused(holder="", reason=""), 0)
    ann.port.close(0)

    assert not ann.answers.said
