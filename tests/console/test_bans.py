"""Bans asked for over HTTP, and what is said of those that are asked for wrongly."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry

from grinder.console.bans import BanWish, duration_s
from grinder.console.http import Sources, make_app
from grinder.console.views import StateView
from grinder.kernel.observer import ActorSnapshot

HOUR_NS = 3_600 * 10**9


class Door:
    """An endpoint, and what was asked of it."""

    def __init__(self) -> None:
        self.wishes: list[BanWish] = []
        self.app: Flask = make_app(
            Sources(
                view=StateView({}, now_ns=lambda: 0),
                registry=CollectorRegistry(),
                actors=tuple[ActorSnapshot, ...],
                is_ready=lambda: True,
                config_hash="abc",
                version="1",
                ban=self._ban,
                operate=self._operate,
            )
        )

    def _ban(self, wish: BanWish) -> None:
        if wish.symbol != "BTCUSDT":
            raise KeyError(wish.symbol)
        self.wishes.append(wish)

    def _operate(self, action: str, _: str, __: str) -> None:
        raise KeyError(action)

    def post(self, action: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """Return status and body of the answer."""
        answer = self.app.test_client().post(f"/operator/{action}", json=body)
        said: dict[str, Any] = answer.get_json()
        return answer.status_code, said


def test_a_ban_and_its_end_are_handed_on() -> None:
    door = Door()
    body = {"symbol": "BTCUSDT", "operator": "ada"}

    assert door.post("ban", **body, detail="exploit", **{"for": "2h"})[0] == 202
    assert door.post("ban", **body)[0] == 202
    assert door.post("unban", **body)[0] == 202
    assert [(one.duration_ns, one.reason, one.is_lifted) for one in door.wishes] == [
        (2 * HOUR_NS, "exploit", False),
        (0, "", False),
        (0, "", True),
    ]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"symbol": "BTCUSDT"}, 400, "names the operator"),
        ({"symbol": "BTCUSDT", "operator": " "}, 400, "names the operator"),
        ({"operator": "ada"}, 400, "names the symbol"),
        ({"symbol": "DOGEUSDT", "operator": "ada"}, 404, "DOGEUSDT is not traded"),
        ({"symbol": "BTCUSDT", "operator": "ada", "for": "soon"}, 400, "expected a time"),
        ({"symbol": "BTCUSDT", "operator": "ada", "for": "9999d"}, 400, "expected a time"),
    ],
)
def test_what_is_asked_for_wrongly_is_told(body: dict[str, Any], status: int, text: str) -> None:
    door = Door()
    code, said = door.post("ban", **body)

    assert code == status
    assert text in said["error"]
    assert not door.wishes


def test_other_commands_are_as_they_were() -> None:
    assert Door().post("dance", operator="ada")[0] == 404


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 0), ("90s", 90), ("30m", 1_800), ("2h", 7_200), ("7d", 604_800)]
)
def test_times_have_one_unit(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["0s", "2", "h", "-1h", "1.5h", "2h 5m", "1w"])
def test_other_times_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time"):
        duration_s(text)
