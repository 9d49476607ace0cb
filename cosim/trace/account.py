"""Where a unit's time went: busy, stalled for one named reason, or idle, exactly."""

from __future__ import annotations

from collections.abc import Mapping

BUSY = "busy"
IDLE = "idle"


class Account:
    """The time of one unit since `start_ps`, in parts that always sum to the time elapsed.

    `charge` books the time since the last charge; every key but "busy" and "idle" is the reason of a stall.
    """

    def __init__(self, name: str, start_ps: int = 0) -> None:
        self.name = name
        self.start_ps = start_ps
        self.until_ps = start_ps
        self._totals_ps = {BUSY: 0, IDLE: 0}

    def charge(self, until_ps: int, parts_ps: Mapping[str, int]) -> None:
        """Book the time from the last charge to `until_ps`.

        Raises ValueError, and books nothing, unless the parts are not negative and sum to exactly that time.
        """
        elapsed = until_ps - self.until_ps
        total = sum(parts_ps.values())
        if total != elapsed or any(part < 0 for part in parts_ps.values()):
            raise ValueError(
                f"account {self.name}: parts {dict(parts_ps)} must be at least 0 and sum to the {elapsed} ps "
                f"from {self.until_ps} to {until_ps}, they sum to {total}"
            )
        for reason, part in parts_ps.items():
            self._totals_ps[reason] = self._totals_ps.get(reason, 0) + part
        self.until_ps = until_ps

    def take_up(self, start_ps: int, totals_ps: Mapping[str, int]) -> None:
        """Go on with the account of somebody who began at `start_ps` and had spent `totals_ps` up to now."""
        self.start_ps, self.until_ps = start_ps, start_ps + sum(totals_ps.values())
        self._totals_ps = dict(totals_ps)

    @property
    def elapsed_ps(self) -> int:
        """Time booked: busy + stalls + idle."""
        return self.until_ps - self.start_ps

    @property
    def busy_ps(self) -> int:
        """Time spent working."""
        return self._totals_ps[BUSY]

    @property
    def idle_ps(self) -> int:
        """Time without work."""
        return self._totals_ps[IDLE]

    @property
    def stalls_ps(self) -> dict[str, int]:
        """Stalled time by reason, in alphabetical order; reasons that never cost time are left out."""
        return {
            reason: part for reason, part in sorted(self._totals_ps.items()) if reason not in (BUSY, IDLE) and part > 0
        }

    def totals_ps(self) -> dict[str, int]:
        """busy, then the stalls by reason in alphabetical order, then idle; they sum to `elapsed_ps`."""
        return {BUSY: self.busy_ps, **self.stalls_ps, IDLE: self.idle_ps}
