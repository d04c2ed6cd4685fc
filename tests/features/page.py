"""The table of features in the documentation, made from the registry.

``PYTHONPATH=tests python -m features.page`` writes it.
"""

from __future__ import annotations

from pathlib import Path

from grinder.cli.strategy import cold_text, range_text
from grinder.features.registry import GROUPS, described

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
BEGIN = "<!-- from the registry -->\n"
END = "<!-- so far -->\n"


def table() -> str:
    """Return what stands between the two marks."""
    rows = list(described())
    lines: list[str] = []
    for group in GROUPS:
        inputs = ", ".join(f"`{kind.value}`" for kind in group.inputs)
        lines += [
            f"\n### {group.name.capitalize()}\n",
            f"From {inputs}. Unknown: {group.stale_after}.\n",
            "| Name | Meaning | Unit | Range | Window | Known after | Source |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in rows:
            if row["group"] != group.name:
                continue
            cells = (
                f"`{row['name']}`",
                str(row["meaning"]).replace("|", "&#124;"),
                str(row["unit"]),
                range_text(row["least"], row["greatest"]),
                str(row["window"]),
                cold_text(row),
                str(row["source"]),
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the page as it has to be."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    return head + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
