"""What pruning costs over a whole training: computation by schedule, weight-memory accesses by pruning unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .points import Point, Results
from .schema import PruningStudy

__all__ = ["Pruning"]

COARSE = ("coarse_macs", "coarse_adds", "coarse_compares")


@dataclass
class Pruning:
    """A training on a chip with a shared pruning unit and on one with a separate one."""

    study: PruningStudy
    seed: int

    def points(self) -> Iterator[Point]:
        """The training."""
        yield Point.of(self.study.training)

    def evaluate(self, results: Results) -> dict[str, Any]:
        """Plain data."""
        result = results[Point.of(self.study.training)]
        training = result["training"]
        mine, full = training["pruning_operations"], training["pruning_operations_cfp"]
        operations = {}
        for name, parts in (("coarse", COARSE), ("fine", ("fine_compares",)), ("total", ("total",))):
            done, of = sum(mine[part] for part in parts), sum(full[part] for part in parts)
            operations[name] = {"done": done, "all_pairs": of, "fewer_percent": 100 * (of - done) / of}
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
        }


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
