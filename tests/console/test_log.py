"""One record for each fact, in one format, without secrets."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from freezegun import freeze_time

from console import said
from console.said import INSTRUMENTS, NOW
from grinder.console.log import (
    DEBUG,
    LEVELS,
    DebugObserver,
    LogObserver,
    configure,
    event_name,
    observer_for,
)
from grinder.console.logwriter import LOST, WAITING_MAX, lost_records
from grinder.kernel.message import Message
from grinder.kernel.signals import ActorFailed, ExitReason
from grinder.messages.grid import IntentsDenied
from grinder.messages.market import FeedHealthChanged, StreamKind
from grinder.messages.orders import OrderFilled

PATIENCE_S = 60.0
"""Ends a hopeless wait."""


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("grinder").setLevel(logging.NOTSET)


def logged(*messages: Message, level: str = "info") -> list[dict[str, Any]]:
    with writing(level) as lines:
        observer = observer_for(level, INSTRUMENTS)
        for message in messages:
            observer.observe("exchange", NOW, message)
    return parsed(lines)


@contextmanager
def writing(level: str = "info", style: str = "json") -> Iterator[list[str]]:
    """Configure; at the end every record stands in the list, a line each."""
    lines: list[str] = []
    writer = configure(level, style, lines.append)
    yield lines
    assert writer.close(PATIENCE_S)


def parsed(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def test_a_fill_is_one_record_in_money() -> None:
    (record,) = logged(said.filled())

    assert record["event"] == "order_filled"
    assert record["level"] == "info"
    assert (record["symbol"], record["sender"], record["at_ns"]) == ("BTCUSDT", "exchange", NOW)
    assert (record["price"], record["qty"], record["remaining_qty"]) == (
        "59900.00",
        "0.001",
        "0.003",
    )
    assert record["fee"] == "0.01198"
    assert (record["side"], record["grid_level"]) == ("BUY", "b1")


def test_the_level_says_who_must_care() -> None:
    stale = FeedHealthChanged(symbol="BTCUSDT", stream=StreamKind.DEPTH, is_stale=True, age_ns=1)
    fresh = FeedHealthChanged(symbol="BTCUSDT", stream=StreamKind.DEPTH, is_stale=False, age_ns=1)
    failed = ActorFailed(actor="feed", generation=1, reason=ExitReason.STUCK)

    records = logged(stale, fresh, failed)

    assert [record["level"] for record in records] == ["warning", "info", "error"]
    assert records[2]["reason"] == "stuck"


def test_ticks_are_for_debug_only() -> None:
    assert type(observer_for("info", {})) is LogObserver
    assert set(DebugObserver.hears) == {*LEVELS, *DEBUG}
    assert not {*LEVELS} & {*DEBUG}

    denied = IntentsDenied(symbol="BTCUSDT", denials=(said.denial(), said.denial("OTHER")))
    records = logged(said.ticked(), denied, level="debug")

    assert [record["event"] for record in records] == ["book_ticked", "intents_denied"]
    assert records[0]["bid_price"] == "60000.00"
    assert records[1]["denials"] == "MAX_POSITION,OTHER"


def test_every_message_class_can_be_logged() -> None:
    observer = DebugObserver(INSTRUMENTS)
    sample: dict[type[Message], Message] = {
        type(one): one
        for one in (
            said.ticked(),
            said.submitted(),
            said.accepted(),
            said.filled(),
            said.ended(),
            said.moved("INIT", "READY"),
            said.proposed(),
            said.answered(1),
            said.ledger(),
            said.planned(),
        )
    }
    with writing("debug") as lines:
        for one in sample.values():
            observer.observe("anybody", NOW, one)

    events = [record["event"] for record in parsed(lines)]
    named = [event_name(one) for one in sample]
    assert events == [{"orders_submitted": "order_submitted"}.get(one, one) for one in named]


def test_each_of_the_orders_submitted_together_has_a_record() -> None:
    records = logged(said.submitted("o1", "o2"))

    assert [one["event"] for one in records] == ["order_submitted"] * 2
    assert [one["client_order_id"] for one in records] == ["o1", "o2"]
    assert {(one["price"], one["grid_level"]) for one in records} == {("59900.00", "b1")}


def test_names_are_in_snake_case() -> None:
    assert event_name(OrderFilled) == "order_filled"


def test_text_style_is_one_line_a_record() -> None:
    with writing(style="text") as lines:
        LogObserver(INSTRUMENTS).observe("exchange", NOW, said.filled())

    (line,) = lines
    assert line.count("\n") == 1
    assert "order_filled" in line
    assert "price=59900.00" in line


def test_records_below_the_level_are_not_written() -> None:
    assert logged(said.filled(), level="warning") == []


@pytest.mark.parametrize("style", ["text", "json"])
def test_secrets_never_reach_a_record(style: str) -> None:
    log = logging.getLogger("grinder")

    with writing(style=style) as lines:
        named = {"api_key": "HUSH1", "secret": "HUSH2", "signature": "HUSH3", "listenKey": "HUSH4"}
        log.info("one", extra={"fields": named})
        url = {"url": "wss://h/ws?listenKey=HUSH6&a=b"}
        log.info("GET /x?timestamp=1&signature=HUSH5", extra={"fields": url})
        logging.getLogger("grinder.kernel").error("failed with X-MBX-APIKEY: %s", "HUSH7")
        try:
            raise ValueError("secret=HUSH8")
        except ValueError:
            logging.getLogger("grinder.kernel").exception("an actor failed")

    written = "".join(lines)
    assert "HUSH" not in written
    # The traceback shows the last one twice: in the source line and in the exception.
    assert written.count("[hidden]") == 9
    assert "timestamp=1" in written
    assert "a=b" in written


def test_library_records_take_the_same_way_from_warning_on() -> None:
    with writing() as lines:
        logging.getLogger("urllib3").info("quiet")
        logging.getLogger("urllib3").warning("retry %d", 3)

    (record,) = parsed(lines)
    assert (record["event"], record["level"]) == ("retry 3", "warning")


def test_standard_error_takes_what_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    writer = configure("info", "text")
    logging.getLogger("grinder").info("hello")
    writer.close()

    assert "hello" in capfd.readouterr().err


def test_a_record_says_when_it_was_logged() -> None:
    with writing() as lines, freeze_time("2026-01-02 03:04:05.000006", tick=False):
        logging.getLogger("grinder").info("now")

    (record,) = parsed(lines)
    assert record["timestamp"] == "2026-01-02T03:04:05.000006Z"


def test_whoever_logs_does_not_wait_for_whoever_reads() -> None:
    is_reading = threading.Event()
    lines: list[str] = []

    def write(line: str) -> None:
        is_reading.wait()
        lines.append(line)

    writer = configure("info", "json", write)
    log = logging.getLogger("grinder")
    for number in range(WAITING_MAX + 3):
        log.info("record %d", number)
    assert not writer.close(timeout_s=0.0)
    is_reading.set()
    assert writer.close(PATIENCE_S)

    records = parsed(lines)
    lost = [record["count"] for record in records if record["event"] == LOST]
    # The writer may have taken one to write before the queue was full.
    assert sum(lost) in (2, 3)


def test_each_record_that_nobody_takes_is_counted_once() -> None:
    lines: list[str] = []
    tried: list[str] = []

    def write(line: str) -> None:
        tried.append(line)
        # Three records, and from the second one on the word that some were lost.
        if len(tried) <= 3 + 2:
            raise BrokenPipeError
        lines.append(line)

    writer = configure("info", "json", write)
    for number in range(4):
        logging.getLogger("grinder").info("record %d", number)
    assert writer.close(PATIENCE_S)

    assert lost_records() == 3
    told, last = parsed(lines)
    assert (told["event"], told["count"], last["event"]) == (LOST, 3, "record 3")
