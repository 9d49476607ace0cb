"""Engines: state machines with an event time of their own, advanced between the instants of the event queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from .time import NEVER


@runtime_checkable
class Engine(Protocol):
    """The contract is in docs/architecture.md, "Engines"."""

    def next(self) -> int:
        """Time of the earliest internal event; NEVER if there is none."""

    def advance(self, limit: int) -> int:
        """Process internal events at times <= limit; stop after the first instant with a visible completion.

        Returns that instant, or NEVER when nothing completed.
        """

    def deliver(self) -> None:
        """Called at the instant that `advance` returned: trigger SimPy events."""


class EngineError(RuntimeError):
    """An engine broke its contract; `args` are (name, what)."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(name, what)

    def __str__(self) -> str:
        return f"engine {self.args[0]}: {self.args[1]}"


class Attachment:
    """An engine's place in a simulator. `wake()` tells it of a new event, `detach()` ends it."""

    __slots__ = ("_group", "engine", "name", "next_time", "polled")

    def __init__(self, group: EngineGroup, engine: Engine, name: str, polled: bool) -> None:
        self._group = group
        self.engine = engine
        self.name = name
        self.polled = polled
        self.next_time = engine.next()

    def wake(self) -> None:
        """Look at `engine.next()` again: it may have become earlier. Only for engines that are not polled."""
        next_time = self.next_time = self.engine.next()
        group = self._group
        if next_time < group.earliest:  # noqa: PLR1730 (`min` takes several times as long)
            group.earliest = next_time

    def detach(self) -> None:
        """Take the engine out of the simulator's time; what it still has to do never happens."""
        self._group.remove(self)


class EngineGroup:
    """All attached engines of a simulator, and the merge of their times.

    `earliest` is a lower bound of the next event of the engines that are not polled, so that for them a quiescent
    instant costs one comparison.
    """

    def __init__(self) -> None:
        self.members: list[Attachment] = []
        self.next_times: list[Callable[[], int]] = []  # of the engines that are polled
        self.earliest = NEVER

    def add(self, engine: Engine, name: str, polled: bool) -> Attachment:
        """Attach; names are unique (ValueError), because ties between engines are broken by name."""
        if any(member.name == name for member in self.members):
            raise ValueError(f"an engine named {name!r} is attached already")
        member = Attachment(self, engine, name, polled)
        self.members.append(member)
        self.members.sort(key=lambda each: each.name)
        self._refresh_lists()
        return member

    def remove(self, member: Attachment) -> None:
        """Detach; ValueError if it is not attached."""
        self.members.remove(member)
        self._refresh_lists()

    def _refresh_lists(self) -> None:
        self.next_times = [member.engine.next for member in self.members if member.polled]
        self._refresh_earliest()

    def _refresh_earliest(self) -> None:
        self.earliest = min((member.next_time for member in self.members if not member.polled), default=NEVER)

    def due(self, limit: int) -> bool:
        """Whether any engine has an event at or before `limit` (False at limit NEVER when all are quiescent)."""
        if limit == NEVER:
            limit = NEVER - 1
        if self.earliest <= limit:
            return True
        for next_time in self.next_times:  # noqa: SIM110 (a generator costs more than the loop)
            if next_time() <= limit:
                return True
        return False

    def advance(self, now: int, limit: int) -> tuple[int, list[Callable[[], None]]]:
        """Run internal events up to `limit`, at most to the first instant at which something completes.

        Returns that instant (or `limit`) and the `deliver` methods of all engines that completed something then.
        Earliest event first, ties by name; no engine runs past another one's next event.
        """
        members = self.members
        if len(members) == 1:
            return self._advance_alone(members[0], now, limit)
        times = [member.engine.next() for member in members]
        deliveries: list[Callable[[], None]] = []
        instant = limit
        while True:
            first = min(range(len(times)), key=times.__getitem__)
            start = times[first]
            if start > instant or start == NEVER:
                break
            member = members[first]
            if start < now:
                raise EngineError(member.name, f"has an event at {start}, before the current time {now}")
            bound = instant
            for index, other in enumerate(times):
                if index != first and other < bound:
                    bound = other
            completed = member.engine.advance(bound)
            times[first] = member.engine.next()
            if completed != NEVER:
                if not start <= completed <= bound:
                    raise EngineError(
                        member.name, f"advance({bound}) returned {completed}, outside of its events from {start} on"
                    )
                # From here on only events of this very instant are of interest; other engines may complete then, too.
                # This one is left alone until it has delivered: its outputs may be full.
                instant = completed
                deliveries.append(member.engine.deliver)
                times[first] = NEVER
            elif times[first] <= bound and times[first] != NEVER:
                raise EngineError(
                    member.name, f"advance({bound}) returned NEVER but left an event at {times[first]} behind"
                )
        for member in members:
            member.next_time = member.engine.next()
        self._refresh_earliest()
        return instant, deliveries

    def _advance_alone(self, member: Attachment, now: int, limit: int) -> tuple[int, list[Callable[[], None]]]:
        """The same for the only engine, which has nobody to wait for."""
        engine = member.engine
        start = engine.next() if member.polled else member.next_time
        if start > limit or start == NEVER:
            member.next_time = start
            self.earliest = NEVER if member.polled else start
            return limit, []
        if start < now:
            raise EngineError(member.name, f"has an event at {start}, before the current time {now}")
        completed = engine.advance(limit)
        member.next_time = left = engine.next()
        self.earliest = NEVER if member.polled else left
        if completed == NEVER:
            if left <= limit and left != NEVER:
                raise EngineError(member.name, f"advance({limit}) returned NEVER but left an event at {left} behind")
            return limit, []
        if not start <= completed <= limit:
            raise EngineError(
                member.name, f"advance({limit}) returned {completed}, outside of its events from {start} on"
            )
        return completed, [engine.deliver]
