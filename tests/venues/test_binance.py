from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs
import pytest

from grinder.errors import ConfigError, VenueError
from grinder.model.settings import VenueSettings
from grinder.venues.binance import HOSTS, hosts, load_venue
from grinder.venues.signing import Credentials
from venues.fakes import DATA, HANG_UP, Answer, ScriptedVenue

CREDENTIALS = Credentials(key="the-key", secret="the-secret")
SETTINGS = VenueSettings()
DUAL = "/fapi/v1/positionSide/dual"
INFO: Any = json.loads((DATA / "exchange_info.json").read_text(encoding="utf-8"))
PRICES = [{"symbol": "BTCUSDT", "price": "61800.10"}, {"symbol": "ETHUSDT", "price": "2680.01"}]


@pytest.fixture
def healthy(scripted: ScriptedVenue) -> ScriptedVenue:
    scripted.on("GET", "/fapi/v1/ping", Answer(body={}))
    scripted.on("GET", "/fapi/v1/exchangeInfo", Answer(body=INFO))
    scripted.on("GET", "/fapi/v3/account", Answer(body={"assets": []}))
    scripted.on("GET", "/fapi/v2/ticker/price", Answer(body=PRICES))
    scripted.on("GET", "/fapi/v1/positionSide/dual", Answer(body={"dualSidePosition": False}))
    return scripted


def problems(venue: ScriptedVenue, *symbols: str) -> tuple[str, ...]:
    with pytest.raises((ConfigError, VenueError)) as caught:
        load_venue(venue.url, CREDENTIALS, symbols or ("BTCUSDT",), SETTINGS)
    error = caught.value
    return error.problems if isinstance(error, ConfigError) else (str(error),)


def test_the_facts_of_a_healthy_venue(healthy: ScriptedVenue) -> None:
    healthy.offset_ms = 1_270
    facts = load_venue(healthy.url, CREDENTIALS, ("ETHUSDT", "BTCUSDT"), SETTINGS)

    assert list(facts.instruments) == ["ETHUSDT", "BTCUSDT"]
    assert facts.instruments["BTCUSDT"].tick == Decimal("0.1")
    assert facts.is_one_way is True
    assert facts.weight_limit_1m == 2_400
    assert facts.prices["ETHUSDT"] == Decimal("2680.01")
    assert facts.clock.is_measured
    assert abs(facts.offset_ns - 1_270_000_000) <= facts.round_trip_ns + 1_000_000


def test_an_account_in_hedge_mode_gives_two_legs_of_each_market(healthy: ScriptedVenue) -> None:
    healthy.on("GET", DUAL, Answer(body={"dualSidePosition": True}))
    wanted = attrs.evolve(SETTINGS, position_mode="hedge")
    facts = load_venue(healthy.url, CREDENTIALS, ("ETHUSDT", "BTCUSDT"), wanted)

    assert list(facts.instruments) == [
        "ETHUSDT:LONG",
        "ETHUSDT:SHORT",
        "BTCUSDT:LONG",
        "BTCUSDT:SHORT",
    ]
    assert facts.is_one_way is False
    assert facts.prices["ETHUSDT"] == Decimal("2680.01")
    assert facts.instruments["BTCUSDT:SHORT"].market == "BTCUSDT"


@pytest.mark.parametrize(("is_hedged", "wanted"), [(True, "one-way"), (False, "hedge")])
def test_another_mode_than_the_settings_say_is_refused_and_left_as_it_is(
    healthy: ScriptedVenue, is_hedged: bool, wanted: str
) -> None:
    healthy.on("GET", DUAL, Answer(body={"dualSidePosition": is_hedged}))
    with pytest.raises(ConfigError, match=f"expected the account in {wanted} mode"):
        load_venue(
            healthy.url, CREDENTIALS, ("BTCUSDT",), attrs.evolve(SETTINGS, position_mode=wanted)
        )
    assert {call.method for call in healthy.calls} == {"GET"}


def test_without_credentials_the_account_is_not_looked_at(healthy: ScriptedVenue) -> None:
    facts = load_venue(healthy.url, None, ("BTCUSDT",), SETTINGS)

    assert facts.is_one_way is None
    assert {call.key for call in healthy.calls} == {""}


def test_each_thing_that_may_be_wrong_is_one_sentence(healthy: ScriptedVenue) -> None:
    refused = Answer(status=401, body={"code": -2015, "msg": "Invalid API-key"})
    hedge = Answer(body={"dualSidePosition": True})
    halted = {"symbols": [INFO["symbols"][0] | {"status": "SETTLING"}]}
    bare = {"symbols": [INFO["symbols"][0] | {"filters": []}]}
    cases: list[tuple[str, Answer, str]] = [
        ("/fapi/v1/positionSide/dual", hedge, "one-way mode"),
        ("/fapi/v3/account", refused, "does not take our API key: Invalid API-key (-2015)"),
        ("/fapi/v1/exchangeInfo", Answer(body=bare), "BTCUSDT: has no PRICE_FILTER"),
        ("/fapi/v1/exchangeInfo", Answer(body=halted), "TRADING, was SETTLING"),
        ("/fapi/v1/exchangeInfo", Answer(body=[]), "not understood"),
        ("/fapi/v1/exchangeInfo", Answer(status=500, body={}), "symbols can't be read"),
        ("/fapi/v1/time", Answer(body={"now": 1}), "the clock of"),
        ("/fapi/v1/ping", HANG_UP, "can't be reached"),
    ]
    for path, answer, words in cases:
        healthy.on("GET", path, answer)
        found = problems(healthy)
        assert len(found) == 1
        assert words in found[0]


def test_every_symbol_that_is_not_listed_is_named(healthy: ScriptedVenue) -> None:
    found = problems(healthy, "BTCUSDT", "NOSUCH", "NEITHER")

    assert [problem.rsplit(" ", 1)[1] for problem in found] == ["NOSUCH", "NEITHER"]


def test_nobody_there_is_one_sentence() -> None:
    gone = ScriptedVenue()
    gone.close()

    assert "can't be reached" in problems(gone)[0]


def test_settings_override_the_addresses_of_a_venue() -> None:
    override = VenueSettings(rest_url="http://127.0.0.1:1", stream_url="ws://127.0.0.1:2")

    assert hosts("binance", SETTINGS) == HOSTS["binance"]
    assert hosts("sim", override).rest_url == "http://127.0.0.1:1"
    assert hosts("binance", override).stream_url == "ws://127.0.0.1:2"
    with pytest.raises(ConfigError):
        hosts("sim", SETTINGS)
