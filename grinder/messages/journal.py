"""The journal: what a run was, and whether it is being written."""

from __future__ import annotations

from typing import ClassVar

import attrs

from grinder.kernel.message import Lane, Message
from grinder.model.instrument import Instrument


@attrs.frozen(kw_only=True)
class RunDescribed(Message):
    """Whatever the actors of a run were made from; the head of every segment holds it."""

    version: ClassVar[int] = 2

    code: str
    """Version of Grinder that wrote it."""
    schema: str
    """Fingerprint of the message classes (``Codec.fingerprint``)."""
    config: str
    """The whole configuration as TOML, without secrets."""
    config_hash: str
    instance: str
    epoch: int
    """Leadership epoch when the segment was begun; 0 while there was none."""
    started_ns: int
    instruments: tuple[Instrument, ...]
    """In the order of the configuration."""


@attrs.frozen(kw_only=True)
class DescribeEpoch(Message):
    """JournalActor tells its port which epoch the next segment's head has to name."""

    epoch: int


@attrs.frozen(kw_only=True)
class JournalReported(Message):
    """The journal's port tells how it gets on, once a second and whenever that turns."""

    is_written: bool
    """False when the disk takes nothing."""
    pending: int
    """Records that wait to be written."""
    lag_ns: int
    """Age of the oldest of them."""
    records: int
    """Written since the start."""
    bytes: int
    lost: int
    """Records that will never be written, since the start."""
    detail: str


@attrs.frozen(kw_only=True)
class JournalHealthChanged(Message):
    """JournalActor tells whether what is done is being recorded; no new risk while it is not."""

    lane: ClassVar[Lane] = Lane.CONTROL

    is_healthy: bool
    detail: str
