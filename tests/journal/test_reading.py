"""What a reader does with bytes that are not those that were written."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from grinder.errors import JournalError
from grinder.journal.reading import JournalReader
from grinder.journal.segments import pack, segments_of
from grinder.messages.codec import CODEC
from simulated.recorded import RecordWorld


def read(directory: Path) -> JournalReader:
    reader = JournalReader(directory)
    for _ in reader.records():
        pass
    return reader


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_changed_byte_anywhere_is_told_with_its_place(
    record_world: RecordWorld, is_packed: bool
) -> None:
    directory = record_world(seconds=3)
    path = segments_of(directory)[0].path
    if is_packed:
        path = pack(path)
    whole = path.read_bytes()
    chance = Random(1)
    for place in [0, 7, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(60))]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        path.write_bytes(bytes(damaged))

        with pytest.raises(JournalError, match=path.name.partition(".")[0]):
            read(directory)


def test_a_run_may_be_cut_anywhere_behind_its_head(record_world: RecordWorld) -> None:
    directory = record_world(seconds=3)
    path = segments_of(directory)[0].path
    whole = path.read_bytes()
    records = sum(1 for _ in JournalReader(directory).records())
    chance = Random(2)
    for _ in range(30):
        kept = chance.randrange(60_000, len(whole))
        path.write_bytes(whole[:kept])
        reader = JournalReader(directory)
        found = sum(1 for _ in reader.records())

        assert found <= records
        assert not reader.is_closed
        assert reader.cut_bytes < 64 * 1024


def test_a_segment_that_is_missing_is_told(record_world: RecordWorld) -> None:
    directory = record_world(seconds=20, segment_s=4)
    segments_of(directory)[2].path.unlink()

    with pytest.raises(JournalError, match="segment 3 is missing"):
        read(directory)


def test_a_cut_in_the_middle_of_a_run_is_damage(record_world: RecordWorld) -> None:
    directory = record_world(seconds=20, segment_s=4)
    path = segments_of(directory)[1].path
    path.write_bytes(path.read_bytes()[:-30])

    with pytest.raises(JournalError, match=path.name):
        read(directory)


def test_segments_that_changed_places_are_told(record_world: RecordWorld) -> None:
    directory = record_world(seconds=20, segment_s=4)
    second, third = (one.path for one in segments_of(directory)[1:3])
    swapped = second.read_bytes()
    second.write_bytes(third.read_bytes())
    third.write_bytes(swapped)

    with pytest.raises(JournalError, match="expected record"):
        read(directory)


def test_what_is_not_there_is_told(tmp_path: Path, record_world: RecordWorld) -> None:
    with pytest.raises(JournalError, match="No such file"):
        JournalReader(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(JournalError, match="no journal"):
        JournalReader(tmp_path / "empty")
    with pytest.raises(JournalError, match="no run 9"):
        JournalReader(record_world(seconds=1), 9)


def test_backwards_is_forwards_turned_over(record_world: RecordWorld) -> None:
    directory = record_world(seconds=10, segment_s=4)
    forwards = list(JournalReader(directory).records())

    assert list(JournalReader(directory).backwards()) == forwards[::-1]


def test_a_search_finds_what_reading_everything_finds(record_world: RecordWorld) -> None:
    directory = record_world(seconds=10, segment_s=4)
    needle = b'"PlaceOrders"'
    found = [one for one in JournalReader(directory).records(needle) if "PlaceOrders" in str(one)]

    assert found == [one for one in JournalReader(directory).records() if "PlaceOrders" in str(one)]


def test_the_head_says_what_the_actors_were_made_from(record_world: RecordWorld) -> None:
    described = JournalReader(record_world(seconds=1)).described(CODEC)

    assert described.instance == "world"
    assert described.schema == CODEC.fingerprint()
    assert [one.symbol for one in described.instruments] == ["BTCUSDT"]
