"""A chip at a memory of its own, iteration by iteration: what a scenario simulates for each chip that it compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from cosim.arrays import Under
from cosim.kernel import ClockDomain, Simulator
from cosim.trace import Timeline

from ..core import Choice
from ..dram import Controller
from ..dram.energy import energy_fj as dram_energy_fj
from ..dram.observed import ObservedController
from ..dram.spec import MemorySpec
from ..fabric import Fabric, FabricConfig, LocalWork, MemoryPart, MemorySystem
from ..tasks import Task, TaskGraph
from ..workload import Iteration
from .chip import Chip, JobResult
from .collector import collector_paused
from .layout import MemoryMap
from .mapper import Mapper
from .records import MappedIteration, OperationRecord, PruningRecord
from .spec import ChipSpec
from .transfers import transfer_counts


def build_memory(
    simulator: Simulator,
    name: str,
    spec: MemorySpec,
    *,
    fused: bool = True,
    observers: list[ObservedController] | None = None,
) -> tuple[MemorySystem, list[Controller]]:
    """A memory system with the controllers behind it; `observers`, filled with one for each, for unfused links only."""
    controllers = [Controller(spec.device, spec.mapping, spec.policy) for _ in range(spec.channels)]
    clock = ClockDomain(f"{name}.clock", spec.t_ck_ps)
    if observers is not None:
        observers += map(ObservedController, controllers)
    states: list[Any] = [*observers] if observers else [each.state for each in controllers]
    parts = [MemoryPart(state, clock, ideal=spec.ideal) for state in states]
    geometry = spec.device.geometry
    memory = MemorySystem(
        simulator,
        name,
        parts,
        capacity_bytes=geometry.channel_bytes * spec.channels,
        config=FabricConfig(burst_bytes=geometry.burst_bytes),
        fused=fused,
    )
    return memory, controllers


@dataclass
class IterationResult:
    """One simulated iteration."""

    index: int
    job: JobResult
    operations: list[OperationRecord]
    pruning: list[PruningRecord]
    compulsory_bytes: int
    action_counts: dict[str, int]
    dram_energy_fj: dict[str, int]
    dram_bytes: tuple[int, int]
    requests: int
    tasks: int
    counts_by_task: dict[str, dict[str, int]] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()

    @property
    def duration_ps(self) -> int:
        """How long it took."""
        return self.job.end_ps - self.job.start_ps


@dataclass
class System:
    """A simulator with one memory and one chip, and the mapper that feeds it."""

    chip_spec: ChipSpec
    memory_spec: MemorySpec
    seed: int
    shuffle_seed: int | None = None
    hindsight: bool = False
    timeline: Timeline | None = None
    fused: bool = True
    observed: bool = False
    """Whether DRAM commands are kept, in `observed_memory`; not with fused links."""
    start_ps: int = 0
    """Where its time begins: later than 0 where it goes on with what another one's `state` was."""
    results: list[IterationResult] = field(default_factory=list)
    keep_results: bool = True
    """Whether `simulate` keeps them; a long training does without."""

    def __post_init__(self) -> None:
        self.simulator = Simulator(self.start_ps, shuffle_seed=self.shuffle_seed)
        self.observed_memory: list[ObservedController] = []
        self.memory, self.controllers = build_memory(
            self.simulator,
            "memory",
            self.memory_spec,
            fused=self.fused,
            observers=self.observed_memory if self.observed else None,
        )
        self.chip = Chip(self.simulator, "chip", self.chip_spec)
        self.chip.memory_socket.bind(self.memory.port("chip"))
        self.map = MemoryMap(0, self.memory.capacity_bytes)
        self.mapper = Mapper(self.chip_spec, self.chip.layout, self.map, seed=self.seed, hindsight=self.hindsight)
        self._counted: dict[str, int] = {}
        self._dram_spent: dict[str, int] = {}
        self._traffic = (0, 0, 0)

    def simulate(self, iteration: Iteration) -> IterationResult:
        """Run one iteration, from a drained chip to a drained chip."""
        with collector_paused():
            mapped = self.mapper.map(iteration)
            job = self.run_graph(mapped.graph)
            result = self._result(mapped, job)
            if self.keep_results:
                self.results.append(result)
            if self.timeline is not None:
                draw(self.timeline, mapped.graph)
            mapped.graph.unlink()
        return result

    def run_graph(self, graph: TaskGraph) -> JobResult:
        """Run a task graph to its end. DeadlockError if it cannot end."""
        with collector_paused():
            job: JobResult = self.simulator.run(until=self.chip.run_job(graph))
        return job

    def _result(self, mapped: MappedIteration, job: JobResult) -> IterationResult:
        counts = self.chip.action_counts()
        delta = {action: count - self._counted.get(action, 0) for action, count in counts.items()}
        timed = self._time_counts(mapped.graph, job.end_ps - job.start_ps)
        delta |= timed
        self._counted = counts
        place, _ = self.memory.place_of(self.chip)
        traffic = self.memory.fabric.traffic(place)
        now = (traffic.dram_read_bytes, traffic.dram_write_bytes, traffic.requests)
        before, self._traffic = self._traffic, now
        return IterationResult(
            mapped.index,
            job,
            mapped.operations,
            mapped.pruning,
            mapped.compulsory_bytes,
            delta,
            self._dram_energy(),
            (now[0] - before[0], now[1] - before[1]),
            now[2] - before[2],
            len(mapped.graph),
            self._counts_by_task(mapped.graph, timed),
            self.mapper.chooser.take_choices(),
        )

    def _counts_by_task(self, graph: TaskGraph, timed: dict[str, int]) -> dict[str, dict[str, int]]:
        """The iteration's counts by kind of task, each worked out apart from the totals, to which they must sum.

        What tasks do locally (counts, and words of their memories) is by kind; what descriptors cost is of `transfers`;
        clock and leakage are of `elapsed`.
        """
        found: dict[str, dict[str, int]] = {}
        for task in graph:
            if not isinstance(task.work, LocalWork):
                continue
            row = found.setdefault(str(task.kind), {})
            words = (
                (f"sram.{self.chip.layout.memory_kind(a.memory)}.{'write' if a.is_write else 'read'}", a.words)
                for a in task.work.accesses
            )
            for action, count in (*task.work.counts, *words):
                row[action] = row.get(action, 0) + count
        transfers = transfer_counts(graph, self.chip.layout, self.chip_spec, self.memory.fabric.config)
        return {**found, "transfers": transfers, "elapsed": timed}

    def _time_counts(self, graph: TaskGraph, elapsed_ps: int) -> dict[str, int]:
        """Clock cycles and nanoseconds of leakage by kind of unit, each rounded up once.

        A unit is clocked from the start to the end of each of its tasks, waits at memories included (assumption: gated
        otherwise); the top level always.
        """
        period = self.chip_spec.clock
        clocked_ps = {"core": 0, "aggregator": 0, "vector": 0, "pruning": 0, "top": elapsed_ps}
        for task in graph:
            kind = task.unit.rstrip("0123456789")
            if kind in clocked_ps:
                clocked_ps[kind] += task.end_ps - task.start_ps
        counts = {
            f"clock.{kind}": -(-spent * period.denominator // period.numerator) for kind, spent in clocked_ps.items()
        }
        for kind in clocked_ps:
            units = self.chip_spec.core.count if kind == "core" else 1
            counts[f"leakage.{kind}"] = -(-units * elapsed_ps // 1000)
        return counts

    def _dram_energy(self) -> dict[str, int]:
        """Energy of all channels since the last call, by part; refreshes and background of idle time included."""
        now: dict[str, int] = {}
        for controller in self.controllers if not self.memory_spec.ideal else ():
            stats = controller.stats(self.simulator.now_ps // self.memory_spec.t_ck_ps)
            for part, spent in dram_energy_fj(self.memory_spec.device, stats).items():
                now[part] = now.get(part, 0) + spent
        delta = {part: spent - self._dram_spent.get(part, 0) for part, spent in now.items()}
        self._dram_spent = now
        return delta

    def state(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        """Between two iterations, all that the next ones depend on: arrays by name, and plain data.

        The chip is drained then, so there are no tasks and no requests; what is left are the engines' buffers (DRAM
        rows and refresh, network, memories, counts), the mapper's memory, and the totals that deltas are taken from.
        """
        units = {
            name: {"ended": unit.ended, "totals_ps": totals}
            for (name, unit), totals in zip(self.chip.units.items(), self.accounts().values(), strict=True)
        }
        data = {
            "now_ps": self.simulator.now_ps,
            "units": units,
            "tags": self._fabric.tags,
            "chip_counts": self.chip.counts,
            "places": self.map.state(),
            "chooser": self.mapper.chooser.state(),
            "counted": self._counted,
            "dram_spent": self._dram_spent,
            "traffic": self._traffic,
        }
        return dict(self._fabric.buffers()), data

    def restore(self, arrays: Under, data: Mapping[str, Any]) -> None:
        """In a new system whose `start_ps` is that `now_ps`, take back what `state` gave.

        Raises LookupError, ValueError or TypeError if that is of another system.
        """
        if self.simulator.now_ps != data["now_ps"]:
            raise ValueError(f"begins at {self.simulator.now_ps} ps, not at {data['now_ps']} ps")
        self._fabric.restore(arrays, data["tags"])
        for name, unit in self.chip.units.items():
            saved = data["units"][name]
            unit.ended = tuple(saved["ended"]) if saved["ended"] else None
            unit.account.take_up(0, saved["totals_ps"])
            if unit.account.until_ps != self.simulator.now_ps:
                raise ValueError(f"the account of {name} does not end now")
        self.chip.counts = dict(data["chip_counts"])
        self.map.restore(data["places"])
        self.mapper.chooser.restore(data["chooser"])
        self._counted, self._dram_spent = dict(data["counted"]), dict(data["dram_spent"])
        read, written, requests = data["traffic"]
        self._traffic = (read, written, requests)

    @property
    def _fabric(self) -> Fabric:
        fabric = self.memory.fabric
        if not isinstance(fabric, Fabric):
            raise TypeError("only a fused fabric can be put away")
        return fabric

    def accounts(self) -> dict[str, dict[str, int]]:
        """Time of each unit, in ps: busy, stalls by reason, idle; each sums to the simulated time."""
        totals: dict[str, dict[str, int]] = {}
        for name, unit in self.chip.units.items():
            left = self.simulator.now_ps - unit.account.until_ps
            if left:
                unit.account.charge(self.simulator.now_ps, {"idle": left})
            totals[name] = unit.account.totals_ps()
        return totals


def draw(timeline: Timeline, graph: Iterable[Task]) -> None:
    """Put the tasks of a graph that ran onto a timeline, a track for each unit."""
    for task in graph:
        if task.end_ps > task.start_ps:
            timeline.span(f"chip.{task.unit}", task.label, task.start_ps, task.end_ps, {"kind": str(task.kind)})
