"""What the venue saw: its own order log and its own ledger, read without any code of ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

ACCOUNT = "sim-key"
SUMS = ("fees", "realized_pnl", "position", "fills")
"""What is known of each symbol on both sides."""

Line = dict[str, Any]
Control = Callable[..., Any]


class Witness:
    """Asks a venue through its control endpoint."""

    def __init__(self, control: Control) -> None:
        self.control = control

    def account(self) -> dict[str, Any]:
        """Return ledger, balance, positions and open orders."""
        account: dict[str, Any] = self.control("state")["accounts"][ACCOUNT]
        return account

    def open_orders(self) -> list[Line]:
        orders: list[Line] = self.account()["open_orders"]
        return orders

    def resting(self, symbol: str = "") -> int:
        """Return how many orders rest."""
        return sum(1 for order in self.open_orders() if symbol in ("", order["symbol"]))

    def entries(self) -> int:
        """Return how many orders rest that would add risk."""
        return sum(1 for order in self.open_orders() if not order["reduceOnly"])

    def log(self, after: int = 0) -> list[Line]:
        lines: list[Line] = self.control("orders", after=after)["orders"]
        return lines

    def last(self) -> int:
        """Return the number of the newest line."""
        return max((line["n"] for line in self.log()), default=0)


def accepted(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if line["op"] == "accepted"]


def fills(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if line["op"] == "fill"]


def level(line: Line) -> str:
    """Return the grid level that a name carries."""
    return str(line["client_id"].split("-")[2])


def leg(line: Line) -> str:
    """Return what an order is of: its symbol, or a leg of it in hedge mode."""
    side = line.get("position_side")
    return f"{line['symbol']}:{side}" if side else str(line["symbol"])


def is_end(line: Line) -> bool:
    """Return whether an order rests no more after this line."""
    return line["op"] in ("canceled", "expired") or line.get("status") == "FILLED"


def doubles(lines: Iterable[Line]) -> list[str]:
    """Return every moment at which two of our orders rested on one level, or had one name."""
    open_by_level: dict[tuple[str, str], str] = {}
    names: set[str] = set()
    found = []
    for line in lines:
        name = line["client_id"]
        if not name.startswith("g-"):
            continue
        key = (leg(line), level(line))
        if line["op"] == "accepted":
            if name in names:
                found.append(f"line {line['n']}: the name {name} was used before")
            if key in open_by_level:
                found.append(f"line {line['n']}: {key} while {open_by_level[key]} rests")
            names.add(name)
            open_by_level[key] = name
        elif is_end(line) and open_by_level.get(key) == name:
            del open_by_level[key]
    return found


def books(report: dict[str, Any]) -> dict[str, Decimal]:
    """Return the money of a report in the shape of ``venue_books``."""
    return {
        **{name: Decimal(report[name]) for name in ("realized_pnl", "fees", "funding")},
        **_positions(report["positions"]),
        **books_by_symbol(report),
    }


def books_by_symbol(report: dict[str, Any]) -> dict[str, Decimal]:
    """Return the money of a report in the shape of ``sums_by_symbol``."""
    return {
        f"{symbol} {name}": Decimal(one[name])
        for symbol, one in report["symbols"].items()
        for name in SUMS
        if one["fills"]
    }


def venue_books(witness: Witness) -> dict[str, Decimal]:
    """Return what the venue's ledger and its log of fills say."""
    account = witness.account()
    ledger = account["ledger"]
    return {
        "realized_pnl": Decimal(ledger["realised"]),
        "fees": Decimal(ledger["commission"]),
        "funding": Decimal(ledger["funding"]),
        **_positions(account["positions"]),
        **sums_by_symbol(witness.log()),
    }


def sums_by_symbol(lines: Iterable[Line]) -> dict[str, Decimal]:
    """Return fees, realised result, position and number of fills from the venue's fills."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in fills(lines):
        symbol, qty = leg(line), Decimal(line["last_qty"])
        sums[f"{symbol} fees"] += Decimal(line["commission"])
        sums[f"{symbol} realized_pnl"] += Decimal(line["realised"])
        sums[f"{symbol} position"] += qty if line["side"] == "BUY" else -qty
        sums[f"{symbol} fills"] += 1
    return dict(sums)


def _positions(positions: dict[str, str]) -> dict[str, Decimal]:
    return {f"{symbol} left": Decimal(text) for symbol, text in positions.items() if Decimal(text)}


def same_price(lines: Iterable[Line]) -> list[str]:
    """Return every entry that came to rest beside another one of its side and price."""
    resting: dict[str, tuple[str, str, str]] = {}
    found = []
    for line in lines:
        name, place = line["client_id"], (line["symbol"], line["side"], line["price"])
        if line["op"] == "accepted" and not line["reduce_only"]:
            if place in resting.values():
                found.append(f"line {line['n']}: {place}")
            resting[name] = place
        elif is_end(line):
            resting.pop(name, None)
    return found
