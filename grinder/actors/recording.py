"""What is left of a run: the ports that write its journal, its books and its latches."""

from __future__ import annotations

from pathlib import Path

from grinder import __version__
from grinder.actors.wiring import RISK, Facts, is_kept, is_recorded
from grinder.books.port import BooksPort, SteppedBooksPort
from grinder.books.store import MemoryStore, Store
from grinder.config.write import config_hash, to_toml
from grinder.errors import BooksError, ConfigError, LatchesError
from grinder.journal.port import JournalPort, SteppedJournalPort
from grinder.journal.segments import SegmentWriter
from grinder.kernel.keeper import Keeper
from grinder.kernel.port import Port
from grinder.latches.file import LatchFile
from grinder.latches.port import LastingKeeper
from grinder.messages.codec import CODEC
from grinder.messages.journal import RunDescribed
from grinder.model.settings import Config
from grinder.model.units import NS_PER_S


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


def books_port(config: Config, started_ns: int, *, is_embedded: bool) -> Port | None:
    """Return the port that keeps the books that ``config`` asks for; None if it asks for none.

    The schema is made, or brought up to date. A venue inside the process is another one with each
    start, and its trades are numbered anew: it is an account of its own.

    Raises:
        ConfigError: nothing can be kept there.
    """
    if not is_kept(config):
        return None
    # Only runs that keep books pay for the database library.
    from grinder.books.sql import SqlStore, engine_of, upgrade

    account = config.books.account or config.run.venue
    if is_embedded and not config.books.account:
        account = f"{account}-{started_ns // NS_PER_S}"
    try:
        engine = engine_of(config.books.url)
        upgrade(engine)
    except BooksError as error:
        raise ConfigError((f"books.url: {error}",)) from error
    return BooksPort(SqlStore(engine, account), config.books.pending_max)


def stepped_books_port(config: Config, store: Store | None = None) -> SteppedBooksPort | None:
    """Return the same for a run in virtual time: its books are in memory, wherever the URL points.

    ``store`` is one that outlives the run; None makes one that does not.
    """
    if not is_kept(config):
        return None
    return SteppedBooksPort(store or MemoryStore(), config.books.pending_max)


def latch_keeper(config: Config) -> Keeper | None:
    """Return the keeper whose latches outlive the process; None if ``config`` names no file.

    Raises:
        ConfigError: the file can't be used, or does not hold what was written.
    """
    if not config.latches.file:
        return None
    try:
        store = LatchFile(Path(config.latches.file), config.run.venue)
    except LatchesError as error:
        raise ConfigError((f"latches.file: {error}",)) from error
    return LastingKeeper(store, RISK)
