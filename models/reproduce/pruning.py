"""What pruning costs over a whole training: computation by schedule, weight-memory accesses by pruning unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from ..chip.sampling import SimulateSpec
from ..pruning import PruningSpec
from ..workload.schema import FunctionalSpec
from .points import Point, Results
from .schema import PruningStudy
from .training_variants import SAMPLED, TrainingVariants
from .variants import by_influence

__all__ = ["Pruning"]

SHORT_EPOCHS = 3
EMPTY = "Empty as well: nobody reads for pruning (both units share), or accesses are not counted (`ideal_sram`)."
COARSE = ("coarse_macs", "coarse_adds", "coarse_compares")


@dataclass
class Pruning:
    """A training on a chip with a shared pruning unit and on one with a separate one."""

    study: PruningStudy
    seed: int

    def points(self) -> Iterator[Point]:
        """The training, on other chips, and by other schedules."""
        yield Point.of(self.study.training)
        yield from self._chips.points()
        yield self._short(self.study.training.pruning)
        for _, _, schedule in self._schedules():
            if schedule is not None:
                yield self._short(schedule)

    @cached_property
    def _chips(self) -> TrainingVariants:
        training = self.study.training
        chips = tuple(
            next(chip for chip in (training.chip, *training.baselines) if chip.pruning_unit.shared is which)
            for which in (True, False)
        )
        return TrainingVariants(training, self.study.record, chips, self.study.record_of)

    def _schedules(self) -> Iterator[tuple[str, Any, PruningSpec | None]]:
        """Every assumption of the schedule at each of its other plausible values; None for what it cannot be."""
        for name, row in self.study.record.schedules[self.study.schedule_of].items():
            for value in row.others:
                yield name, value, _with(self.study.training.pruning, name, value)

    def _short(self, schedule: PruningSpec) -> Point:
        """A training of a few epochs, of which as little as possible is simulated: the count of operations is wanted,
        of which the share that is saved hardly depends on the length."""
        training = self.study.training
        workload = training.workload
        if isinstance(workload, FunctionalSpec):
            workload = workload.model_copy(update={"epochs": min(SHORT_EPOCHS, workload.epochs)})
        few = SimulateSpec(every=1_000_000)
        changes = {"pruning": schedule, "workload": workload, "baselines": (), "simulate": few}
        return Point.of(training.model_copy(update=changes))

    def evaluate(self, results: Results) -> dict[str, Any]:
        """Plain data."""
        result = results[Point.of(self.study.training)]
        training = result["training"]
        operations = _operations(training)
        shared, separate = (
            next(chip for chip in result["chips"] if chip["pruning_unit"]["shared"] is which) for which in (True, False)
        )
        return {
            "accuracy": training["accuracy"],
            "zero_weights": training["zero_weights"],
            "events": training["pruning_events"],
            "operations": operations,
            "shared": _unit(shared),
            "separate": _unit(separate),
            "accesses_removed_percent": _removed(shared, separate),
            "one_port": self._one_port(results),
            "sensitivities": [*self._of_schedule(results), *self._of_chips(results)],
        }

    def _one_port(self, results: Results) -> dict[str, Any] | None:
        """Accesses and waits where a weight memory has one port for everybody, if the record has that."""
        found = self._chips.at(results, "core.weight_memory.ports", 1)
        if found is None:
            return None
        return {name: _unit(chip) for name, chip in zip(("shared", "separate"), found, strict=True)}

    def _of_schedule(self, results: Results) -> list[dict[str, Any]]:
        """Computation saved, coarse and in total, against all pairs in the same events."""
        nominal = _operations(results[self._short(self.study.training.pruning)]["training"])
        tried = [
            (name, value, None if schedule is None else _operations(results[self._short(schedule)]["training"]))
            for name, value, schedule in self._schedules()
        ]
        return [
            by_influence(
                [(name, value, None if one is None else one[part]["fewer_percent"]) for name, value, one in tried],
                f"pruning computation saved, {part}",
                "%",
                nominal[part]["fewer_percent"],
                f"Over a training of {SHORT_EPOCHS} epochs, which is why the number at the nominal values is not the "
                "claim's. Chip and energies make no difference to it.",
            )
            for part in ("coarse", "total")
        ]

    def _of_chips(self, results: Results) -> list[dict[str, Any]]:
        """Accesses of the weight memories removed, and what sharing saves of the chip's energy."""

        def saved(shared: Mapping[str, Any], separate: Mapping[str, Any]) -> float:
            return float(100 * (1 - shared["energy_fj"]["chip"] / separate["energy_fj"]["chip"]))

        numbers: tuple[tuple[Callable[..., float | None], str], ...] = (
            (_removed, "weight-memory accesses for pruning removed"),
            (saved, "energy of the chip saved by sharing"),
        )
        nominal = self._chips.nominal(results)
        return [
            by_influence(self._chips.rows(results, number), what, "%", number(*nominal) or 0.0, f"{SAMPLED} {EMPTY}")
            for number, what in numbers
        ]


def _with(schedule: PruningSpec, name: str, value: Any) -> PruningSpec | None:
    try:
        return type(schedule).model_validate({**schedule.model_dump(mode="json"), name: value})
    except ValidationError:
        return None


def _operations(training: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Operations by kind: done, of all pairs, and how many fewer."""
    mine, full = training["pruning_operations"], training["pruning_operations_cfp"]
    operations = {}
    for name, parts in (("coarse", COARSE), ("fine", ("fine_compares",)), ("total", ("total",))):
        done, of = sum(mine[part] for part in parts), sum(full[part] for part in parts)
        operations[name] = {"done": done, "all_pairs": of, "fewer_percent": 100 * (of - done) / of}
    return operations


def _unit(chip: Mapping[str, Any]) -> dict[str, Any]:
    unit = chip["pruning_unit"]
    by_action = chip["energy_fj"]["by_action"]
    return {
        "chip": chip["name"],
        "weight_memory_accesses": unit["weight_memory_reads"]["pruning"],
        "lanes_waiting_clocks": unit["weight_port_waiting_clocks"]["unit"],
        "pruning_waiting_clocks": unit["weight_port_waiting_clocks"]["pruning"],
        "coverage_percent": 100 * unit["coverage"],
        "mean_delay_ps": unit["delay_ps_total"] / max(1, unit["events"]),
        "events_simulated": unit["events"],
        "weight_memory_read_energy_fj": by_action["sram.weight.read"],
        "weight_memory_write_energy_fj": by_action["sram.weight.write"],
        "pruning_energy_fj": sum(
            spent for action, spent in by_action.items() if "pruning" in action.split(".") and "leakage" not in action
        ),
        "chip_energy_fj": chip["energy_fj"]["chip"],
        "time_ps": chip["time_ps"],
    }


def _removed(shared: Mapping[str, Any], separate: Mapping[str, Any]) -> float | None:
    extra = separate["pruning_unit"]["weight_memory_reads"]["pruning"]
    left = shared["pruning_unit"]["weight_memory_reads"]["pruning"]
    return 100 * (extra - left) / extra if extra else None
