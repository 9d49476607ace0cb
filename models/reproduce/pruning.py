"""What pruning costs over a whole training: computation by schedule, weight-memory accesses by pruning unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from ..chip import ChipSpec
from .effects import CHIP, ENERGIES, POINTS, PRUNING_UNIT, named
from .elements import element_rows, energy_form, energy_of
from .points import Point, Results
from .schema import PruningStudy, PublishedValue
from .training_variants import SAMPLED, TrainingVariants
from .variants import by_influence

__all__ = ["REMOVED", "SAVED", "Pruning"]

EMPTY = "Empty as well: nobody reads for pruning (both units share), or accesses are not counted (`ideal_sram`)."
COARSE = ("coarse_macs", "coarse_adds", "coarse_compares")
COMPUTATION = "pruning computation saved"
SAVED = f"{COMPUTATION}, total"
REMOVED = "weight-memory accesses for pruning removed"
BY_TIME = ("clock.", "leakage.")
"""Actions that are counted by elapsed time, not by what is done."""

Summary = Mapping[str, Any]


@dataclass
class Pruning:
    """A short training, simulated as a whole, on a chip with a shared pruning unit and on one with a separate one; and
    what pruning computes over a longer one, which takes no chip."""

    study: PruningStudy
    seed: int
    published: tuple[PublishedValue, ...] = ()

    def points(self) -> Iterator[Point]:
        """The trainings, and a piece of one on other chips and by other schedules."""
        yield Point.of(self.study.training)
        yield Point.of(self.study.varied)
        yield Point.of(self.study.full)
        yield from self._variants.points()

    @property
    def _apart(self) -> dict[str, str]:
        """Assumptions that are in no interval."""
        return self.study.record.apart(*self.study.record_of, schedule=self.study.schedule_of)

    @property
    def _chips(self) -> tuple[ChipSpec, ChipSpec]:
        training = self.study.training
        shared, separate = (
            next(chip for chip in (training.chip, *training.baselines) if chip.pruning_unit.shared is which)
            for which in (True, False)
        )
        return shared, separate

    @cached_property
    def _variants(self) -> TrainingVariants:
        study = self.study
        return TrainingVariants(study.varied, study.record, self._chips, study.record_of, study.schedule_of)

    def evaluate(self, results: Results) -> dict[str, Any]:
        """Plain data."""
        result = results[Point.of(self.study.training)]
        training, long = result["training"], results[Point.of(self.study.varied)]["training"]
        shared, separate = _units(result)
        full = results[Point.of(self.study.full)]
        return {
            "training": _extent(long),
            "operations": _operations(long["pruning_operations"], long["pruning_operations_cfp"]),
            "full": {
                "training": _extent(full["training"]),
                "operations": _operations(long["pruning_operations"], full["training"]["pruning_operations"]),
                "shared": _unit(_units(full)[0]),
                "accesses_removed_percent": _removed(*_units(full)),
            },
            "simulated": {**_extent(training), "events_simulated": shared["pruning_unit"]["events"]},
            "shared": _unit(shared),
            "separate": _unit(separate),
            "accesses_removed_percent": _removed(shared, separate),
            "energy_saved": self._saved_in_parts(shared, separate),
            "one_port": self._one_port(results),
            "sensitivities": [*self._of_operations(results), *self._of_chips(results)],
        }

    def _saved_in_parts(self, shared: Summary, separate: Summary) -> dict[str, Any]:
        """What sharing saves of the chip's energy: by what is done (accesses, transfers, computation), and by clocks
        and leakage, which follow elapsed time."""
        chips = self._chips
        whole = energy_of(chips[1], energy_form(chips[1], separate["counts"]))
        parts = {
            name: float(100 * _more(chips, (shared, separate), timed=timed) / whole)
            for name, timed in (("done", False), ("by_time", True))
        }
        return {**parts, "time_percent": 100 * (separate["time_ps"] - shared["time_ps"]) / separate["time_ps"]}

    def _one_port(self, results: Results) -> dict[str, Any] | None:
        """Accesses and waits where a weight memory has one port for everybody, if the record has that."""
        found = self._variants.at(results, "core.weight_memory.ports", 1)
        if found is None:
            return None
        return {name: _unit(chip) for name, chip in zip(("shared", "separate"), found, strict=True)}

    def _of_operations(self, results: Results) -> list[dict[str, Any]]:
        """Computation saved, coarse, fine and in total, against all pairs in the same events."""

        def counted(training: Summary) -> dict[str, dict[str, float]]:
            return _operations(training["pruning_operations"], training["pruning_operations_cfp"])

        nominal = counted(self._variants.nominal_training(results))
        tried = [
            (name, value, None if one is None else counted(one))
            for name, value, one in self._variants.trainings(results)
        ]
        unmoved = named(*((what, "operations") for what in (CHIP, PRUNING_UNIT, POINTS, ENERGIES)))
        return [
            by_influence(
                [(name, value, None if one is None else one[part]["fewer_percent"]) for name, value, one in tried],
                f"{COMPUTATION}, {part}",
                "%",
                nominal[part]["fewer_percent"],
                SAMPLED,
                without_effect=unmoved,
                apart=self._apart,
            )
            for part in ("coarse", "fine", "total")
        ]

    def _of_chips(self, results: Results) -> list[dict[str, Any]]:
        """Accesses of the weight memories removed, and what sharing saves of the chip's energy by what is done."""
        found, chips = self._variants, self._chips
        nominal = found.nominal(results)

        def saved(of: tuple[ChipSpec, ChipSpec], those: list[Summary]) -> float:
            whole = energy_of(of[1], energy_form(of[1], those[1]["counts"]))
            return float(100 * _more(of, (those[0], those[1]), timed=False) / whole)

        rows: list[tuple[str, Any, float | None]] = []
        for key, those in found.each(results):
            of = found.variant(0, key), found.variant(1, key)
            rows.append((*key, None if those is None else saved(of, those)))
        more = {**_done(chips[1], nominal[1])}
        for element, part in _done(chips[0], nominal[0]).items():
            more[element] = more.get(element, Fraction(0)) - part
        rows += element_rows(chips[1], more, energy_form(chips[1], nominal[1]["counts"]), 100)
        accesses: Callable[..., float | None] = _removed
        as_it_is, of_accesses = accesses(*nominal), []
        if as_it_is is not None:  # nobody reads for pruning: no number to vary
            of_accesses.append(
                by_influence(
                    found.rows(results, accesses),
                    REMOVED,
                    "%",
                    as_it_is,
                    f"{SAMPLED} {EMPTY}",
                    without_effect=named((ENERGIES, "accesses"), (POINTS, "elsewhere")),
                    apart=self._apart,
                )
            )
        energy = by_influence(
            rows,
            "energy of the chip saved by sharing",
            "%",
            saved(chips, nominal),
            f"{SAMPLED} Accesses, transfers and computation; clocks and leakage, which follow elapsed time, are left "
            "out: what they differ by is not resolved.",
            without_effect=named((POINTS, "elsewhere")),
            apart=self._apart,
        )
        return [*of_accesses, energy]


def _extent(training: Summary) -> dict[str, Any]:
    """How long a training is, how much of it is simulated, and what comes of it."""
    return {
        "iterations": training["iterations"],
        "iterations_simulated": training["simulated_iterations"],
        "events": training["pruning_events"],
        "accuracy": training["accuracy"],
        "zero_weights": training["zero_weights"],
    }


def _done(chip: ChipSpec, summary: Summary, *, timed: bool = False) -> dict[str, Fraction]:
    """Energy of what is done, without what is counted by elapsed time (or that alone), as a form."""
    counts = {action: n for action, n in summary["counts"].items() if action.startswith(BY_TIME) is timed}
    return energy_form(chip, counts)


def _more(chips: tuple[ChipSpec, ChipSpec], summaries: tuple[Summary, Summary], *, timed: bool) -> Fraction:
    """What the second chip spends more than the first, in fJ."""
    shared, separate = (
        energy_of(chip, _done(chip, one, timed=timed)) for chip, one in zip(chips, summaries, strict=True)
    )
    return separate - shared


def _operations(mine: Mapping[str, int], full: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Operations by kind: done, those of the full algorithm, how many fewer, and what is left."""
    operations = {}
    for name, parts in (("coarse", COARSE), ("fine", ("fine_compares",)), ("total", ("total",))):
        done, of = sum(mine[part] for part in parts), sum(full[part] for part in parts)
        operations[name] = {
            "done": done,
            "all_pairs": of,
            "fewer_percent": 100 * (of - done) / of,
            "left_percent": 100 * done / of,
        }
    return operations


def _units(result: Summary) -> tuple[Summary, Summary]:
    """The chips with a shared and with a separate pruning unit."""
    shared, separate = (
        next(chip for chip in result["chips"] if chip["pruning_unit"]["shared"] is which) for which in (True, False)
    )
    return shared, separate


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
