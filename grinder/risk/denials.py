"""The words of refusal, under the name by which the risk room is asked for them."""

from __future__ import annotations

from grinder.execution.denials import DenialCode, denial, render

__all__ = ["DenialCode", "denial", "render"]
