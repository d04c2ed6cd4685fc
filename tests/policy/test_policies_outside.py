"""Policies of other packages: the one on the page works as it stands there."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
from typer.testing import CliRunner

from grinder import cli
from grinder.config import plugins
from grinder.config.load import load
from grinder.errors import ConfigError
from grinder.messages.grid import PlanChosen
from grinder.model.order import Side
from grinder.policy.registry import OWN, POLICIES, make_policies
from policy.market import view
from policy.scripted import Scripted
from simulated.worlds import BTC, Stage

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
RUNNER = CliRunner()


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def offer(folder: Path, **policies: str) -> None:
    """Make ``folder`` look like a place where a package with these entry points is installed."""
    about = folder / "touch_policy-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: touch-policy\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in policies.items()]
    (about / "entry_points.txt").write_text("\n".join([f"[{plugins.GROUP}]", *lines, ""]))
    (folder / "touch_policy.py").write_text(block("python"))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for packages, that is forgotten with all that came from it."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("touch_policy", None)
    for name in POLICIES.keys() - OWN:
        del POLICIES[name]


@pytest.fixture
def touch(site: Path) -> str:
    """The package that the page tells of, installed."""
    points = tomllib.loads(block("toml"))["project"]["entry-points"][plugins.GROUP]
    offer(site, **points)
    return "touch"


def test_policy_of_another_package_decides(touch: str) -> None:
    config = load(overrides=("policy.name=touch", "policy.options=levels=3"))

    plan = make_policies((touch,), config)[touch].evaluate(view(spread_bps=0.5))

    assert (plan.spacing_bps, plan.levels_up, plan.levels_down) == (15, 3, 3)
    assert plan.reason_codes == ("TOUCH_QUOTING",)


def test_its_ladder_rests_at_the_venue(touch: str) -> None:
    policy = (f"policy.name={touch}", "policy.options=spreads=20,levels=3")
    config = load(overrides=(*policy, "run.symbols=BTCUSDT"))
    stage = Stage(config, market=Scripted(spread_ticks=60))
    stage.until(lambda: len(stage.entries(BTC)) == 6)

    plan = stage.said(PlanChosen)[-1]
    assert plan.policy == touch
    assert plan.plan.reason_codes == ("TOUCH_QUOTING",)
    bids = sorted(one.price_ticks for one in stage.orders(BTC) if one.side is Side.BUY)
    # Twenty spreads of 6 USDT, at about 60,000.
    assert [high - low for low, high in pairwise(bids)] == pytest.approx([1_200] * 2, rel=0.01)
    assert all(one.qty_lots == 4 for one in stage.orders(BTC))


def test_nothing_is_imported_that_is_not_asked_for(touch: str) -> None:
    load(overrides=("policy.name=trend",))

    assert "touch_policy" not in sys.modules
    assert touch not in POLICIES


def test_selector_may_have_it(touch: str) -> None:
    config = load(overrides=("policy.name=auto", "selector.policies=touch,adaptive"))

    assert list(make_policies(plugins.used(config), config)) == [touch, "adaptive"]


def refused(*overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(overrides=overrides)
    return "\n".join(caught.value.problems)


def test_its_options_are_checked_before_the_start(touch: str) -> None:
    text = refused(f"policy.name={touch}", "policy.options=levels=99,depth=1")

    assert "policy.options: touch.levels: expected 1 to 10, was 99" in text
    assert 'unknown option "depth" of touch' in text


def test_unknown_name_is_told_with_all_that_is_offered(touch: str) -> None:
    text = refused("policy.name=tuch")

    assert text.startswith("policy.name: expected auto or one of adaptive, ")
    assert ", touch, " in text
    assert text.endswith('was "tuch"')


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("no_such_module:TouchPolicy", "can't be loaded from no_such_module:TouchPolicy"),
        ("touch_policy:NoSuchPolicy", "can't be loaded"),
        ("touch_policy:TouchOptions", 'to be a policy with the name "other"'),
        ("touch_policy:TouchPolicy", 'to be a policy with the name "other"'),
    ],
)
def test_what_is_no_policy_is_refused(site: Path, value: str, text: str) -> None:
    offer(site, other=value)

    assert text in refused("policy.name=other")


def test_names_of_our_own_stay_ours(site: Path) -> None:
    offer(site, trend="touch_policy:TouchPolicy", auto="touch_policy:TouchPolicy")

    assert load(overrides=("policy.name=trend",)).policy.name == "trend"
    assert POLICIES["trend"].__module__ == "grinder.policy.policies.trend"
    assert plugins.offered() == {}


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (("policy.name=auto", "selector.policies="), "at least one policy"),
        (
            ("policy.name=auto", "selector.policies=trend,nobody"),
            "selector.policies: expected auto",
        ),
        (("policy.name=auto", "policy.options=size=1"), "expected NAME.KEY=VALUE"),
        (("policy.options=size",), 'expected KEY=VALUE, was "size"'),
        (("policy.options=nobody.size=1",), 'was "nobody"'),
        (("policy.options=trend.size=0",), "trend.size: expected 1 to 1000, was 0"),
    ],
)
def test_options_are_said_to_somebody(overrides: tuple[str, ...], text: str) -> None:
    assert text in refused(*overrides)


def command(*arguments: str) -> tuple[int, str]:
    result = RUNNER.invoke(cli.app, arguments)
    return result.exit_code, result.output


def test_command_refuses_an_unknown_policy_in_one_line() -> None:
    code, text = command("run", "--set", "policy.name=nobody", "--for", "1")

    assert code == 2
    assert text.count("\n") == 1
    assert "volatility-breakout" in text


def test_command_lists_every_policy(touch: str) -> None:
    code, text = command("policies", "--json")
    rows: dict[str, Any] = {row["name"]: row for row in json.loads(text)}

    assert code == 0
    assert set(rows) == OWN | {touch}
    assert next(iter(rows)) == "emergency"
    assert rows["trend"]["from"] == "grinder"
    assert rows["trend"]["priority"] == 50
    assert "MODE_LONG_MOMENTUM" in rows["trend"]["reasons"]
    levels = {one["name"]: one for one in rows[touch]["options"]}["spreads"]
    assert levels["meaning"] == "Distance of neighbouring levels, in spreads."
    assert rows[touch]["from"] == "touch-policy"
    assert (
        rows[touch]["does"] == "Quote some spreads apart, so that a wider market is quoted wider."
    )


def test_command_tells_people_too(touch: str) -> None:
    code, text = command("policies")

    assert code == 0
    assert touch in text
    assert "funding-harvester" in text


def test_broken_package_does_not_hide_the_others(site: Path) -> None:
    offer(site, other="no_such_module:TouchPolicy")
    code, text = command("policies", "--json")

    assert code == 0
    assert len(json.loads(text)) == len(OWN) + 1
    assert "can't be loaded" in json.loads(text)[-1]["problem"]


@pytest.mark.parametrize("name", sorted(OWN))
def test_the_page_tells_of_every_policy_option_and_code(name: str) -> None:
    kind: Any = POLICIES[name]
    fields = attrs.fields(kind.options) if hasattr(kind, "options") else ()
    words = [name, *(one.name for one in fields), *kind.reasons]

    assert not [word for word in words if f"`{word}`" not in PAGE]


@pytest.mark.parametrize("name", sorted(OWN))
def test_the_page_tells_the_defaults(name: str) -> None:
    kind: Any = POLICIES[name]
    fields = attrs.fields(kind.options) if hasattr(kind, "options") else ()
    section = PAGE.partition(f"\n### {name}\n")[2].partition("\n### ")[0]

    assert section
    assert not [one.name for one in fields if f"| `{one.name}` | {one.default} " not in section]
