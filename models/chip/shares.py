"""Parts of whole numbers that sum to the whole."""

from __future__ import annotations

from typing import NamedTuple


class Share(NamedTuple):
    """Part begin..end of `whole`; shares of the same whole that meet sum to it exactly."""

    begin: int
    end: int
    whole: int

    def of(self, total: int) -> int:
        """This part of a total."""
        return total * self.end // self.whole - total * self.begin // self.whole

    def begin_of(self, total: int) -> int:
        """Where this part begins."""
        return total * self.begin // self.whole
