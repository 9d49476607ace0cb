"""What is kept of the simulated iterations of one chip: sums and a row of numbers each, not the iterations themselves.

Everything is plain data, so that a long training needs little memory, and a checkpoint of it is small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core import CoreCounts
from ..energy import energy_fj
from ..tensors import Stage
from .energy import table_fj
from .spec import ChipSpec
from .system import IterationResult

COUNT_NAMES = tuple(CoreCounts.__dataclass_fields__)
SWITCHING = ("choices", "switches", "switch_cycles", "settled", "settled_cycles", "regret_cycles", "best_chosen")
ROW = ("iteration", "time_ps", "dense_macs", "executed_macs", "energy_fj_chip", "energy_fj_total", "dram_bytes")
PRUNING = ("events", "passing_weights", "fetched_weights", "pairs", "pairs_seen", "delay_ps_total", "delay_ps_max")


class Totals:
    """Weighted sums over the simulated iterations of one chip."""

    def __init__(self) -> None:
        self.iterations = 0
        self.time_ps = 0
        self.tasks = 0
        self.reasons_ps: dict[str, int] = {}
        self.actions: dict[str, int] = {}
        self.by_stage: dict[str, dict[str, int]] = {}
        self.by_layer: dict[str, dict[str, int]] = {}
        self.by_task: dict[str, dict[str, int]] = {}
        self.mac_slots = self.core_cycles = self.longest_core_cycles = self.switch_cycles = self.bank_waits = 0
        self.orders: dict[str, dict[str, int]] = {}
        self.dram_energy_fj: dict[str, int] = {}
        self.dram_read_bytes = self.dram_write_bytes = self.compulsory_bytes = self.requests = 0

    def add(self, result: IterationResult, weight: int) -> None:
        """One more, which stands for `weight` iterations."""
        self.iterations += weight
        self.time_ps += weight * result.duration_ps
        self.tasks += weight * result.tasks
        self.requests += weight * result.requests
        self.dram_read_bytes += weight * result.dram_bytes[0]
        self.dram_write_bytes += weight * result.dram_bytes[1]
        self.compulsory_bytes += weight * result.compulsory_bytes
        for reason, spent in result.job.time_by_reason_ps.items():
            self.reasons_ps[reason] = self.reasons_ps.get(reason, 0) + weight * spent
        for part, spent in result.dram_energy_fj.items():
            self.dram_energy_fj[part] = self.dram_energy_fj.get(part, 0) + weight * spent
        for action, count in result.action_counts.items():
            self.actions[action] = self.actions.get(action, 0) + weight * count
        for kind, counts in result.counts_by_task.items():
            of_kind = self.by_task.setdefault(kind, {})
            for action, count in counts.items():
                of_kind[action] = of_kind.get(action, 0) + weight * count
        for record in result.operations:
            for table, key in ((self.by_stage, str(record.stage)), (self.by_layer, f"{record.layer}.{record.stage}")):
                row = table.setdefault(key, dict.fromkeys((*COUNT_NAMES, "cycles"), 0))
                for name in COUNT_NAMES:
                    row[name] += weight * getattr(record.counts, name)
                row["cycles"] += weight * record.longest_core_cycles
            self.mac_slots += weight * record.mac_slots
            self.core_cycles += weight * sum(record.core_cycles.values())
            self.longest_core_cycles += weight * record.longest_core_cycles
            self.switch_cycles += weight * record.switch_cycles
            self.bank_waits += weight * record.bank_waits
            for order, cost in record.orders.items():
                row = self.orders.setdefault(order, {})
                for name, spent in (
                    ("core_cycles", cost.core_cycles),
                    ("longest_core_cycles", cost.longest_core_cycles),
                    ("mac_slots", cost.mac_slots),
                ):
                    row[name] = row.get(name, 0) + weight * spent

    def state(self) -> dict[str, Any]:
        """All sums, as plain data."""
        return dict(vars(self))

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        for name in vars(self):
            setattr(self, name, state[name])

    def total(self, name: str) -> int:
        """One of the core's counts over all stages."""
        return sum(row[name] for row in self.by_stage.values())


class Tally:
    """All that the summary of one chip is made of, as its iterations are simulated.

    `rows`: a row for each simulated iteration; `policies`: by stage, how often each way of skipping was chosen;
    `switching`: by stage, see `chip_summary`; `pruning`: what the pruning unit did. Only `totals` are weighted.
    """

    def __init__(self, spec: ChipSpec) -> None:
        self._energies_fj = table_fj(spec)
        self.totals = Totals()
        self.rows: list[dict[str, int]] = []
        self.policies: dict[str, dict[str, int]] = {str(stage): {} for stage in Stage}
        self.switching = {str(stage): dict.fromkeys(SWITCHING, 0) for stage in Stage}
        self.pruning = dict.fromkeys(PRUNING, 0)

    def add(self, result: IterationResult, weight: int) -> None:
        """One more iteration, which stands for `weight` of them."""
        self.totals.add(result, weight)
        self._add_row(result)
        for choice in result.choices:
            chosen = self.policies[str(choice.stage)]
            chosen[str(choice.policy)] = chosen.get(str(choice.policy), 0) + 1
            row = self.switching[str(choice.stage)]
            row["choices"] += 1
            row["switches"] += choice.switched
            row["switch_cycles"] += choice.switch_cycles
            if choice.regret_cycles is not None:
                row["settled"] += 1
                row["settled_cycles"] += choice.cycles or 0
                row["regret_cycles"] += choice.regret_cycles
                row["best_chosen"] += choice.policy == choice.best
        for record in result.pruning:
            delay_ps = record.task.end_ps - max(task.end_ps for task in record.ready)
            self.pruning["events"] += 1
            for name in ("passing_weights", "fetched_weights", "pairs", "pairs_seen"):
                self.pruning[name] += getattr(record.plan, name)
            self.pruning["delay_ps_total"] += delay_ps
            self.pruning["delay_ps_max"] = max(self.pruning["delay_ps_max"], delay_ps)

    def _add_row(self, result: IterationResult) -> None:
        one = Totals()
        one.add(result, 1)
        chip_fj = sum(energy_fj(self._energies_fj, one.actions).values())
        self.rows.append(
            {
                "iteration": result.index,
                "time_ps": one.time_ps,
                "dense_macs": one.total("dense_macs"),
                "executed_macs": one.total("macs"),
                "energy_fj_chip": chip_fj,
                "energy_fj_total": chip_fj + sum(one.dram_energy_fj.values()),
                "dram_bytes": one.dram_read_bytes + one.dram_write_bytes,
            }
        )

    def state(self) -> dict[str, Any]:
        """All of it, as plain data."""
        return {
            "totals": self.totals.state(),
            "rows": self.rows,
            "policies": self.policies,
            "switching": self.switching,
            "pruning": self.pruning,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.totals.restore(state["totals"])
        self.rows, self.policies = list(state["rows"]), dict(state["policies"])
        self.switching, self.pruning = dict(state["switching"]), dict(state["pruning"])
