"""Client order ids: who, what, where in the grid, under which leadership, in which run.

Layout, with the longest length of each part in brackets::

    strategy(1) - symbol code(4) - level(3) - epoch(6) - run nonce(7) - sequence(9)

Five dashes besides, so at most 35 characters whatever goes in; the venue allows 36 of
``[.A-Z:/a-z0-9_-]``. Numbers are base 36 in lower case without leading zeros. The symbol code is a
hash, so a long or non-ASCII symbol costs no more than a short one. Numbers too large for their
part wrap: the sequence after 36**9 (about 10**14) orders of one run, which at a thousand orders a
second is three thousand years, the epoch after 36**6 leaderships, the nonce in the year 4453.
Two ids of one scheme differ whenever symbol, level, epoch or sequence differ within those limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b

import attrs

from grinder.errors import ConfigError

LENGTH_MAX = 36
"""Source: the venue's rule for newClientOrderId."""
EPOCH_COUNT = 36**6
NONCE_COUNT = 36**7
SEQUENCE_COUNT = 36**9
PREFIXES_MAX = 10_000
_CODE_COUNT = 36**4
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = tuple(high + low for high in _DIGITS for low in _DIGITS)
_NUMBER = "(0|[1-9a-z][0-9a-z]{0,%d})"
_PATTERN = re.compile(
    r"([a-z])-([0-9a-z]{4})-([0-9a-z]{1,3})-" + _NUMBER % 5 + "-" + _NUMBER % 6 + "-" + _NUMBER % 8
)
_LEVEL = re.compile(r"[0-9a-z]{1,3}")


@attrs.frozen(kw_only=True)
class OrderIdentity:
    """What a client order id says."""

    strategy: str
    symbol_code: str
    level: str
    epoch: int
    nonce: int
    sequence: int


def base36(number: int) -> str:
    """Return ``number`` (zero or more) in base 36, lower case, without leading zeros."""
    if number < 0:
        raise ValueError(f"expected a number of at least 0, was {number}")
    digits = ""
    while number >= 1296:
        number, pair = divmod(number, 1296)
        digits = _PAIRS[pair] + digits
    return (_PAIRS[number] if number >= 36 else _DIGITS[number]) + digits


def symbol_code(symbol: str) -> str:
    """Return the four characters that stand for ``symbol``; the same in every process."""
    digest = blake2b(symbol.encode(), digest_size=8).digest()
    return base36(int.from_bytes(digest, "big") % _CODE_COUNT).rjust(4, "0")


def encode(identity: OrderIdentity) -> str:
    """Return the client order id of ``identity``; numbers wrap as the module says.

    Raises:
        ValueError: a part has characters or a length that can't be written.
    """
    if not _LEVEL.fullmatch(identity.level):
        raise ValueError(f"expected a level of 1 to 3 of [0-9a-z], was {identity.level!r}")
    text = "-".join(
        (
            identity.strategy,
            identity.symbol_code,
            identity.level,
            base36(identity.epoch % EPOCH_COUNT),
            base36(identity.nonce % NONCE_COUNT),
            base36(identity.sequence % SEQUENCE_COUNT),
        )
    )
    if not _PATTERN.fullmatch(text):
        raise ValueError(f"expected a strategy letter and a symbol code, was {identity}")
    return text


def decode(text: str) -> OrderIdentity | None:
    """Return what ``text`` says, or None when it is not one of our ids."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        return None
    strategy, code, level, epoch, nonce, sequence = match.groups()
    return OrderIdentity(
        strategy=strategy,
        symbol_code=code,
        level=level,
        epoch=int(epoch, 36),
        nonce=int(nonce, 36),
        sequence=int(sequence, 36),
    )


class IdentityScheme:
    """The ids of one run."""

    def __init__(self, symbols: tuple[str, ...], nonce: int, strategy: str = "g") -> None:
        """Prepare the codes of ``symbols``.

        Args:
            symbols: every symbol that will be traded.
            nonce: the same for a whole run and different in each: unix seconds at its start.
            strategy: one letter a-z; orders of another letter are not ours.

        Raises:
            ConfigError: two symbols have the same code, or the letter is not one.
            ValueError: the nonce is negative.
        """
        if not re.fullmatch("[a-z]", strategy):
            raise ConfigError(f"strategy: expected one letter a-z, was {strategy!r}")
        if nonce < 0:
            raise ValueError(f"expected a nonce of at least 0, was {nonce}")
        self._strategy = strategy
        self._nonce = nonce
        self._prefixes: dict[tuple[str, str, int], str] = {}
        self._high = -1
        self._high_digits = ""
        self._codes = {symbol: symbol_code(symbol) for symbol in symbols}
        owners: dict[str, str] = {}
        for symbol, code in self._codes.items():
            other = owners.setdefault(code, symbol)
            if other != symbol:
                raise ConfigError(
                    f"run.symbols: {other} and {symbol} have the same order id code {code};"
                    " trade one of them in another process"
                )

    def name(self, symbol: str, level: str, epoch: int, sequence: int) -> str:
        """Return the client order id of one order; see ``names``."""
        return self.names(symbol, (level,), epoch, sequence)[0]

    def names(self, symbol: str, levels: Iterable[str], epoch: int, sequence: int) -> list[str]:
        """Return the client order ids of orders of these levels, numbered from ``sequence`` on.

        Raises:
            KeyError: the symbol was not announced.
            ValueError: a level can't be written, or a number is negative.
        """
        if epoch < 0 or sequence < 0:
            raise ValueError(f"expected numbers of at least 0, was {epoch} and {sequence}")
        prefixes = self._prefixes
        names: list[str] = []
        for number, level in enumerate(levels, sequence):
            prefix = prefixes.get((symbol, level, epoch)) or self._prefix(symbol, level, epoch)
            # Orders of one ladder share all but the last two digits.
            high, low = divmod(number % SEQUENCE_COUNT, 1296)
            if high != self._high:
                self._high, self._high_digits = high, base36(high)
            names.append(prefix + (self._high_digits + _PAIRS[low] if high else base36(low)))
        return names

    def _prefix(self, symbol: str, level: str, epoch: int) -> str:
        # All but the sequence; a run has a few dozen, and a new epoch makes the old ones void.
        if len(self._prefixes) >= PREFIXES_MAX:
            self._prefixes.clear()
        prefix = self._encoded(symbol, level, epoch).rpartition("-")[0] + "-"
        self._prefixes[symbol, level, epoch] = prefix
        return prefix

    def _encoded(self, symbol: str, level: str, epoch: int) -> str:
        return encode(
            OrderIdentity(
                strategy=self._strategy,
                symbol_code=self._codes[symbol],
                level=level,
                epoch=epoch,
                nonce=self._nonce,
                sequence=0,
            )
        )

    def is_own(self, text: str) -> bool:
        """Return whether an order of this id was placed by this strategy, in this run or not."""
        identity = decode(text)
        return identity is not None and identity.strategy == self._strategy

    def is_own_of(self, text: str, symbol: str) -> bool:
        """Return whether the id is ours and was made for ``symbol``."""
        identity = decode(text)
        return (
            identity is not None
            and identity.strategy == self._strategy
            and identity.symbol_code == self._codes.get(symbol)
        )

    def is_of_this_run(self, text: str) -> bool:
        """Return whether the id was made by this very run."""
        identity = decode(text)
        return (
            identity is not None
            and identity.strategy == self._strategy
            and identity.nonce == self._nonce % NONCE_COUNT
        )

    def level_of(self, text: str) -> str:
        """Return the grid level that the id names; empty when the id is not ours."""
        identity = decode(text)
        if identity is None or identity.strategy != self._strategy:
            return ""
        return identity.level
