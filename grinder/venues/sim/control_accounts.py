"""Control commands that change what an account is."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from grinder.model.fees import FEE_TIERS, FeeRates
from grinder.venues.sim.control_market import Request
from grinder.venues.sim.venue import Venue

RATE = re.compile(r"-?0(\.[0-9]{1,12})?")


class AccountControl:
    """Changes accounts while the venue runs."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def commands(self) -> dict[str, Callable[[Request], Any]]:
        """Return the commands by name."""
        return {"fees": self.fees}

    def fees(self, wanted: Request) -> Any:
        """Give ``account`` another VIP level, or rates of its own, for fills from now on."""
        account = str(wanted.get("account", self._venue.config.accounts[0].key))
        fee_tier = wanted.get("fee_tier", 0)
        if isinstance(fee_tier, bool) or fee_tier not in range(len(FEE_TIERS)):
            raise ValueError(f"fee_tier: expected a whole number from 0 to {len(FEE_TIERS) - 1}")
        rates = None
        if "maker" in wanted or "taker" in wanted:
            rates = FeeRates(maker=_rate(wanted, "maker"), taker=_rate(wanted, "taker"))
        self._venue.exchange.set_fees(account, int(fee_tier), rates)
        return {}


def _rate(wanted: Request, name: str) -> Decimal:
    text = str(wanted[name])
    if not RATE.fullmatch(text):
        raise ValueError(f"{name}: expected a fraction between -1 and 1, as a text")
    return Decimal(text)
