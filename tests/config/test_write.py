"""What is written can be read again, and equal settings have equal hashes."""

from __future__ import annotations

import json
import string
import tomllib
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
from hypothesis import given
from hypothesis import strategies as st

from grinder.config.load import load
from grinder.config.tree import fields, sections
from grinder.config.write import commented_toml, config_hash, to_toml, to_tree
from grinder.model.grid_settings import GridSettings
from grinder.model.settings import (
    Config,
    LeaderSettings,
    RiskSettings,
    RunSettings,
    SimSettings,
)

text = st.text(st.characters(codec="utf-8"), max_size=20)
money = st.decimals(min_value=Decimal("0.00000001"), max_value=1_000, places=8)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    symbol = st.text(string.ascii_uppercase + string.digits, min_size=2, max_size=20)
    return Config(
        run=RunSettings(
            symbols=tuple(draw(st.lists(symbol, min_size=1, max_size=4, unique=True))),
            armed=draw(st.booleans()),
            port=draw(st.integers(0, 65_535)),
            log=draw(st.sampled_from(["auto", "text", "json"])),
        ),
        sim=SimSettings(
            data=draw(text),
            speed=draw(st.floats(min_value=1e-9, max_value=1e6)),
            balance=draw(money),
        ),
        policy=GridSettings(levels=draw(st.integers(1, 99)), level_notional=draw(money)),
        risk=RiskSettings(drawdown_limit=draw(st.floats(min_value=1e-9, max_value=1))),
        leader=LeaderSettings(instance=draw(text)),
    )


def read_back(toml: str) -> Config:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "grinder.toml"
        path.write_text(toml, encoding="utf-8")
        return load(path)


@given(configs())
def test_what_is_written_is_read_back_equal(config: Config) -> None:
    back = read_back(to_toml(config))

    assert back == config
    assert config_hash(back) == config_hash(config)


def test_the_commented_file_holds_every_default_and_its_meaning() -> None:
    written = commented_toml()

    assert read_back(written) == Config()
    assert set(tomllib.loads(written)) == set(sections())
    assert "# Levels on each side.\nlevels = 8" in written


def test_each_setting_moves_the_hash() -> None:
    hashes = {config_hash(Config())}
    for field in fields().values():
        section = getattr(Config(), field.section)
        other: object
        if field.kind is bool:
            other = not field.default
        elif field.kind is str:
            other = field.default + "x"
        elif field.kind == tuple[str, ...]:
            other = ("SOLUSDT",)
        else:
            other = field.default + 1
        changed = attrs.evolve(section, **{field.name: other})
        hashes.add(config_hash(attrs.evolve(Config(), **{field.section: changed})))

    assert len(hashes) == len(fields()) + 1


def test_the_hash_is_of_values_not_of_spellings() -> None:
    plain = Config(sim=SimSettings(balance=Decimal("10000")))
    long = Config(sim=SimSettings(balance=Decimal("1.0000000E+4")))

    assert config_hash(plain) == config_hash(long) == config_hash(Config())
    assert len(config_hash(plain)) == 16


def test_the_tree_is_json_with_money_as_plain_text() -> None:
    tree = json.loads(json.dumps(to_tree(Config(sim=SimSettings(balance=Decimal("1E+4"))))))

    assert tree["sim"]["balance"] == "10000"
    assert tree["run"]["symbols"] == ["BTCUSDT", "ETHUSDT"]
