"""Requests of which only the end of the last one matters."""

from __future__ import annotations

from collections.abc import Callable

from .descriptor import Completion


class Batch:
    """Requests posted together: `left` of them are under way, `last` is the completion that explains when they ended.

    `done` is called with it, or never, if all of them have ended before `quiet_until_ps`: who posted them is not
    interested before that, and looks at `left` then. Of completions of one instant any explains the whole time; the
    largest tuple does not depend on their order.
    """

    __slots__ = ("done", "last", "left", "quiet_until_ps", "tag")

    def __init__(self, left: int, done: Callable[[Completion], object], quiet_until_ps: int = 0) -> None:
        self.left = left
        self.done = done
        self.quiet_until_ps = quiet_until_ps
        self.last: Completion | None = None
        self.tag = 0
        """By which the engine knows it; 0 before it does."""

    def ended(self, completion: Completion) -> bool:
        """One request has; whether `done` is to be called for it."""
        last = self.last
        if last is None or last.end_ps < completion.end_ps or _rank(last) < _rank(completion):
            self.last = completion
        self.left -= 1
        return self.left == 0 and completion.end_ps >= self.quiet_until_ps


def _rank(completion: Completion) -> tuple[int, ...]:
    return (completion.end_ps, completion.dram_ps, completion.noc_ps, completion.sram_ps)
