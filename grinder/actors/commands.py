"""What an operator may say of a running system, and to which actors it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from grinder.actors.wiring import RISK
from grinder.kernel.message import Message
from grinder.messages.risk import OverrideLifecycle, ResetKillSwitch, TripKillSwitch
from grinder.model.legs import names_of
from grinder.model.settings import Config

COMMANDS: Final[Mapping[str, Callable[[str, str], Message]]] = {
    "kill": lambda operator, detail: TripKillSwitch(
        reason="MANUAL", detail=f"{operator}: {detail}"
    ),
    "reset": lambda operator, _: ResetKillSwitch(operator=operator),
    "pause": lambda operator, _: OverrideLifecycle(override="PAUSE", operator=operator),
    "emergency": lambda operator, _: OverrideLifecycle(override="EMERGENCY", operator=operator),
    "resume": lambda operator, _: OverrideLifecycle(override="NONE", operator=operator),
}
"""By the name under which it is said: what is told, from (operator, detail)."""


def told(config: Config, action: str, operator: str, detail: str) -> Iterator[tuple[str, Message]]:
    """Yield who has to be told what; a grid that a stop has ended goes on when everything does.

    Raises:
        KeyError: there is no such action.
    """
    command = COMMANDS[action](operator, detail)
    yield RISK, command
    if action == "resume":
        for leg in names_of(config.run.symbols, config.venue.position_mode):
            yield f"policy.{leg}", command
