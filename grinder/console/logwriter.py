"""Writing log records on a thread of their own.

Whoever logs hands a record over and goes on: neither the making of its text nor a reader that has
stopped reading (a pager, a stalled pipe, a full disk) holds a thread that trades. What does not fit
into the queue is lost, and the log says how much that was as soon as it goes on.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any, Protocol, runtime_checkable

WAITING_MAX = 20_000
"""Records that may wait to be written; more are lost."""
PAUSE_S = 0.05
"""The writer looks for records so often: being woken for each would cost whoever logs."""
CLOSE_TIMEOUT_S = 2.0

STANDARD_ERROR = 2
LOST = "log_records_lost"


@runtime_checkable
class Told(Protocol):
    """A record's message that becomes text only when it is written; one may be several records."""

    def records(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """Return name and fields of each."""


class Hand(QueueHandler):
    """Puts records into the writer's queue, as they are; never waits."""

    def __init__(self, queue: SimpleQueue[Any]) -> None:
        super().__init__(queue)
        self._waiting = queue
        self.lost = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return the record itself: it is read in this process, and nobody changes it."""
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put the record if there is room."""
        if self._waiting.qsize() < WAITING_MAX:
            self._waiting.put(record)
        else:
            self.lost += 1


class LogWriter(QueueListener):
    """Formats and writes what waits, in order."""

    def __init__(self, formatter: logging.Formatter, write: Callable[[str], object]) -> None:
        """Begin to write.

        Args:
            formatter: makes one line of a record; reads the fields of one that was ``Told`` from
                its attribute ``fields``.
            write: takes a line with its end; may block, or raise OSError or ValueError.
        """
        queue: SimpleQueue[Any] = SimpleQueue()
        super().__init__(queue)
        self._waiting = queue
        self.hand = Hand(queue)
        self._formatter = formatter
        self._write = write
        self._is_closing = threading.Event()
        self._told_lost = 0
        self.start()

    def dequeue(self, block: bool) -> logging.LogRecord:
        """Return the next record; wait for one."""
        while self._waiting.empty():
            self._is_closing.wait(PAUSE_S)
        return super().dequeue(block)

    def handle(self, record: logging.LogRecord) -> None:
        """Write a record, and before it how many had no room."""
        lost = self.hand.lost
        if lost != self._told_lost:
            told = {"count": lost - self._told_lost}
            if self._write_line(_part(record, LOST, told, logging.WARNING)):
                self._told_lost = lost
        for part in _parts(record):
            if not self._write_line(part):
                self.hand.lost += 1

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Write what waits and end; return False if that takes longer than ``timeout_s``."""
        thread = self._thread
        if thread is None:
            return True
        self.enqueue_sentinel()
        self._is_closing.set()
        thread.join(timeout_s)
        return not thread.is_alive()

    def _write_line(self, record: logging.LogRecord) -> bool:
        """Write one record; return False if nobody reads, or its arguments do not fit its text."""
        try:
            self._write(self._formatter.format(record) + "\n")
        except (OSError, TypeError, ValueError):
            return False
        return True


def _parts(record: logging.LogRecord) -> Iterable[logging.LogRecord]:
    if not isinstance(record.msg, Told):
        return (record,)
    return [_part(record, name, said, record.levelno) for name, said in record.msg.records()]


def _part(
    record: logging.LogRecord, name: str, fields: dict[str, Any], level: int
) -> logging.LogRecord:
    """Return a record of this name and these fields, logged when and where ``record`` was."""
    told: dict[str, Any] = {"msg": name, "args": (), "exc_info": None, "fields": fields}
    told |= {"levelno": level, "levelname": logging.getLevelName(level)}
    return logging.makeLogRecord(record.__dict__ | told)


def lost_records() -> int:
    """Return how many records this process has lost since its log was configured."""
    return sum(one.lost for one in logging.getLogger().handlers if isinstance(one, Hand))


def to_standard_error(line: str) -> None:
    """Write to standard error, past the buffer that the end of the process would wait for.

    Raises:
        OSError: nobody reads there any more.
    """
    if sys.stderr is not sys.__stderr__:
        # A live picture shows what is written to it.
        sys.stderr.write(line)
        return
    rest = memoryview(line.encode(errors="backslashreplace"))
    while rest:
        rest = rest[os.write(STANDARD_ERROR, rest) :]
