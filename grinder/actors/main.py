"""The main job: ``python -m grinder.actors.main``."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from contextlib import closing
from pathlib import Path
from types import FrameType

from grinder.actors.session import Ending, Session
from grinder.config.secrets import Secrets
from grinder.console.log import configure
from grinder.console.report import write_report
from grinder.errors import ConfigError
from grinder.model.settings import Config

EXIT_FAILED = 1
EXIT_INTERRUPTED_TWICE = 130
POLL_S = 0.2


def run(config: Config, *, for_seconds: float | None, report: Path | None, secrets: Secrets) -> int:
    """Trade until a signal comes, the time is over, or the system gives up.

    Args:
        config: the whole tree of settings, checked.
        for_seconds: stop by itself after so long; None waits for a signal.
        report: file for the JSON summary.
        secrets: API credentials of the venue.

    Returns:
        0 when the venue confirmed that nothing of ours rests, else 1.

    Raises:
        ConfigError: something has to be changed before anything can start.
    """
    _keep_to(config.run.core)
    is_picture = config.run.log == "auto" and sys.stdout.isatty()
    level = "error" if is_picture else config.run.log_level
    with closing(configure(level, "json" if config.run.log == "json" else "text")):
        summary, ending = _trade(config, secrets, for_seconds, is_picture=is_picture)
    # The log is written: what people look for stands below it.
    _summarise(summary, ending.detail, is_clean=ending.is_clean)
    if report is not None:
        try:
            write_report(report, summary)
        except OSError as error:
            raise ConfigError(f"--report: {report} can't be written: {error}") from error
    return 0 if ending.is_clean else EXIT_FAILED


def _trade(
    config: Config, secrets: Secrets, for_seconds: float | None, *, is_picture: bool
) -> tuple[dict[str, object], Ending]:
    """Run until it is over; return the summary, and how it ended."""
    asked = threading.Event()
    _listen_for_signals(asked)
    session = Session(config, secrets, is_picture=is_picture)
    _say(f"venue {config.run.venue} at {session.addresses.rest_url}")
    _say(f"console at http://{session.console.host}:{session.console.port} config {session.hash}")
    session.start()
    _wait(session, asked, for_seconds)
    ending = session.stop()
    return session.report(), ending


def _keep_to(core: int) -> None:
    """Let this thread, and every thread that it starts from now on, run on ``core`` only."""
    if core < 0:
        return
    if not hasattr(os, "sched_setaffinity"):
        raise ConfigError("run.core: this system does not let a process choose its core")
    allowed = os.sched_getaffinity(0)
    if core not in allowed:
        known = ", ".join(map(str, sorted(allowed)))
        raise ConfigError(f"run.core: there is no core {core} here, only {known}")
    os.sched_setaffinity(0, {core})


def _listen_for_signals(asked: threading.Event) -> None:
    """Let the first signal ask for an end and the second one end at once."""

    def interrupted(number: int, _: FrameType | None) -> None:
        if asked.is_set() and number == signal.SIGINT:
            os._exit(EXIT_INTERRUPTED_TWICE)
        asked.set()

    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, interrupted)


def _wait(session: Session, asked: threading.Event, for_seconds: float | None) -> None:
    waited_s = 0.0
    while not session.must_end() and (for_seconds is None or waited_s < for_seconds):
        pause_s = POLL_S if for_seconds is None else min(POLL_S, for_seconds - waited_s)
        if asked.wait(pause_s):
            return
        waited_s += pause_s


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _summarise(summary: dict[str, object], detail: str, *, is_clean: bool) -> None:
    words = (
        "duration_s", "ticks", "orders_placed", "fills", "cancels", "open_orders_at_exit",
        "realized_pnl", "fees", "funding", "positions", "stop", "restarts",
    )  # fmt: skip
    for word in words:
        _say(f"{word}: {summary[word]}")
    if not is_clean:
        sys.stderr.write(f"error: the run did not end cleanly: {detail}\n")


if __name__ == "__main__":
    # The command line stands above the actors and is fetched by name: nothing here depends on it.
    importlib.import_module("grinder.cli").run_main()
