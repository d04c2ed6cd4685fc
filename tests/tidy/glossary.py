"""The list of messages in the glossary, and the command that writes it.

Run ``make records`` after adding or renaming a message.
"""

from __future__ import annotations

import inspect
import sys

from grinder.kernel.message import Message
from grinder.messages.codec import CODEC
from tidy.source import ROOT

FILE = ROOT / "docs" / "GLOSSARY.md"
COMMAND = "make records"
BEGIN = "<!-- messages: written by a command, see the end of this page -->"
END = "<!-- end of messages -->"


def message_list() -> str:
    """Return the list as Markdown: a heading for each module, a line for each message."""
    subjects: dict[str, list[type[Message]]] = {}
    for message_class in CODEC.message_classes:
        subjects.setdefault(message_class.__module__, []).append(message_class)
    sections = []
    for module in sorted(subjects):
        lines = [f"- `{cls.__name__}`: {_meaning(cls)}" for cls in subjects[module]]
        sections.append(f"### {module}\n\n" + "\n".join(lines))
    return "\n\n".join(sections)


def written() -> str:
    """Return the list as it stands in the glossary."""
    text = FILE.read_text(encoding="utf-8")
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def update() -> None:
    """Write the list of today into the glossary."""
    before, _, rest = FILE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    FILE.write_text(f"{before}{BEGIN}\n\n{message_list()}\n\n{END}{after}", encoding="utf-8")


def _meaning(message_class: type[Message]) -> str:
    return (inspect.getdoc(message_class) or "").partition("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(f"expected --update; run {COMMAND}")
    update()
