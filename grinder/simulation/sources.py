"""Which kind of recording lines are: told by what stands in them, not by a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from grinder.errors import ConfigError
from grinder.model.instrument import Instrument
from grinder.simulation.bars import bars, is_bars
from grinder.simulation.captures import cryptofeed, hftbacktest, scanned
from grinder.simulation.normal import FIRST_LINE, contract, head_of, normal
from grinder.simulation.recording import OpenLines, Recording

RAW_FRAME = re.compile(rb"\d{13,20} ")
CAPTURE = re.compile(rb"((https?|wss?)://\S+ (->|<->) |configuration: ?\{|\d{9,11}\.\d+: )")
CAPTURE_JSON = re.compile(rb'\{"t": ?"(header|http|connect|send|recv)"')
SHOWN_MAX = 60
EXPECTED = (
    "expected frames of hftbacktest (<ns> <JSON>), a recording of cryptofeed, bars as CSV, "
    "or what `grinder import` writes"
)


class Format(StrEnum):
    """What a recording is made of."""

    HFTBACKTEST = "hftbacktest"
    CRYPTOFEED = "cryptofeed"
    BARS = "bars"
    NORMAL = "normalised"


def recognised(name: str, open_lines: OpenLines) -> Format:
    """Return the format of a recording, by its first line.

    Raises:
        ConfigError: it is none of those known; the message says which are.
    """
    line = next((line for line in open_lines() if line.strip()), b"")
    if RAW_FRAME.match(line):
        return Format.HFTBACKTEST
    if CAPTURE.match(line) or CAPTURE_JSON.match(line):
        return Format.CRYPTOFEED
    if FIRST_LINE.match(line):
        return Format.NORMAL
    if is_bars(line):
        return Format.BARS
    shown = line[:SHOWN_MAX].decode(errors="replace").strip()
    raise ConfigError(f"recording {name}: {EXPECTED}; its first line is {shown!r}")


def contracts(name: str, open_lines: OpenLines) -> Mapping[str, Mapping[str, Any]]:
    """Return the contracts whose market a recording holds, as the venue described them then.

    Cryptofeed records them, and the normalised form names them; for another format there are none.

    Raises:
        ConfigError: the recording cannot be read, or its format is not known.
    """
    found = recognised(name, open_lines)
    if found is Format.NORMAL:
        return {one.symbol: contract(one) for one in head_of(name, open_lines).instruments}
    if found is not Format.CRYPTOFEED:
        return {}
    capture = scanned(name, open_lines)
    return {symbol: row for symbol, row in capture.contracts.items() if symbol in capture.kinds}


def read(
    name: str,
    open_lines: OpenLines,
    instruments: Mapping[str, Instrument],
    *,
    symbol: str = "",
    guess: str = "",
    spread_ticks: int = 1,
) -> list[Recording]:
    """Read and check a recording of any known format.

    Args:
        name: of the recording, for messages.
        open_lines: opens it anew.
        instruments: what is traded, by symbol.
        symbol: the one to play; empty plays all that are there.
        guess: whose bars are that of which nothing is said; frames name their symbols.
        spread_ticks: width of the quote made out of bars.

    Returns one recording for each symbol in it that is traded.

    Raises:
        ConfigError: the format is not known, or the recording is damaged or of something else.
    """
    if symbol and symbol not in instruments:
        raise ConfigError(f"recording {name}: {symbol} is not traded here")
    known = {symbol: instruments[symbol]} if symbol else instruments
    found = recognised(name, open_lines)
    if found is Format.HFTBACKTEST:
        return [hftbacktest(name, open_lines, known)]
    if found is Format.CRYPTOFEED:
        return cryptofeed(name, open_lines, known)
    if found is Format.NORMAL:
        return normal(name, open_lines, known)
    whose = symbol or guess
    if whose not in instruments:
        raise ConfigError(f"recording {name}: bars of which symbol? Write SYMBOL={name}")
    return [bars(name, open_lines, instruments[whose], spread_ticks=spread_ticks)]
