"""The command line: refusals are lines and exit codes, never tracebacks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from grinder import __version__, cli
from grinder.config.load import load
from grinder.config.secrets import SIM
from grinder.console.http import ConsoleServer, Sources
from grinder.console.metrics import Metrics
from grinder.console.views import StateView
from grinder.errors import ConfigError, TransientError
from grinder.kernel.observer import ActorSnapshot
from grinder.kernel.spec import ChildSpec, SupervisorSpec
from grinder.model.settings import Config

RUNNER = CliRunner()
NOBODY = "http://127.0.0.1:1"

Provide = Callable[..., None]


@pytest.fixture
def provide(monkeypatch: pytest.MonkeyPatch) -> Provide:
    """Put functions where the command line fetches them."""

    def put(module: str, **functions: Any) -> None:
        fake = ModuleType(module)
        for name, function in functions.items():
            setattr(fake, name, function)
        monkeypatch.setitem(sys.modules, module, fake)

    return put


def actor(name: str, supervisor: str, kind: str = "Actor") -> ActorSnapshot:
    return ActorSnapshot(
        name=name,
        kind=kind,
        supervisor=supervisor,
        state="ready",
        generation=2,
        restarts=1,
        handled=1,
        depth=0,
        conflated=0,
        dropped=0,
        unhandled=0,
        thread="thinking",
    )


@pytest.fixture
def console() -> Iterator[str]:
    """A console of an instance that does nothing."""
    actors = (actor("root", ""), actor("feed", "root"))
    server = ConsoleServer(
        "127.0.0.1",
        0,
        Sources(
            view=StateView({}, now_ns=lambda: 1),
            registry=Metrics(
                config_hash="h",
                version="1",
                actors=lambda: actors,
                is_ready=lambda: True,
                now_ns=lambda: 1,
            ).registry,
            actors=lambda: actors,
            is_ready=lambda: True,
            config_hash="h",
            version="1",
        ),
    )
    yield f"http://127.0.0.1:{server.port}"
    server.close()


def test_version_is_printed() -> None:
    answer = RUNNER.invoke(cli.app, ["--version"])

    assert (answer.exit_code, answer.output) == (0, f"grinder {__version__}\n")


@pytest.mark.parametrize("command", [[], ["run"], ["venue"], ["tree"], ["config", "check"]])
def test_help_states_the_exit_codes(command: list[str]) -> None:
    answer = RUNNER.invoke(cli.app, [*command, "--help"])

    assert answer.exit_code == 0
    assert "interrupted twice" in " ".join(answer.output.split())


def test_run_builds_settings_from_its_options(provide: Provide, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def run(config: Config, **options: Any) -> int:
        seen.update(config=config, **options)
        return 0

    provide("grinder.actors.main", run=run)
    file = tmp_path / "grinder.toml"
    file.write_text("[policy]\nlevels = 2\n[run]\nport = 1\n")

    options = ["--config", str(file), "--set", "policy.spacing_bps=9", "--symbols", "BTCUSDT"]
    options += ["--for", "2.5", "--report", str(tmp_path / "r.json"), "--port", "0"]
    options += ["--data", "x.gz", "--speed", "4", "--log", "json", "--venue", "sim"]
    options += ["--regime", "crash", "--faults", "f.toml"]
    answer = RUNNER.invoke(cli.app, ["run", *options])

    assert (answer.exit_code, answer.output) == (0, "")
    config = seen["config"]
    assert (config.policy.levels, config.policy.spacing_bps) == (2, 9)
    assert config.run.symbols == ("BTCUSDT",)
    assert (config.run.port, config.run.log) == (0, "json")
    assert (config.sim.data, config.sim.speed) == ("x.gz", 4.0)
    assert (config.sim.regimes, config.sim.faults) == (("crash",), "f.toml")
    assert seen["for_seconds"] == 2.5
    assert seen["report"] == tmp_path / "r.json"
    assert seen["secrets"] is SIM


def test_a_long_option_wins_over_set(provide: Provide) -> None:
    provide("grinder.actors.main", run=lambda config, **_: config.run.port)

    assert RUNNER.invoke(cli.app, ["run", "--port", "7", "--set", "run.port=8"]).exit_code == 7


def test_the_exit_code_is_what_the_run_says(provide: Provide) -> None:
    provide("grinder.actors.main", run=lambda config, **_: 130)

    assert RUNNER.invoke(cli.app, ["run"]).exit_code == 130


def test_a_venue_that_fails_at_the_start_exits_with_3(provide: Provide) -> None:
    def run(config: Config, **_: Any) -> int:
        raise TransientError("nobody answers at 127.0.0.1")

    provide("grinder.actors.main", run=run)
    answer = RUNNER.invoke(cli.app, ["run"])

    assert (answer.exit_code, answer.stderr) == (3, "error: nobody answers at 127.0.0.1\n")


def test_a_port_that_is_taken_exits_with_2(provide: Provide) -> None:
    def run(config: Config, **_: Any) -> int:
        raise ConfigError("run.port: can't listen")

    provide("grinder.actors.main", run=run)
    answer = RUNNER.invoke(cli.app, ["run"])

    assert (answer.exit_code, answer.stderr) == (2, "error: run.port: can't listen\n")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--for", "0"], "--for: expected above 0, was 0.0"),
        (["--for", "nan"], "--for: expected above 0, was nan"),
        (
            ["--report", "/nowhere/r.json"],
            "--report: expected a file in a folder to write to, was /nowhere/r.json",
        ),
        (["--config", "/nowhere/g.toml"], "/nowhere/g.toml: can't be read: No such file"),
        (["--set", "policy.levles=1"], "did you mean policy.levels?"),
    ],
)
def test_wrong_options_are_one_line_and_exit_2(options: list[str], problem: str) -> None:
    answer = RUNNER.invoke(cli.app, ["run", *options])

    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: ")
    assert answer.stderr.count("\n") == 1
    assert problem in answer.stderr


def test_an_armed_run_without_keys_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BINANCE_API_KEY", "BINANCE_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)

    armed = ["run", "--venue", "binance-demo", "--set", "run.armed=true"]
    answer = RUNNER.invoke(cli.app, [*armed, "--set", "latches.file=latches.json"])

    assert answer.exit_code == 2
    assert answer.stderr.count("error: BINANCE_API_") == 2


def test_venue_passes_its_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def serve(**options: Any) -> int:
        seen.update(options)
        return 1

    monkeypatch.setattr("grinder.venues.sim.command.serve", serve)
    options = ["--rest-port", "1", "--ws-port", "2", "--control-port", "3", "--seed", "4"]
    options += ["--symbols", "A, B", "--speed", "5", "--data", "x", "--data", "y"]
    options += ["--markets", "coinm"]
    options += ["--account", "k:s:1", "--order-log", "o", "--host", "::1"]
    options += ["--regime", "crash", "--regime", "thin", "--spread-ticks", "3", "--faults", "f"]
    answer = RUNNER.invoke(cli.app, ["venue", *options])

    assert answer.exit_code == 1
    assert seen == {
        "rest_port": 1,
        "ws_port": 2,
        "control_port": 3,
        "seed": 4,
        "symbols": ["A", "B"],
        "markets": ["coinm"],
        "speed": 5.0,
        "regimes": ["crash", "thin"],
        "spread_ticks": 3,
        "faults": Path("f"),
        "data": ["x", "y"],
        "accounts": ["k:s:1"],
        "order_log": Path("o"),
        "host": "::1",
    }


def test_tree_shows_what_runs(console: str) -> None:
    answer = RUNNER.invoke(cli.app, ["tree", "--url", console])
    as_json = RUNNER.invoke(cli.app, ["tree", "--url", console, "--json"])

    assert answer.exit_code == 0
    assert f"running at {console}" in answer.output
    assert "feed  ready  1 restarts" in answer.output
    told = json.loads(as_json.output)
    assert told["is_running"] is True
    assert told["tree"][0]["children"][0]["name"] == "feed"


def test_tree_shows_what_is_declared_when_nothing_runs(provide: Provide) -> None:
    def declared_tree(config: Config) -> SupervisorSpec:
        children = tuple(
            ChildSpec(name=f"policy:{symbol}", factory=lambda: pytest.fail("made an actor"))
            for symbol in config.run.symbols
        )
        return SupervisorSpec(name="root", children=children)

    provide("grinder.actors.wiring", declared_tree=declared_tree)
    options = ["tree", "--url", NOBODY, "--set", "run.symbols=SOLUSDT"]
    answer = RUNNER.invoke(cli.app, options)
    as_json = RUNNER.invoke(cli.app, [*options, "--json"])

    assert answer.exit_code == 0
    assert "declared, not running" in answer.output
    assert "policy:SOLUSDT  permanent  [thinking]" in answer.output
    assert json.loads(as_json.output)["is_running"] is False


def test_state_prints_what_the_console_says(console: str) -> None:
    answer = RUNNER.invoke(cli.app, ["state", "--url", console])

    assert answer.exit_code == 0
    assert json.loads(answer.output)["view"]["state"] == "INIT"


def test_state_of_nobody_is_a_failure() -> None:
    answer = RUNNER.invoke(cli.app, ["state", "--url", NOBODY])

    assert (answer.exit_code, answer.stderr) == (1, f"error: no instance answers at {NOBODY}\n")


def test_bench_passes_everything_on(provide: Provide) -> None:
    seen: list[list[str]] = []
    provide("grinder.bench", main=seen.append)

    assert RUNNER.invoke(cli.app, ["bench", "hop", "--json", "--help"]).exit_code == 0
    assert seen == [["hop", "--json", "--help"]]


def test_config_check_tells_every_problem() -> None:
    options = ["config", "check", "--set", "policy.levels=x", "--set", "run.port=70000"]
    answer = RUNNER.invoke(cli.app, options)
    as_json = RUNNER.invoke(cli.app, [*options, "--json"])

    assert (answer.exit_code, as_json.exit_code) == (2, 2)
    assert answer.stderr.splitlines() == [
        'error: policy.levels: expected int, was "x"',
        "error: run.port: expected 0 to 65535, was 70000",
    ]
    assert len(json.loads(as_json.stdout)["problems"]) == 2


def test_config_check_is_content_with_the_defaults() -> None:
    assert RUNNER.invoke(cli.app, ["config", "check"]).output.startswith("settings are valid")
    answer = RUNNER.invoke(cli.app, ["config", "check", "--json"])
    assert json.loads(answer.output)["is_valid"] is True


def test_config_show_and_init_write_files_that_load(tmp_path: Path) -> None:
    shown = RUNNER.invoke(cli.app, ["config", "show", "--set", "policy.levels=2"])
    file = tmp_path / "shown.toml"
    file.write_text(shown.output)
    begun = tmp_path / "begun.toml"
    first = RUNNER.invoke(cli.app, ["config", "init", "--config", str(begun)])
    again = RUNNER.invoke(cli.app, ["config", "init", "--config", str(begun)])

    assert load(file).policy.levels == 2
    assert load(begun) == Config()
    assert RUNNER.invoke(cli.app, ["config", "init"]).output == begun.read_text()
    assert first.exit_code == 0
    assert (again.exit_code, again.stderr) == (
        2,
        f"error: {begun}: can't be written: File exists\n",
    )


def test_config_show_takes_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRINDER__POLICY__LEVELS", "3")

    answer = RUNNER.invoke(cli.app, ["config", "show", "--json"])

    assert json.loads(answer.output)["settings"]["policy"]["levels"] == 3


def test_run_main_gives_the_same_options(provide: Provide, monkeypatch: pytest.MonkeyPatch) -> None:
    provide("grinder.actors.main", run=lambda config, **_: config.run.port)
    monkeypatch.setattr(sys, "argv", ["main", "--port", "42"])

    with pytest.raises(SystemExit) as left:
        cli.run_main()

    assert left.value.code == 42


def test_a_process_of_its_own_refuses_without_a_traceback(tmp_path: Path) -> None:
    file = tmp_path / "grinder.toml"
    file.write_text("[run]\nport = true\n")

    answer = subprocess.run(
        [sys.executable, "-m", "grinder.cli", "run", "--config", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "error: run.port: expected int, was true\n"
