"""What a sweep is: one scenario file that stands for many, its points.

    sweep:
      chip.core.lanes: [8, 16, 32]
      pruning.target: [0.5, 0.9]

Every combination is a point: the scenario without `sweep:`, with these values set as `--set` would set them, in the
order of the file, the last parameter fastest. All points are validated when the scenario is loaded; a value that does
not fit is reported where it stands. `run_sweep` runs them (`sweep_runner`); `sweep_points` hands them out.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .diagnose import shown
from .errors import Position, Problem, ScenarioError
from .overrides import Override, Setting, steps_of
from .tree import Node

if TYPE_CHECKING:
    from .loader import LoadedScenario

__all__ = ["MAX_POINTS", "SWEEP", "Grid", "Parameter", "Sweep", "SweepPoint", "sweep_points", "value_text"]

SWEEP = "sweep"
MAX_POINTS = 10_000
_NAME_LIMIT = 150  # of the 255 bytes that file systems have for a name
_UNSAFE = re.compile(r"[^A-Za-z0-9._=,+%-]+")
_BEFORE_UNIT = re.compile(r"(?<=[0-9]) (?=[A-Za-z%]+$)")


@dataclass(frozen=True)
class Parameter:
    """A path, and the values that it takes one after the other, as plain data."""

    path: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class SweepPoint:
    """One combination: its place in the order (from 0), its values by path, the name of its run folder, and the
    identity of its scenario."""

    index: int
    values: Mapping[str, Any]
    name: str
    identity: str


@dataclass(frozen=True)
class Sweep:
    """The points of a loaded scenario, all of them valid. `load` gives the scenario of one; raises ScenarioError if
    its files have changed so that it is none any more."""

    parameters: tuple[Parameter, ...]
    points: tuple[SweepPoint, ...]
    overrides: tuple[str, ...]
    load: Callable[[int], LoadedScenario] = field(repr=False, compare=False)


def sweep_points(scenario: LoadedScenario) -> Iterator[LoadedScenario]:
    """The scenarios of the points, in order, each loaded when it is its turn; of one without a sweep, itself.

    They are independent of each other: `run_scenario` runs each by itself, anywhere. `scenario.sweep.points` has the
    values of each, in the same order. Raises ScenarioError where a file has changed and cannot be loaded any more.
    """
    if scenario.sweep is None:
        yield scenario
        return
    for point in scenario.sweep.points:
        yield scenario.sweep.load(point.index)


def value_text(value: Any) -> str:
    """A value as one would write it after `--set path=`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class _Row:
    """A parameter as it was written."""

    path: str
    steps: list[str]
    position: Position
    nodes: list[Node]


class Grid:
    """The `sweep:` of a file, as it was written: the values that each point sets, and where."""

    def __init__(self, node: Node, position: Position, overrides: Sequence[Override]) -> None:
        """`position` is that of the key. Raises ScenarioError with all that is wrong with it by itself."""
        self._rows: list[_Row] = []
        self._problems: list[Problem] = []
        if not isinstance(node.value, dict) or not node.value:
            what = "an empty mapping" if node.value == {} else shown(node.value)
            raise ScenarioError(
                [Problem(node.position, SWEEP, f"expected a mapping of paths to lists of values, got {what}")]
            )
        for path, values in node.value.items():
            self._add(path, node.keys[path], values)
        for override in overrides:
            for row in self._rows:
                if override.steps == row.steps:
                    self._wrong(override.position, row, "the sweep sets it, too: set the list, or leave it out")
        if not self._problems and len(self) > MAX_POINTS:
            self._problems.append(Problem(position, SWEEP, f"{len(self)} points; at most {MAX_POINTS}"))
        if self._problems:
            raise ScenarioError(self._problems)
        self.parameters = tuple(Parameter(row.path, tuple(node.plain() for node in row.nodes)) for row in self._rows)

    def _add(self, path: str, position: Position, values: Node) -> None:
        row = _Row(path, steps_of(path), position, values.value if isinstance(values.value, list) else [])
        if not all(row.steps):
            self._wrong(position, row, "expected the path of a value, like chip.core.lanes")
        for other in self._rows:
            if row.steps == other.steps:
                self._wrong(position, row, f"the same parameter as '{other.path}'")
            elif row.steps == other.steps[: len(row.steps)]:
                self._wrong(position, row, f"replaces what '{other.path}' sets; write it above that")
            else:
                continue
            break
        if not isinstance(values.value, list):
            self._wrong(values.position, row, f"expected a list of values, got {shown(values.value)}")
        elif not row.nodes:
            self._wrong(values.position, row, "an empty list: no value, no point")
        seen: dict[str, int] = {}
        for i, node in enumerate(row.nodes):
            first = seen.setdefault(json.dumps(node.plain()), i)
            if first != i:
                self._problems.append(Problem(node.position, f"{SWEEP}.{path}[{i}]", f"the same value as [{first}]"))
        self._rows.append(row)

    def _wrong(self, position: Position, row: _Row, message: str) -> None:
        self._problems.append(Problem(position, f"{SWEEP}.{row.path}", message))

    def __len__(self) -> int:
        return math.prod(len(row.nodes) for row in self._rows)

    def picks(self) -> Iterator[tuple[int, ...]]:
        """For each point, the index of the value of each parameter."""
        return itertools.product(*(range(len(row.nodes)) for row in self._rows))

    def settings(self, pick: Sequence[int], overrides: Sequence[Override]) -> list[Setting]:
        """What makes the point, with the `--set`s that go with it, in the order in which they apply: the point's
        values over those; but what is inside of a value of the point over that."""
        own = [
            Setting(row.steps, _copy(row.nodes[i]), row.position, f"{SWEEP}.{row.path}")
            for row, i in zip(self._rows, pick, strict=True)
        ]
        plain = [override for override in overrides if override.steps[0] != SWEEP]
        inside = [one for one in plain if any(one.steps[: len(row.steps)] == row.steps for row in self._rows)]
        return [*(one for one in plain if one not in inside), *own, *inside]

    def placed(self, problem: Problem, pick: Sequence[int]) -> tuple[Problem, tuple[int, int] | None]:
        """A problem of a point in terms of the sweep, if it stands there; and, where it stands at a value, the index of
        the parameter and that of the value."""
        steps = steps_of(problem.path)
        # A sweep from a `--set` is all at one place: the path tells.
        order = sorted(
            enumerate(pick), key=lambda one: steps[: len(self._rows[one[0]].steps)] != self._rows[one[0]].steps
        )
        for k, i in order:
            row = self._rows[k]
            if problem.position in _positions(row.nodes[i]):
                below = "".join(f".{step}" for step in steps[len(row.steps) :])
                return Problem(problem.position, f"{SWEEP}.{row.path}[{i}]{below}", problem.message), (k, i)
            if problem.position == row.position:
                return Problem(problem.position, f"{SWEEP}.{row.path}", problem.message), None
        return problem, None

    def names(self) -> list[str]:
        """For each point, the name of its folder: `chip.core.lanes=8,pruning.target=0.5`, safe for file systems."""
        names, details = [], []
        for pick in self.picks():
            parts = [
                f"{'.'.join(row.steps)}={value_text(row.nodes[i].plain())}"
                for row, i in zip(self._rows, pick, strict=True)
            ]
            names.append(",".join(_UNSAFE.sub("_", _BEFORE_UNIT.sub("", part)) for part in parts))
            details.append(hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8])
        folded = [name[:_NAME_LIMIT].casefold() for name in names]  # some file systems do not tell A from a
        shared = {name for name, count in Counter(folded).items() if count > 1}
        return [
            f"{name[:_NAME_LIMIT]}-{detail}" if len(name) > _NAME_LIMIT or key in shared else name
            for name, key, detail in zip(names, folded, details, strict=True)
        ]

    def only_there(self, found: Sequence[tuple[tuple[int, ...], Sequence[Problem]]]) -> list[Problem]:
        """What is wrong with the points, each mistake once: where some point that it could concern is right, it says
        which has it first."""
        wrong = Counter(one for pick, _ in found for one in [None, *enumerate(pick)])
        where: dict[Problem, tuple[tuple[int, int] | None, list[tuple[int, ...]]]] = {}
        for pick, problems in found:
            for problem in dict.fromkeys(problems):
                placed, reason = self.placed(problem, pick)
                where.setdefault(placed, (reason, []))[1].append(pick)
        result = []
        for problem, (reason, picks) in where.items():
            concerned = len(self) // (1 if reason is None else len(self._rows[reason[0]].nodes))
            message = problem.message
            if wrong[reason] < concerned:
                values = (
                    f"{row.path}={value_text(row.nodes[i].plain())[:40]}"
                    for row, i in zip(self._rows, picks[0], strict=True)
                )
                others = f" and {len(picks) - 1} more" if len(picks) > 1 else ""
                message += f" (at {', '.join(values)}{others})"
            result.append(Problem(problem.position, problem.path, message))
        return result


def _copy(node: Node) -> Node:
    """References in it are replaced by what they name, in each point anew."""
    value = node.value
    if isinstance(value, dict):
        value = {key: _copy(child) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_copy(child) for child in value]
    return Node(node.position, value, dict(node.keys))


def _positions(node: Node) -> set[Position]:
    return {position for below in node.walk() for position in (below.position, *below.keys.values())}
