"""Settings come from four layers, and everything wrong with them is said at once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from grinder.config.load import load
from grinder.errors import ConfigError
from grinder.model.settings import Config


def problems_of(tmp_path: Path, toml: str, *overrides: str) -> tuple[str, ...]:
    path = tmp_path / "grinder.toml"
    path.write_text(toml)
    with pytest.raises(ConfigError) as caught:
        load(path, overrides=overrides)
    return caught.value.problems


def test_without_layers_the_defaults_hold() -> None:
    assert load() == Config()


def test_each_layer_wins_over_the_one_below(tmp_path: Path) -> None:
    path = tmp_path / "grinder.toml"
    path.write_text("[policy]\nlevels = 2\nspacing_bps = 7\nrecentre_bps = 9\n")
    environ = {"GRINDER__POLICY__SPACING_BPS": "8", "GRINDER__POLICY__RECENTRE_BPS": "11"}

    config = load(path, environ=environ, overrides=["policy.recentre_bps=12"])

    assert (config.policy.levels, config.policy.spacing_bps, config.policy.recentre_bps) == (
        2,
        8,
        12,
    )


def test_text_is_read_by_the_type_of_the_field() -> None:
    config = load(
        environ={"GRINDER__RUN__SYMBOLS": "BTCUSDT, SOLUSDT", "GRINDER__FEED__DEPTH": "False"},
        overrides=["policy.level_notional=12.50", "sim.speed=3", "leader.instance=a=b"],
    )

    assert config.run.symbols == ("BTCUSDT", "SOLUSDT")
    assert config.feed.depth is False
    assert config.policy.level_notional == Decimal("12.5")
    assert config.sim.speed == 3.0
    assert isinstance(config.sim.speed, float)
    assert config.leader.instance == "a=b"


def test_other_variables_are_nobody_s_business() -> None:
    assert load(environ={"GRINDER_HOME": "x", "PATH": "y"}) == Config()


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('[policy]\nlevels = "five"', 'policy.levels: expected int, was "five"'),
        ("[policy]\nlevels = true", "policy.levels: expected int, was true"),
        ("[policy]\nlevels = 2.0", "policy.levels: expected int, was 2.0"),
        ("[policy]\nlevels = 0", "policy.levels: expected 1 to 99, was 0"),
        (
            '[sizing]\ntiers = ["A=LOW", "A=HIGH"]',
            "sizing.tiers: expected each symbol once, repeated A",
        ),
        ("[risk]\nentries_1m_max = 1201", "risk.entries_1m_max: expected 0 to 1200, was 1201"),
        ("[policy]\nspacing_bps = 0", "policy.spacing_bps: expected 1 to 5000, was 0"),
        (
            "[policy]\nlevel_notional = 2.5",
            'policy.level_notional: expected money as text, was 2.5: write "2.5" in quotes',
        ),
        (
            '[policy]\nlevel_notional = "NaN"',
            'policy.level_notional: expected a decimal number within reason, was "NaN"',
        ),
        (
            '[sim]\nbalance = "much"',
            'sim.balance: expected a decimal number, was "much"',
        ),
        ("[sim]\nbalance = true", "sim.balance: expected money as text or int, was true"),
        ("[sim]\nspeed = nan", "sim.speed: expected above 0 and at most 1000000, was nan"),
        ('[sim]\nspeed = "1"', 'sim.speed: expected float, was "1"'),
        ("[run]\narmed = 1", "run.armed: expected true or false, was 1"),
        ('[run]\nsymbols = "BTCUSDT"', 'run.symbols: expected a list of text, was "BTCUSDT"'),
        ("[run]\nsymbols = []", "run.symbols: expected 1 to 50 symbols, was 0"),
        (
            '[run]\nsymbols = ["btcusdt"]',
            'run.symbols: expected a symbol like BTCUSDT, was "btcusdt"',
        ),
        (
            '[run]\nsymbols = ["BTCUSDT", "BTCUSDT"]',
            "run.symbols: expected each symbol once, repeated BTCUSDT",
        ),
        ("[run]\nport = 65536", "run.port: expected 0 to 65535, was 65536"),
        ("[run]\nlog = 3", "run.log: expected text, was 3"),
        ('[run]\nlog = "xml"', 'run.log: expected one of auto, text, json, was "xml"'),
        (
            '[run]\nvenue = "kraken"',
            'run.venue: expected one of sim, binance-demo, binance-testnet, binance, was "kraken"',
        ),
        ('[run]\nhost = ""', "run.host: expected an address to listen on, was empty"),
        ('[stop]\nposition = "hold"', 'stop.position: expected one of keep, flatten, was "hold"'),
        (
            '[supervision]\nplacement = "mine"',
            'supervision.placement: expected one of shared, own, was "mine"',
        ),
        (
            '[venue]\nrest_url = "ws://x"',
            'venue.rest_url: expected http:// or https://..., was "ws://x"',
        ),
        ("[venue]\ndead_man_ms = 999", "venue.dead_man_ms: expected 0 or at least 1000, was 999"),
        (
            "[leader]\nrenew_ms = 9000",
            "leader.renew_ms: expected below leader.ttl_ms - leader.margin_ms = 9000, was 9000",
        ),
        (
            '[risk]\norder_notional_max = "6000"',
            "risk.order_notional_max: expected at most risk.position_notional_max = 5000, was 6000",
        ),
        (
            '[risk]\ntotal_notional_max = "4000"',
            "risk.position_notional_max: expected at most risk.total_notional_max = 4000, was 5000",
        ),
        (
            "[risk]\ndrawdown_limit = 1.5",
            "risk.drawdown_limit: expected above 0 and at most 1, was 1.5",
        ),
        (
            "[policy]\nlevels = 50\nspacing_bps = 200",
            "policy.levels: expected levels x spacing_bps below 10000, so that every bid is "
            "above 0, was 50 x 200",
        ),
        (
            "[adaptive]\nlevels_min = 20\nstep_min_bps = 500",
            "adaptive.levels_min: expected levels_min x step_min_bps of at most 9000, so that "
            "every bid is above 0, was 20 x 500",
        ),
        (
            "[sync]\ninterval_ms = 30000",
            "sync.interval_ms: expected below risk.account_stale_after_ms = 30000, was 30000: "
            "no permit would live between two snapshots",
        ),
        (
            '[run]\nvenue = "binance-demo"\nfault_injection = true',
            'run.fault_injection: expected false with run.venue "binance-demo"',
        ),
        (
            '[run]\nvenue = "binance-demo"\narmed = true',
            'latches.file: expected a file with run.armed and run.venue "binance-demo": a process '
            "that is started again would not know of a kill switch or a stop",
        ),
        (
            '[run]\nvenue = "binance"\narmed = true\n[latches]\nfile = "latches.json"',
            'run.allow_mainnet: expected true with run.armed and run.venue "binance": '
            "this is real money",
        ),
        ("[policy]\nlevles = 3", "policy.levles: unknown setting, did you mean policy.levels?"),
        ("[polcy]\nlevels = 3", "polcy: unknown section, did you mean policy?"),
        ("zzzzqqqq = 3", "zzzzqqqq: unknown section"),
        ("policy = 3", "policy: expected a section [policy], was 3"),
    ],
)
def test_a_problem_names_its_place(tmp_path: Path, toml: str, problem: str) -> None:
    assert problems_of(tmp_path, toml) == (problem,)


def test_every_problem_is_reported_in_one_go(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path,
        '[policy]\nlevels = "five"\nspacing_bps = 0\n'
        '[run]\nport = -1\ncolour = "red"\n[nonsense]\n',
        "policy.levles=1",
        "novalue",
        "leader.renew_ms=soon",
    )

    places = {problem.split(": ")[0] for problem in problems}
    assert places == {
        "policy.levels",
        "policy.spacing_bps",
        "run.port",
        "run.colour",
        "nonsense",
        "--set policy.levles",
        "--set novalue",
        "leader.renew_ms",
    }


def test_a_setting_of_a_wrong_type_is_not_judged_by_its_default(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, '[leader]\nttl_ms = "long"\nrenew_ms = 20000')

    assert problems == ('leader.ttl_ms: expected int, was "long"',)


def test_an_unknown_variable_with_our_prefix_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ={"GRINDER__RISK__COOLDOWN": "1"})

    assert caught.value.problems == (
        "environment GRINDER__RISK__COOLDOWN: unknown setting, did you mean risk.cooldown_ms?",
    )


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "can't be read: No such file or directory"),
        (b"[run", "expected TOML"),
        (b"\xff\xfe", "expected UTF-8 text"),
        (b"#" * 1_000_001, "expected at most 1000000 bytes"),
    ],
)
def test_a_file_that_is_no_settings_is_refused(
    tmp_path: Path, content: bytes | None, part: str
) -> None:
    path = tmp_path / "grinder.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load(path)

    (problem,) = caught.value.problems
    assert problem.startswith(str(path))
    assert part in problem
