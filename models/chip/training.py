"""The scenario kind `training`: a workload with a pruning schedule, on a chip and on what it is compared with."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, model_validator

from cosim.arrays import Under
from cosim.scenario import Checkpoint, RunContext, ScenarioSpec, Spec, State, misfits
from cosim.trace import Timeline

from ..dram.spec import MemorySpec
from ..pruning import PruningSpec, all_pairs_operations
from ..workload import Iteration, Workload, WorkloadSpec, build_workload
from .feasibility import chip_misfits, plan
from .sampling import SimulateSpec, choose
from .saved import OPERATIONS, check_saved
from .spec import ChipSpec
from .summary import assumptions, chip_summary, compare, ratio
from .system import System
from .tally import Tally


class TimelineSpec(Spec):
    """What of the run is kept as a timeline."""

    iterations: int = Field(
        default=2, ge=0, description="simulated iterations of the chip whose tasks are kept, the last ones"
    )


class TrainingScenario(ScenarioSpec):
    """A training run on simulated chips. Every chip sees the same tensors."""

    chip: ChipSpec = Field(description="the chip")
    memory: MemorySpec = Field(description="DRAM, one of its own for each chip")
    workload: WorkloadSpec = Field(description="network, data and training")
    pruning: PruningSpec = Field(description="pruning schedule")
    baselines: tuple[ChipSpec, ...] = Field(default=(), description="chips to compare with")
    simulate: SimulateSpec = Field(default=SimulateSpec(), description="which iterations are simulated")
    hindsight: bool = Field(
        default=False, description="also evaluate the ways of skipping not chosen, to report the regret"
    )
    timeline: TimelineSpec = Field(default=TimelineSpec(), description="what is kept as a timeline")

    @model_validator(mode="after")
    def _feasible(self) -> TrainingScenario:
        planned = plan(self.workload, self.pruning, self.seed)
        if not isinstance(planned, tuple):
            raise misfits([planned])
        found = list(chip_misfits(self.chip, *planned, "chip"))
        for at, chip in enumerate(self.baselines):
            found += chip_misfits(chip, *planned, "baselines", at)
        if found:
            raise misfits(found)
        return self


def run(spec: TrainingScenario, context: RunContext) -> dict[str, Any]:
    """Train, simulate the chosen iterations on every chip, and sum up."""
    workload = build_workload(spec.workload, spec.pruning, seed=spec.seed)
    total = workload.total_iterations
    sample = choose(total, spec.simulate, workload.prunes_in, seed=spec.seed)
    weights = sample.weights
    # The iteration before a simulated one is looked at, too: its counters are what skipping is chosen by.
    looked_at = {index - 1 for index in weights} | weights.keys()
    chips = (spec.chip, *spec.baselines)
    saved = context.saved
    with saved.restoring() if saved is not None else contextlib.nullcontext():
        if saved is not None:
            check_saved(saved.data)
        begins = [int(saved.data["systems"][at]["now_ps"]) if saved is not None else 0 for at in range(len(chips))]
        systems = [
            System(
                chip, spec.memory, spec.seed, context.shuffle_seed, spec.hindsight, start_ps=begin, keep_results=False
            )
            for chip, begin in zip(chips, begins, strict=True)
        ]
    training = _Training(workload, systems)
    if saved is not None:
        with saved.restoring():
            training.restore(saved, [index for index in weights if index < saved.done])
    curve, tallies, timeline = training.curve, training.tallies, training.timeline
    kept = set(list(weights)[-spec.timeline.iterations :]) if spec.timeline.iterations else set()
    for iteration in workload.iterations(detailed=looked_at):
        curve.add(iteration)
        if iteration.index in looked_at:
            for system, tally in zip(systems, tallies, strict=True):
                if iteration.index not in weights:
                    system.mapper.observe(iteration)
                    continue
                system.timeline = timeline if system is systems[0] and iteration.index in kept else None
                tally.add(system.simulate(iteration), weights[iteration.index])
        context.progress("training and simulating", iteration.index + 1, total)
        context.checkpoint(iteration.index + 1, total, training.state)

    summaries = [chip_summary(system, tally, sample) for system, tally in zip(systems, tallies, strict=True)]
    context.write_timeline(timeline)
    trained = curve.summary()
    simulated = [_series(chip["name"], tally, weights) for chip, tally in zip(summaries, tallies, strict=True)]
    context.write_statistics({"training": curve.rows, "simulated": simulated})
    return {
        "training": {**trained, "iterations": total, "simulated_iterations": len(weights)},
        "chips": summaries,
        "comparison": compare(summaries),
        "assumptions": assumptions(systems[0]),
    }


class _Training:
    """A training on its chips, and all that is kept of it: what a checkpoint holds."""

    def __init__(self, workload: Workload, systems: Sequence[System]) -> None:
        self.workload = workload
        self.systems = systems
        self.tallies = [Tally(system.chip_spec) for system in systems]
        self.curve = Curve(workload)
        self.timeline = Timeline()

    def state(self) -> State:
        """Between two iterations."""
        arrays = {f"workload/{name}": array for name, array in self.workload.state().items()}
        systems = []
        for at, system in enumerate(self.systems):
            buffers, data = system.state()
            arrays |= {f"chip{at}/{name}": array for name, array in buffers.items()}
            systems.append(data)
        data = {
            "systems": systems,
            "tallies": [tally.state() for tally in self.tallies],
            "curve": self.curve.state(),
            "timeline": self.timeline.state(),
        }
        return State(arrays, data)

    def restore(self, saved: Checkpoint, simulated: Sequence[int]) -> None:
        """Before the first iteration; `simulated` are those that were, up to here. Raises ValueError if `saved` is of
        another training."""
        if saved.total != self.workload.total_iterations or len(saved.data["tallies"]) != len(self.tallies):
            raise ValueError("of another training")
        for tally in saved.data["tallies"]:
            if [row["iteration"] for row in tally["rows"]] != list(simulated):
                raise ValueError("other iterations were simulated")
        self.workload.restore(saved.done, Under(saved.arrays, "workload"))
        for at, system in enumerate(self.systems):
            system.restore(Under(saved.arrays, f"chip{at}"), saved.data["systems"][at])
            self.tallies[at].restore(saved.data["tallies"][at])
        self.curve.restore(saved.data["curve"])
        self.timeline.restore(saved.data["timeline"])


class Curve:
    """What the training itself says: loss, accuracy and sparsity over time, pruning operations.

    Accuracy is measured after the first iteration of every epoch but the first, and by `summary`, at the end.
    """

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self.rows: list[dict[str, Any]] = []
        self._pruning = dict.fromkeys(OPERATIONS, 0)
        self._full = dict(self._pruning)
        self._events = 0

    def add(self, iteration: Iteration) -> None:
        """After each iteration."""
        previous = self.rows[-1] if self.rows else None
        self._events += len(iteration.prune_events)
        for event in iteration.prune_events:
            for name in self._pruning:
                self._pruning[name] += getattr(event, name)
            for name, count in all_pairs_operations(event).items():
                self._full[name] += count
        self.rows.append(
            {
                "iteration": iteration.index,
                "epoch": iteration.epoch,
                "loss": iteration.loss,
                "zero_weights": iteration.zero_weight_share,
                "coarse_share_of_zeros": iteration.coarse_zero_share,
                "pruning_events": len(iteration.prune_events),
            }
        )
        if previous is not None and iteration.epoch != previous["epoch"]:
            self.rows[-1]["accuracy"] = self._workload.evaluate()

    def state(self) -> dict[str, Any]:
        """All of it, as plain data."""
        return {"rows": self.rows, "pruning": self._pruning, "full": self._full, "events": self._events}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.rows, self._events = list(state["rows"]), int(state["events"])
        self._pruning, self._full = dict(state["pruning"]), dict(state["full"])

    def summary(self) -> dict[str, Any]:
        """At the end of the training; completes the last of `rows`."""
        accuracy = self._workload.evaluate()
        if self.rows:
            self.rows[-1]["accuracy"] = accuracy
        last = self.rows[-1] if self.rows else {"loss": None, "zero_weights": 0.0, "coarse_share_of_zeros": 0.0}
        return {
            "accuracy": accuracy,
            **{name: last[name] for name in ("loss", "zero_weights", "coarse_share_of_zeros")},
            "pruning_events": self._events,
            "pruning_operations": {**self._pruning, "total": sum(self._pruning.values())},
            "pruning_operations_cfp": {**self._full, "total": sum(self._full.values())},
        }


def _series(name: str, tally: Tally, weights: Mapping[int, int]) -> dict[str, Any]:
    """One row for each simulated iteration of a chip."""
    rows = [
        {
            **{name: row[name] for name in ("iteration", "time_ps", "dense_macs", "executed_macs")},
            "stands_for": weights[row["iteration"]],
            "effective_tops": ratio(2 * row["dense_macs"], row["time_ps"]),
        }
        for row in tally.rows
    ]
    return {"chip": name, "iterations": rows}
