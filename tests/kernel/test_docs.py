from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "kernel.md"


def test_the_example_does_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    # Handlers are found by their annotations, which are looked up where the class says it lives.
    exec(compile(example, str(PAGE), "exec"), {"__name__": "__main__"})

    assert capsys.readouterr().out.split("\n")[:-1] == ["beat 1", "beat 2"] * 2


def test_the_example_is_short() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)

    assert len(example.split("\n")) <= 50
