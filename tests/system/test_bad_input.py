"""What cannot be run is refused at the start, in a line or two, and nothing is placed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from grinder.venues.sim.config import AccountSeed
from system.conftest import OpenSite, Site
from system.processes import START_S, Run, settings

EXIT_CONFIG = 2
EXIT_VENUE = 3


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


def refused(folder: Path, site: Site, *arguments: str) -> tuple[int, list[str]]:
    """Return exit code and lines of standard error of a run that must not begin."""
    with Run(folder, "--for", "5", *site.options, *arguments) as run:
        code = run.wait(START_S)
    errors = run.err.splitlines()

    assert code != 0
    assert "Traceback" not in run.err
    assert site.witness.log() == []
    assert not run.report_path.exists()
    assert errors, run.out
    return code, errors


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path: Path, site: Site) -> None:
    config = tmp_path / "grinder.toml"
    config.write_text("[policy]\nspacing_bp = 5\n", encoding="utf-8")

    code, errors = refused(tmp_path, site, "--config", str(config))

    assert code == EXIT_CONFIG
    assert len(errors) == 1
    assert "spacing_bp" in errors[0]
    assert "policy.spacing_bps" in errors[0] or "spacing_bps" in errors[0].split("spacing_bp", 1)[1]


def test_a_wrong_type_is_refused_with_its_path(tmp_path: Path, site: Site) -> None:
    code, errors = refused(tmp_path, site, *settings(policy__levels="many"))

    assert code == EXIT_CONFIG
    assert len(errors) == 1
    assert "policy.levels" in errors[0]


def test_every_problem_is_told_at_once(tmp_path: Path, site: Site) -> None:
    code, errors = refused(
        tmp_path, site, *settings(policy__levels="many", risk__permit_ms=-1, stop__position="sell")
    )

    assert code == EXIT_CONFIG
    assert len(errors) == 3
    for path in ("policy.levels", "risk.permit_ms", "stop.position"):
        assert any(path in line for line in errors)


def test_a_symbol_that_the_venue_does_not_list_is_refused(tmp_path: Path, site: Site) -> None:
    _, errors = refused(tmp_path, site, "--symbols", "BTCUSDT,NOPEUSDT")

    assert len(errors) == 1
    assert "NOPEUSDT" in errors[0]


def test_a_port_in_use_is_refused(tmp_path: Path, site: Site, taken_port: int) -> None:
    code, errors = refused(tmp_path, site, "--port", str(taken_port))

    assert code == EXIT_CONFIG
    assert len(errors) == 1
    assert str(taken_port) in errors[0]


def test_a_core_that_is_not_there_is_refused(tmp_path: Path, site: Site) -> None:
    code, errors = refused(tmp_path, site, *settings(run__core=4_095))

    assert code == EXIT_CONFIG
    assert len(errors) == 1
    assert "run.core: there is no core 4095" in errors[0]


def test_a_venue_out_of_reach_is_told(tmp_path: Path, site: Site, taken_port: int) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        where = settings(venue__rest_url=f"http://127.0.0.1:{port}", venue__connect_timeout_ms=1000)
        code, errors = refused(tmp_path, site, *where)

    assert code == EXIT_VENUE
    assert len(errors) == 1
    assert str(port) in errors[0]


def test_a_key_that_the_venue_does_not_know_is_told(tmp_path: Path, open_site: OpenSite) -> None:
    site = open_site(accounts=(AccountSeed(key="another-key", secret="another-secret"),))

    code, errors = refused(tmp_path, site)

    assert code == EXIT_VENUE
    assert len(errors) == 1
    assert "key" in errors[0].lower()


def test_a_secret_that_does_not_sign_is_told(tmp_path: Path, open_site: OpenSite) -> None:
    site = open_site(accounts=(AccountSeed(key="sim-key", secret="another-secret"),))

    code, errors = refused(tmp_path, site)

    assert code == EXIT_VENUE
    assert len(errors) == 1
    assert "another-secret" not in errors[0]
    assert "sim-secret" not in errors[0]


def test_a_report_that_cannot_be_written_is_refused(tmp_path: Path, site: Site) -> None:
    code, errors = refused(tmp_path, site, "--report", str(tmp_path / "nowhere" / "r.json"))

    assert code == EXIT_CONFIG
    assert len(errors) == 1
    assert "nowhere" in errors[0]


@pytest.mark.parametrize(
    "content", [b"not a recording\n", b"\x1f\x8b\x08\x00broken"], ids=["text", "gzip"]
)
def test_a_damaged_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    recording, log = tmp_path / "market.gz", tmp_path / "orders.jsonl"
    recording.write_bytes(content)
    own_venue = ("--data", str(recording), *settings(sim__order_log=log))
    with Run(tmp_path, "--for", "5", *own_venue) as run:
        code = run.wait(START_S)

    errors = run.err.splitlines()
    assert code == EXIT_CONFIG
    assert len(errors) == 1
    assert "market.gz" in errors[0]
    assert not log.exists() or log.read_bytes() == b""
