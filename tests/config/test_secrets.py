"""Keys come from one place, from private files only, and are never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from grinder.config.secrets import SIM, load_secrets
from grinder.errors import ConfigError


def private(path: Path, content: str = "word\n", mode: int = 0o600) -> str:
    path.write_text(content)
    path.chmod(mode)
    return str(path)


def problems_of(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_secrets("binance-demo", environ)
    return caught.value.problems


def test_the_simulated_venue_has_fixed_keys_whatever_the_environment_says() -> None:
    assert load_secrets("sim", {"BINANCE_API_KEY": "real"}) is SIM
    assert (SIM.api_key, SIM.api_secret) == ("sim-key", "sim-secret")


def test_keys_come_from_variables_or_files(tmp_path: Path) -> None:
    secrets = load_secrets(
        "binance-demo",
        {"BINANCE_API_KEY": " k ", "BINANCE_API_SECRET_FILE": private(tmp_path / "s", "hush\n")},
    )

    assert (secrets.api_key, secrets.api_secret) == ("k", "hush")


def test_a_read_only_file_is_stricter_and_fine(tmp_path: Path) -> None:
    file = private(tmp_path / "s", mode=0o400)

    secrets = load_secrets("binance", {"BINANCE_API_KEY_FILE": file, "BINANCE_API_SECRET": "x"})

    assert secrets.api_key == "word"


def test_repr_and_str_show_nothing() -> None:
    assert "sim" not in repr(SIM)
    assert "sim" not in str(SIM)


def test_both_missing_are_reported_together() -> None:
    assert problems_of({}) == (
        "BINANCE_API_KEY: missing; set BINANCE_API_KEY or BINANCE_API_KEY_FILE",
        "BINANCE_API_SECRET: missing; set BINANCE_API_SECRET or BINANCE_API_SECRET_FILE",
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o700])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    file = private(tmp_path / "s", mode=mode)

    (problem,) = problems_of({"BINANCE_API_KEY": "k", "BINANCE_API_SECRET_FILE": file})

    assert problem == (
        f"BINANCE_API_SECRET_FILE: expected mode 0600 or stricter, {file} has {mode:04o}"
    )


def test_odd_sources_are_refused_without_being_quoted(tmp_path: Path) -> None:
    private(tmp_path / "s")
    empty = private(tmp_path / "empty", "\n")
    cases = {
        "both are set": {"BINANCE_API_SECRET": "a", "BINANCE_API_SECRET_FILE": str(tmp_path / "s")},
        "can't be read": {"BINANCE_API_SECRET_FILE": str(tmp_path / "none")},
        "regular file": {"BINANCE_API_SECRET_FILE": "/dev/null"},
        "holds 1 bytes": {"BINANCE_API_SECRET_FILE": empty},
        "printable ASCII": {"BINANCE_API_SECRET": "two hidden-words"},
    }

    for part, environ in cases.items():
        (problem,) = problems_of({"BINANCE_API_KEY": "k", **environ})
        assert part in problem
        assert "hidden" not in problem
