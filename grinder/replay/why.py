"""`grinder why`: from an order, a cancel or a refusal back to the market that led to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import orjson

from grinder.errors import JournalError
from grinder.execution.identity import decode
from grinder.journal.reading import JournalReader
from grinder.journal.records import Record
from grinder.kernel.codec import Codec
from grinder.kernel.message import Message
from grinder.kernel.signals import TimerFired
from grinder.messages.features import FeaturesComputed
from grinder.messages.grid import Denial, IntentsDenied, IntentsProposed, PlanChosen
from grinder.messages.orders import CancelOrder, PlaceOrders
from grinder.replay.causes import Link, chain

COMMANDS = (PlaceOrders, CancelOrder)
"""What makes an order come to be, or end; the rest is what became of it."""
SNAPSHOTS = frozenset({"OrdersSynced", "AccountRead", "AccountSynced"})
"""What names every order again and again, and tells of none."""


@attrs.frozen(kw_only=True)
class Explanation:
    """Why one order is as it is."""

    client_order_id: str
    level: str
    life: tuple[Link, ...]
    """Everything that was said of it, newest first."""
    chains: tuple[tuple[Link, ...], ...]
    """For each command that concerns it, newest first: the command and its causes."""
    plans: tuple[Link | None, ...]
    """For each of those commands: the plan that the policy followed when it proposed it, if any."""


@attrs.frozen(kw_only=True)
class Refusal:
    """Refusals of one kind."""

    code: str
    symbol: str
    count: int
    last_ns: int
    detail: str
    """The numbers of the last one."""


def explain(directory: Path, run: int | None, name: str, codec: Codec) -> Explanation:
    """Return why the order called ``name`` came to be, and what became of it.

    Raises:
        JournalError: damage, or nobody has ever spoken of such an order.
        ValueError: a row that this version can't read.
    """
    reader = JournalReader(directory, run)
    life = tuple(_life(reader, name, codec))
    if not life:
        raise JournalError(f"{directory}: no order called {name} in run {reader.run}")
    commands = [link for link in life if isinstance(link.body, COMMANDS)]
    identity = decode(name)
    plans = tuple(_plans(reader, _symbol_of(commands), codec))
    chains = tuple(tuple(_market_chain(reader, link.seq, codec)) for link in reversed(commands))
    return Explanation(
        client_order_id=name,
        level=identity.level if identity is not None else "",
        life=tuple(reversed(life)),
        chains=chains,
        plans=tuple(_followed(plans, links) for links in chains),
    )


def _life(reader: JournalReader, name: str, codec: Codec) -> Iterator[Link]:
    """Yield every message that names the order itself, oldest first, once each."""
    needle = orjson.dumps(name)
    for record in reader.records(needle):
        for seq, sender, receivers, at_ns, row in _sayings(record):
            if row is not None and name in _ids(row, reader.head.columns):
                yield Link(
                    seq=seq,
                    sender=sender,
                    receivers=receivers,
                    said_ns=at_ns,
                    body=codec.from_row(row),
                    place=reader.place,
                )


def _symbol_of(commands: list[Link]) -> str:
    bodies = [link.body for link in commands]
    return next((body.symbol for body in bodies if isinstance(body, COMMANDS)), "")


def _plans(reader: JournalReader, symbol: str, codec: Codec) -> Iterator[Link]:
    """Yield every plan of a symbol, oldest first."""
    for record in reader.records(b'"PlanChosen"'):
        for seq, sender, receivers, at_ns, row in _sayings(record):
            if row is None or row[0] != PlanChosen.__name__:
                continue
            plan = codec.from_row(row)
            if isinstance(plan, PlanChosen) and plan.symbol == symbol:
                yield Link(
                    seq=seq,
                    sender=sender,
                    receivers=receivers,
                    said_ns=at_ns,
                    body=plan,
                    place=reader.place,
                )


def _followed(plans: tuple[Link, ...], causes: tuple[Link, ...]) -> Link | None:
    proposed = next((one.seq for one in causes if isinstance(one.body, IntentsProposed)), 0)
    earlier = (plan for plan in plans if plan.seq < proposed)
    return max(earlier, key=lambda plan: plan.seq, default=None)


def _sayings(record: Record) -> Iterator[tuple[int, str, tuple[str, ...], int, Any]]:
    if record[0] == "o":
        yield record[1], record[2], (record[3],), record[4], record[6]
    elif record[0] == "t":
        for seq, receivers, row in record[6]:
            yield seq, record[2], tuple(receivers), record[4], row


def _ids(row: Any, columns: dict[str, list[str]]) -> tuple[str, ...]:
    """Return the client order ids that a row is about: its own, or those of its orders."""
    if row[0] in SNAPSHOTS:
        return ()
    names = columns[row[0]]
    if "client_order_id" in names:
        return (row[2][names.index("client_order_id")],)
    if "orders" in names:
        orders = row[2][names.index("orders")]
        return tuple(one.get("client_order_id", "") for one in orders if isinstance(one, dict))
    return ()


def _market_chain(reader: JournalReader, seq: int, codec: Codec) -> Iterator[Link]:
    """Yield the causes of message ``seq`` back to the market.

    A plan that a timer or an answer has led to was still made on a market: where the chain of
    causes passes a policy without having met its features, the features that the policy had heard
    last are part of it.
    """
    links = list(_until_repeated(chain(reader.backwards(), seq, codec)))
    yield from links
    if any(isinstance(link.body, FeaturesComputed) for link in links):
        return
    policy = next((link for link in links if link.sender.startswith("policy.")), None)
    if policy is not None:
        yield from _basis(reader, policy, codec)


def _until_repeated(links: Iterator[Link]) -> Iterator[Link]:
    """Yield links until a timer turns up for the second time: it only goes round from there."""
    timers: set[tuple[tuple[str, ...], str]] = set()
    for link in links:
        yield link
        if isinstance(link.body, TimerFired):
            timer = (link.receivers, link.body.key)
            if timer in timers:
                return
            timers.add(timer)


def _basis(reader: JournalReader, plan: Link, codec: Codec) -> Iterator[Link]:
    """Yield the features that a policy had heard last when it made ``plan``, and their causes."""
    handed: set[int] = set()
    is_before = False
    for record in reader.backwards():
        if record[0] != "t":
            continue
        if record[2] == plan.sender:
            is_before = is_before or any(
                first <= plan.seq < first + len(receivers) for first, receivers, _ in record[6]
            )
            if is_before:
                handed.add(record[1])
        for first, receivers, row in record[6]:
            if row is None or row[0] != FeaturesComputed.__name__:
                continue
            for seq in range(first, first + len(receivers)):
                if seq in handed:
                    yield from chain(reader.backwards(), seq, codec)
                    return


def refusals(directory: Path, run: int | None, symbol: str, codec: Codec) -> tuple[Refusal, ...]:
    """Return what was refused by our own gates, most frequent first.

    Raises:
        JournalError: damage.
    """
    reader = JournalReader(directory, run)
    counts: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, str], tuple[int, Denial]] = {}
    for record in reader.records(b'"IntentsDenied"'):
        for _, _, _, at_ns, row in _sayings(record):
            if row is None or row[0] != IntentsDenied.__name__:
                continue
            denied: Message = codec.from_row(row)
            assert isinstance(denied, IntentsDenied)
            if symbol and denied.symbol != symbol:
                continue
            for denial in denied.denials:
                key = (denial.code, denied.symbol)
                counts[key] += 1
                last[key] = (at_ns, denial)
    return tuple(
        Refusal(
            code=code,
            symbol=of,
            count=count,
            last_ns=last[code, of][0],
            detail=last[code, of][1].detail,
        )
        for (code, of), count in counts.most_common()
    )
