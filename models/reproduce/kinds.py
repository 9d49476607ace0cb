"""The kinds of studies: how each is run, shown, and explained where it does not agree. One row a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from cosim.report import Section

from . import causes
from .gain import Gain
from .points import Point, Results
from .pruning import Pruning
from .report_gain import gain_rows, gain_sections
from .report_pruning import pruning_rows, pruning_sections
from .report_same_workload import same_rows, same_sections
from .report_throughput import throughput_rows, throughput_sections
from .same_workload import SameWorkload
from .throughput import Throughput
from .verdict import Compared

__all__ = ["KINDS", "Kind", "StudyRun"]


class StudyRun(Protocol):
    """What is known of a study: its points, and what follows from their results."""

    def points(self) -> Iterable[Point]: ...

    def evaluate(self, results: Results) -> dict[str, Any]: ...


class Kind(NamedTuple):
    """`run` makes a study of (what the claim file says, seed, published values); the others take a claim's result:
    `rows` and `sections` its name and what was found, `cause` the whole and the number of a row of the overview."""

    run: Callable[..., StudyRun]
    rows: Callable[[str, Sequence[Mapping[str, Any]], Mapping[str, Any]], list[Compared]]
    sections: Callable[[str, Mapping[str, Any]], list[Section]]
    cause: Callable[[Mapping[str, Any], int], str]


KINDS: Mapping[str, Kind] = {
    "energy_gain": Kind(Gain, gain_rows, gain_sections, causes.gain_cause),
    "throughput": Kind(Throughput, throughput_rows, throughput_sections, causes.throughput_cause),
    "same_workload": Kind(SameWorkload, same_rows, same_sections, causes.same_workload_cause),
    "pruning": Kind(Pruning, pruning_rows, pruning_sections, causes.pruning_cause),
}
"""By the name in a claim file (`study:`)."""
