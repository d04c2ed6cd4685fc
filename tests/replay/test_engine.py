"""Recorded runs replay to the same messages, and whatever is different is found at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import orjson
import pytest

from grinder.errors import JournalError
from grinder.journal.reading import JournalReader
from grinder.journal.records import FORMAT, Record, frame, parse, unframe
from grinder.messages.codec import CODEC
from grinder.messages.risk import TripKillSwitch
from grinder.model.grid_settings import GridSettings
from grinder.planner import ladder
from grinder.replay.causes import chain_of
from grinder.replay.command import runtime_of
from grinder.replay.differences import sayings
from grinder.replay.engine import Engine
from grinder.replay.states import state_of
from simulated.recorded import RecordWorld, replayed
from simulated.worlds import BTC, Stage


def in_format(number: int, directory: Path) -> None:
    """Write the only segment of a run again as an older format had it.

    None of them folded anything, and in the first one every turn had words.
    """
    reader = JournalReader(directory)
    (segment,) = reader.segments
    data = segment.path.read_bytes()
    blocks: list[bytes] = []
    offset = 0
    while offset < len(data):
        payload, _, offset = unframe(data, offset)
        records = parse(payload, reader.head.nested)
        if not blocks:
            head = records[0][1]
            assert head.pop("format") == FORMAT == 3
            assert head.pop("nested") == orjson.loads(orjson.dumps(CODEC.nested()))
            head |= {"format": number, "described": reader.head.described}
        if number > 1:
            records = list(map(short, records, orjson.loads(payload)))
        blocks.append(frame(records, CODEC.pack))
    segment.path.write_bytes(b"".join(blocks))


def short(record: Record, written: Record) -> Record:
    """Return a record that was read in as few values as it was written in."""
    if isinstance(written[0], str):
        return record
    _, *quiet, _, said = record
    return [*quiet, *said[0]] if said else quiet


def crash_everybody(stage: Stage) -> None:
    names = [one.name for one in stage.runtime.snapshots() if one.kind != "Supervisor"]
    for number, name in enumerate(names):
        stage.runtime.inject(name, "hang" if number % 3 == 2 else "raise")
        stage.run(4)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_run_replays_to_the_same_messages(record_world: RecordWorld, seed: int | None) -> None:
    outcome, _ = replayed(record_world(seconds=30, seed=seed))

    assert outcome.divergence is None
    assert not outcome.skipped
    assert outcome.messages > 1_000
    assert len(outcome.actors) > 15


@pytest.mark.parametrize("number", [1, 2])
def test_a_run_of_an_older_format_replays_to_the_same(
    record_world: RecordWorld, number: int
) -> None:
    directory = record_world(seconds=10, compress=False)
    outcome, _ = replayed(directory)
    size = sum(one.stat().st_size for one in directory.iterdir())
    in_format(number, directory)
    before, _ = replayed(directory)

    assert sum(one.stat().st_size for one in directory.iterdir()) > size
    assert before.messages > 100
    assert attrs.asdict(before) == attrs.asdict(outcome)


def test_a_run_in_which_every_actor_fell_replays_as_well(record_world: RecordWorld) -> None:
    outcome, _ = replayed(record_world(seconds=10, during=crash_everybody))

    assert outcome.divergence is None
    assert not outcome.skipped
    assert outcome.generations > 25


def test_kill_switch_and_reset_replay(record_world: RecordWorld) -> None:
    def kill(stage: Stage) -> None:
        stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="a drill"))
        stage.run(3)
        stage.runtime.inject("risk", "raise")
        stage.run(5)

    outcome, _ = replayed(record_world(seconds=10, during=kill))

    assert outcome.divergence is None


def test_a_constant_that_changed_is_found_where_it_first_matters(
    record_world: RecordWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = record_world(seconds=10)
    whole = ladder.step_ticks
    monkeypatch.setattr("grinder.planner.rungs.step_ticks", lambda *args: whole(*args) + 1)

    outcome, _ = replayed(directory)

    divergence = outcome.divergence
    assert divergence is not None
    assert divergence.actor == f"policy.{BTC}"
    lines = list(sayings(divergence.recorded, divergence.replayed, CODEC))
    assert any("price_ticks: recorded" in line for line in lines)
    causes = chain_of(JournalReader(directory), divergence.seq, CODEC)
    assert causes[0].seq == divergence.seq
    assert len(causes) > 2


def test_a_setting_that_changed_is_found(
    record_world: RecordWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = record_world(seconds=10)
    monkeypatch.setattr(
        "grinder.replay.command.from_toml", _with_policy("grinder.replay.command.from_toml")
    )
    outcome, _ = replayed(directory)

    assert outcome.divergence is not None


def _with_policy(_: str) -> Callable[[str], object]:
    import attrs

    from grinder.config.load import from_toml

    return lambda text: attrs.evolve(from_toml(text), policy=GridSettings(levels=2))


def test_one_actor_can_be_replayed_alone(record_world: RecordWorld) -> None:
    outcome, _ = replayed(record_world(seconds=10), only="risk")

    assert outcome.actors == {"risk"}
    assert outcome.divergence is None
    with pytest.raises(JournalError, match="no actor called nobody"):
        replayed(record_world("another", seconds=1), only="nobody")


def test_a_replay_stops_where_it_is_told_and_shows_the_states(record_world: RecordWorld) -> None:
    directory = record_world(seconds=10)
    reader = JournalReader(directory)
    engine = Engine(runtime_of(reader), CODEC)
    outcome = engine.replay(reader, until=600)
    state = state_of(engine.runtime.cells["risk"].actor)
    engine.runtime.end()

    assert 100 < outcome.messages <= 600
    assert state["_state"] in ("INIT", "READY", "ACTIVE")


def test_what_was_lost_is_not_judged_until_it_begins_anew(record_world: RecordWorld) -> None:
    def restart_feature(stage: Stage) -> None:
        stage.runtime.inject("feature", "raise")
        stage.run(5)

    directory = record_world(
        seconds=20, segment_s=4, during=restart_feature, compress=False, keep_mb=1
    )
    reader = JournalReader(directory)
    for segment in reader.segments[:2]:
        segment.path.unlink()

    outcome, _ = replayed(directory)

    assert outcome.divergence is None
    assert outcome.skipped.keys() <= {
        "its beginning is not in the journal",
        "a message that it was handed is not in the journal",
    }
    assert outcome.actors == {"feature"}


def test_the_digest_is_of_decisions_alone(record_world: RecordWorld) -> None:
    first, _ = replayed(record_world("one", seconds=10))
    again, _ = replayed(record_world("two", seconds=10))
    longer, _ = replayed(record_world("three", seconds=12))

    assert first.digest == again.digest != longer.digest
    assert first.digest.startswith("3:")


def test_what_only_people_hear_is_recorded_as_well(record_world: RecordWorld) -> None:
    def kill(stage: Stage) -> None:
        stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="a drill"))
        stage.run(3)

    directory = record_world(seconds=5, during=kill)

    tripped = [
        said
        for record in JournalReader(directory).records(b'"KillSwitchTripped"')
        if record[0] == "t"
        for said in record[6]
        if said[2] is not None and said[2][0] == "KillSwitchTripped"
    ]
    assert [list(said[1]) for said in tripped] == [["nobody"]]
    outcome, _ = replayed(directory)
    assert outcome.divergence is None
