"""How a run is recorded: what its journal says of it, and the port that writes it."""

from __future__ import annotations

from pathlib import Path

from grinder import __version__
from grinder.actors.wiring import Facts, is_recorded
from grinder.config.write import config_hash, to_toml
from grinder.errors import ConfigError
from grinder.journal.port import JournalPort, SteppedJournalPort
from grinder.journal.segments import SegmentWriter
from grinder.messages.codec import CODEC
from grinder.messages.journal import RunDescribed
from grinder.model.settings import Config


def describe(config: Config, facts: Facts) -> RunDescribed:
    """Return everything that the actors of a run are made from."""
    return RunDescribed(
        code=__version__,
        schema=CODEC.fingerprint(),
        config=to_toml(config),
        config_hash=config_hash(config),
        instance=facts.instance,
        epoch=0,
        started_ns=facts.started_ns,
        instruments=tuple(facts.instruments.values()),
    )


def journal_port(
    config: Config, described: RunDescribed, *, is_stepped: bool = False
) -> JournalPort | None:
    """Return the port that writes the journal that ``config`` asks for; None if it asks for none.

    Raises:
        ConfigError: nothing can be written there.
    """
    if not is_recorded(config):
        return None
    settings = config.journal
    try:
        writer = SegmentWriter(Path(settings.directory), described, CODEC, settings)
        writer.open(described.started_ns)
    except OSError as error:
        raise ConfigError((f"journal.directory: {error}",)) from error
    made = SteppedJournalPort if is_stepped else JournalPort
    return made(writer, settings)
