"""Grinder and its venue as an operator starts them: processes of their own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

import requests

from system.waiting import PATIENCE_S, until

START_S = STOP_S = HTTP_S = PATIENCE_S
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def settings(**values: object) -> list[str]:
    """Return ``--set`` options; ``risk__permit_ms=5`` stands for ``risk.permit_ms=5``."""
    pairs = [f"{name.replace('__', '.')}={value}" for name, value in values.items()]
    return [word for pair in pairs for word in ("--set", pair)]


FAULTS = settings(run__fault_injection="true", supervision__stall_after_ms=500)
"""Lets actors be broken from outside, and takes one that hangs for stuck soon.

Only here: on a busy machine somebody who does not hang may need that long now and then.
"""


class Job:
    """A process whose output goes to files; used as a context it does not outlive the test."""

    def __init__(self, folder: Path, name: str, arguments: list[str]) -> None:
        self.out_path = folder / f"{name}.out"
        self.err_path = folder / f"{name}.err"
        self.folder = folder
        with self.out_path.open("wb") as out, self._open_err() as err:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def _open_err(self) -> BinaryIO:
        return self.err_path.open("wb")

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(STOP_S)

    @property
    def out(self) -> str:
        """Whole lines of standard output so far."""
        return whole_lines(self.out_path)

    @property
    def err(self) -> str:
        """Whole lines of standard error so far."""
        return whole_lines(self.err_path)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, within_s: float = STOP_S) -> int:
        """Return the exit code."""
        return self._process.wait(within_s)

    def line(self, pattern: str) -> re.Match[str]:
        """Wait until the job has printed what ``pattern`` describes."""

        def printed() -> re.Match[str] | None:
            found = re.search(pattern, self.out)
            if found is None and not self.is_running:
                raise AssertionError(f"expected {pattern!r}, ended with: {self.err[-2000:]}")
            return found

        return until(printed, lambda: f"{pattern!r} printed; stderr: {self.err[-2000:]}", START_S)


class Run(Job):
    """``python -m grinder.actors.main``, with its console and its report."""

    def __init__(self, folder: Path, *arguments: str, name: str = "run") -> None:
        self.report_path = folder / f"{name}.json"
        super().__init__(
            folder,
            name,
            [
                *("-m", "grinder.actors.main", "--port", "0", "--log", "json"),
                *("--report", str(self.report_path), *arguments),
            ],
        )
        self._url = ""

    def __enter__(self) -> Run:
        return self

    @property
    def url(self) -> str:
        """Address of the console, once it is printed."""
        if not self._url:
            self._url = self.line(r"console at (http://\S+)").group(1)
        return self._url

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=HTTP_S)

    def state(self) -> dict[str, Any]:
        """Return what the console shows of the system."""
        view: dict[str, Any] = self.get("/state").json()["view"]
        return view

    def is_ready(self) -> bool:
        return self.get("/readyz").status_code == 200

    def is_active(self) -> bool:
        return bool(self.state()["state"] == "ACTIVE")

    def restarts_of(self, actor: str) -> int:
        return int(self.state()["restarts"].get(actor, 0))

    def fault(self, actor: str, kind: str) -> None:
        """Let an actor raise, or hang."""
        answer = requests.post(f"{self.url}/debug/fault/{actor}/{kind}", timeout=HTTP_S)
        assert answer.status_code == 202, answer.text

    def report(self) -> dict[str, Any]:
        """Return the report of a run that has ended."""
        report: dict[str, Any] = json.loads(self.report_path.read_text(encoding="utf-8"))
        return report

    def records(self, event: str, at_least: int = 0) -> list[dict[str, Any]]:
        """Return the log's records of one kind, in order; none when there are fewer."""
        lines = self.err.splitlines()
        records = [json.loads(line) for line in lines if line.startswith("{")]
        found = [record for record in records if record.get("event") == event]
        return found if len(found) >= at_least else []

    def stop(self, number: signal.Signals = signal.SIGTERM) -> dict[str, Any]:
        """Ask for an end, expect a clean one, and return the report."""
        self.send(number)
        code = self.wait()
        assert code == 0, self.err[-2000:]
        return self.report()


def whole_lines(path: Path) -> str:
    """Return the text of a file up to the last line that has been written to its end."""
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1].decode()


def grinder(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Carry out one command of the command line and return how it ended."""
    return subprocess.run(
        [sys.executable, "-m", "grinder.cli", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=START_S,
        check=False,
    )
