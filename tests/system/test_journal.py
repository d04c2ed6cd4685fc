"""A live run is recorded: it can be replayed, every order explained, and no secret is in it."""

from __future__ import annotations

import os
import re
import shutil
import signal
from functools import partial
from pathlib import Path

import pytest
import requests

import grinder as package
from grinder.messages.codec import CODEC
from system.conftest import Site
from system.processes import START_S, Run, grinder
from system.recorded import (
    BAD_JOURNAL,
    FOLDER,
    newest_segment,
    recorded_run,
    replayed,
    trades,
    written,
)
from system.waiting import until
from system.witness import ACCOUNT, accepted, fills

pytestmark = pytest.mark.unmeasured

EXIT_CONFIG = 2
ASKED_ABOUT = 6
"""Orders whose reason is asked for."""
KEY_TEXT = re.compile(rb"[0-9a-fA-F]{64}")
"""What a listen key of the venue and a signature look like."""
PREFIX_BYTES = 6
TORN_BYTES = 7


def test_a_run_replays_to_the_same_and_every_order_has_a_reason(tmp_path: Path, site: Site) -> None:
    with recorded_run(tmp_path, site) as run:
        trades(site)
        journal = until(lambda: run.state()["journal"], "the journal's health")
        report = run.stop()
    names = [line["client_id"] for line in accepted(site.witness.log())]
    code, found, _ = replayed(tmp_path)

    assert journal["is_healthy"] is report["journal"]["is_healthy"] is True
    assert (code, found["identical"], found["skipped"]) == (0, True, {})
    assert found["closed"] is True
    assert found["messages"] > 500
    assert grinder(tmp_path, "journal", "verify", FOLDER).returncode == 0
    assert len(names) > ASKED_ABOUT
    for name in names[:: len(names) // ASKED_ABOUT]:
        told = grinder(tmp_path, "why", name, "--journal", FOLDER)
        assert told.returncode == 0, told.stderr
        chain = told.stdout.rpartition("\nwhy ")[2].splitlines()
        assert name in told.stdout
        assert "BookTicked" in chain[-1], told.stdout
        assert " port.public -> feed" in chain[-1]


def is_back(run: Run, actor: str, restarts: int) -> bool:
    """Return whether an actor has been restarted since, and is ready."""
    return run.restarts_of(actor) > restarts and run.is_ready()


def test_a_run_whose_actors_crash_and_hang_replays_as_well(tmp_path: Path, site: Site) -> None:
    victims = (
        *(("policy.BTCUSDT", "raise"), ("risk", "raise"), ("router", "hang")),
        *(("exchange", "raise"), ("journal", "raise"), ("feature", "hang")),
    )
    values = {"run__fault_injection": "true", "supervision__stall_after_ms": 500}
    with recorded_run(tmp_path, site, **values) as run:
        trades(site)
        for actor, kind in victims:
            before = run.restarts_of(actor)
            run.fault(actor, kind)
            until(partial(is_back, run, actor, before), f"{actor} is back")
        until(run.is_active, "active again")
        after = site.witness.last()
        until(lambda: accepted(site.witness.log(after)), "orders again")
        run.stop()
    code, found, _ = replayed(tmp_path)

    assert (code, found["identical"], found["skipped"]) == (0, True, {})
    assert found["generations"] >= found["actors"] + len(victims)


def test_a_killed_run_replays_up_to_the_last_whole_block(tmp_path: Path, site: Site) -> None:
    with recorded_run(tmp_path, site) as run:
        trades(site)
        run.send(signal.SIGKILL)
        run.wait()
    names = {line["client_id"] for line in accepted(site.witness.log())}
    data = written(tmp_path)
    whole = grinder(tmp_path, "replay", FOLDER)
    segment = newest_segment(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-TORN_BYTES])
    torn = grinder(tmp_path, "replay", FOLDER)

    # Written ahead: an order that the venue has heard of is in there, whenever the process died.
    assert [name for name in names if name.encode() not in data] == []
    for ended, said in ((whole, "not closed in order|cut: "), (torn, r"cut: \d+ bytes")):
        assert ended.returncode == 0, ended.stderr
        assert "identical" in ended.stdout
        assert re.search(said, ended.stdout), ended.stdout


def test_another_decision_is_found_with_actor_and_field(tmp_path: Path, site: Site) -> None:
    with recorded_run(tmp_path, site) as run:
        trades(site, at_least=1)
        run.stop()
    # The command prefers what lies in its working directory: a copy in which levels stand wider.
    copy = tmp_path / "grinder"
    shutil.copytree(Path(package.__file__).parent, copy)
    ladder = copy / "planner" / "ladder.py"
    text = ladder.read_text(encoding="utf-8")
    assert text.count("return max(1, int(anchor_ticks2") == 1
    ladder.write_text(text.replace("return max(1, int(anchor", "return 1 + max(1, int(anchor"))
    with pytest.MonkeyPatch.context() as patch:
        # Nobody asks how much of the copy was run.
        for name in [each for each in os.environ if each.startswith("COVERAGE_PROCESS")]:
            patch.delenv(name)
        ended = grinder(tmp_path, "replay", FOLDER)

    assert ended.returncode == BAD_JOURNAL, ended.stderr
    assert re.search(r"diverged after \d+ messages: policy\.\w+USDT, generation 1", ended.stdout)
    assert re.search(r"price_ticks: recorded \d+, replayed \d+", ended.stdout)
    causes = ended.stdout.partition("causes, newest first:\n")[2].splitlines()
    assert " -> " in causes[0]
    assert len(causes) > 1


def test_a_journal_that_cannot_be_written_stops_the_start(tmp_path: Path, site: Site) -> None:
    (tmp_path / FOLDER).write_text("a file, not a directory", encoding="utf-8")
    with recorded_run(tmp_path, site) as run:
        code = run.wait(START_S)

    assert code == EXIT_CONFIG
    assert len(run.err.splitlines()) == 1
    assert "journal.directory" in run.err
    assert "Traceback" not in run.err
    assert site.witness.log() == []


def listen_key(site: Site) -> bytes:
    """Return the key of the private stream, as the venue tells it to whoever has the account."""
    answer = requests.post(
        f"{site.server.rest_url}/fapi/v1/listenKey", headers={"X-MBX-APIKEY": ACCOUNT}, timeout=10
    )
    key: str = answer.json()["listenKey"]
    return key.encode()


def test_no_secret_is_in_a_journal(tmp_path: Path, site: Site) -> None:
    control = site.server.control
    with recorded_run(tmp_path, site) as run:
        trades(site)
        keys = [listen_key(site)]
        # Whatever has a text that might name an address: frames, streams and requests that break.
        control("stream-fault", fault="corrupt", pattern="user:*")
        control("expire-listen-key")
        until(lambda: run.records("frame_rejected"), "half a frame of the private stream")
        control("clear-faults")
        control("drop", routes=["private", "public", "market"])
        until(lambda: run.records("stream_closed", at_least=3), "streams are closed")
        until(lambda: run.is_ready() and run.is_active(), "active again")
        keys.append(listen_key(site))
        for fault in ("lost", "lost-before", "unknown-503-done"):
            for method in ("POST", "DELETE", "GET"):
                control("fault", fault=fault, method=method, times=2)
        until(lambda: run.records("order_outcome_unknown"), "a request without an answer")
        control("clear-faults")
        before = len(fills(site.witness.log()))
        until(lambda: len(fills(site.witness.log())) > before, "trading goes on")
        run.stop()
    data = written(tmp_path)

    assert KEY_TEXT.fullmatch(keys[0])
    assert keys[0] != keys[1]
    for said in (b"StreamClosed", b"FrameRejected", b"OrderOutcomeUnknown", b"listenKeyExpired"):
        assert said in data
    shortest = [key[:PREFIX_BYTES] for key in keys]
    for secret in (*shortest, b"sim-key", b"sim-secret", b"signature=", b"X-MBX-APIKEY"):
        assert secret.lower() not in data.lower(), secret
    assert set(KEY_TEXT.findall(data)) <= {CODEC.fingerprint().encode()}
