"""The permit: without a fresh one, nothing that adds risk reaches the venue."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Permit:
    """Leave to add risk, given by RiskSupervisor with each approval."""

    serial: int
    """Rises with each revocation; a permit below the last serial revoked is void."""
    state: str
    """Lifecycle state under which it was given."""
    epoch: int
    """Leadership epoch under which it was given."""
    deadline_ns: int
    """It is void from this time on."""

    def holds(self, revoked_below: int, now_ns: int) -> bool:
        """Return whether it gives leave now, when lower serials than ``revoked_below`` are void."""
        return self.serial >= revoked_below and self.deadline_ns > now_ns
