"""Where the time went: walks back along what enabled what.

A wait ends because some task ended. That task's own time says what was going on (its `spent_ps`), and before it
began, what enabled *it* says so, and so on back to where the wait began. The walk covers the wait without gap or
overlap, so its parts sum to it exactly, and each instant has one reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .graph import Task, TaskGraph

SYNC = "sync"
"""Reason of the time between an enabling event and the unit's next clock edge."""


def enabling_task(candidates: Iterable[Task | None]) -> Task | None:
    """The one that ended last; among several, the first of the graph's order."""
    last: Task | None = None
    for task in candidates:
        if task is None:
            continue
        if last is None or task.end_ps > last.end_ps or (task.end_ps == last.end_ps and task.index < last.index):
            last = task
    return last


def time_by_reason(cause: Task | None, begin_ps: int, end_ps: int) -> dict[str, int]:
    """Split [begin_ps, end_ps), a wait that `cause` ended, by reason; the parts sum to its length.

    A wait that nothing caused is "idle".
    """
    reasons: dict[str, int] = {}
    while end_ps > begin_ps:
        if cause is None:
            reasons["idle"] = reasons.get("idle", 0) + end_ps - begin_ps
            break
        if cause.end_ps < end_ps:
            edge = max(cause.end_ps, begin_ps)
            reasons[SYNC] = reasons.get(SYNC, 0) + end_ps - edge
            end_ps = edge
            continue
        start = cause.start_ps
        if start >= begin_ps and end_ps == cause.end_ps:
            # NOTE: all of its time, as mostly: half of the cost of the shares.
            for reason, spent in cause.spent_ps.items():
                if spent:
                    reasons[reason] = reasons.get(reason, 0) + spent
        else:
            start = max(start, begin_ps)
            if end_ps > start:
                _share(cause, start, end_ps, reasons)
        end_ps = start
        cause = cause.cause
    return reasons


def _share(task: Task, begin_ps: int, end_ps: int, reasons: dict[str, int]) -> None:
    """Add the part [begin_ps, end_ps) of the task's time. Within a task the order of its resources is not known, so
    a part of it is shared in proportion, rounded so that the shares sum to the part."""
    length = task.end_ps - task.start_ps
    part = end_ps - begin_ps
    before = done = 0
    for reason, spent in task.spent_ps.items():
        before += spent
        upto = before * part // length
        if upto > done:
            reasons[reason] = reasons.get(reason, 0) + upto - done
            done = upto


def longest_path_ps(graph: TaskGraph, duration_ps: Callable[[Task], int]) -> int:
    """Length of the longest path through dependencies and program order, if each task takes its `duration_ps`.

    A lower bound of every run of the graph with these durations.
    """
    end: list[int] = []
    last_of_unit: dict[str, int] = {}
    for task in graph:
        start = last_of_unit.get(task.unit, 0)
        for dep in task.deps:
            start = max(start, end[dep.index])
        end.append(start + duration_ps(task))
        last_of_unit[task.unit] = end[-1]
    return max(end, default=0)
