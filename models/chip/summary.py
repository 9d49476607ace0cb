"""What a simulated training says: totals by stage, mechanism, action, unit and reason, and the ratios made of them.

All totals are sums over the simulated iterations, each weighted by the number of training iterations it stands for, so
that they speak of the whole training. Every number is an integer or a quotient of two of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..core import CoreCounts
from ..energy import energy_fj
from ..tensors import Stage
from .energy import table_fj
from .sampling import LEVEL, Sample
from .system import IterationResult, System

COUNT_NAMES = tuple(CoreCounts.__dataclass_fields__)
SKIPS = ("skipped_output", "skipped_coarse", "skipped_input", "skipped_other", "skipped_both")

ENERGY_GROUPS = {
    "core.mac": "MAC",
    "core.operand_fetch": "operand fetch",
    "core.bitmap_read": "skip control",
    "core.scan": "skip control",
    "core.jump": "skip control",
    "core.queue_move": "skip control",
    "core.buffer_write": "operand buffer",
    "core.buffer_read": "operand buffer",
    "sram": "SRAM",
    "noc": "NoC",
    "dma": "DMA",
    "aggregator": "vector, aggregation",
    "vector": "vector, aggregation",
    "pruning": "pruning",
    "clock": "clock",
    "leakage": "leakage",
}
"""Group of an action in tables and plots: of the action itself, or of what stands before its first dot."""


def ratio(numerator: int, denominator: int) -> float:
    """The correctly rounded quotient; 0 where nothing divides it."""
    return float(Fraction(numerator, denominator)) if denominator else 0.0


def group_of(action: str) -> str:
    """The group of an energy action."""
    return ENERGY_GROUPS.get(action) or ENERGY_GROUPS[action.partition(".")[0]]


class Totals:
    """Weighted sums over the simulated iterations of one chip."""

    def __init__(self, results: Sequence[IterationResult], weights: Mapping[int, int]) -> None:
        self.iterations = sum(weights[result.index] for result in results)
        self.time_ps = 0
        self.tasks = 0
        self.reasons_ps: dict[str, int] = {}
        self.actions: dict[str, int] = {}
        self.by_stage: dict[str, dict[str, int]] = {}
        self.by_layer: dict[str, dict[str, int]] = {}
        self.by_task: dict[str, dict[str, int]] = {}
        self.mac_slots = self.core_cycles = self.longest_core_cycles = self.switch_cycles = 0
        self.orders: dict[str, dict[str, int]] = {}
        self.dram_energy_fj: dict[str, int] = {}
        self.dram_read_bytes = self.dram_write_bytes = self.compulsory_bytes = self.requests = 0
        for result in results:
            self._add(result, weights[result.index])

    def _add(self, result: IterationResult, weight: int) -> None:
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
            for order, cost in record.orders.items():
                row = self.orders.setdefault(order, {})
                for name, spent in (
                    ("core_cycles", cost.core_cycles),
                    ("longest_core_cycles", cost.longest_core_cycles),
                    ("mac_slots", cost.mac_slots),
                ):
                    row[name] = row.get(name, 0) + weight * spent

    def total(self, name: str) -> int:
        """One of the core's counts over all stages."""
        return sum(row[name] for row in self.by_stage.values())


def chip_summary(system: System, sample: Sample) -> dict[str, Any]:
    """Everything about one chip; `sample` says how many training iterations each simulated one stands for."""
    spec = system.chip_spec
    totals = Totals(system.results, sample.weights)
    table = table_fj(spec)
    energy = energy_fj(table, dict(sorted(totals.actions.items())))
    chip_fj = sum(energy.values())
    dram_fj = sum(totals.dram_energy_fj.values())
    groups: dict[str, int] = {}
    for action, spent in energy.items():
        groups[group_of(action)] = groups.get(group_of(action), 0) + spent
    dense, macs = totals.total("dense_macs"), totals.total("macs")
    cycles = Fraction(totals.time_ps) / spec.clock
    peak = spec.core.count * spec.core.lanes * spec.core.macs_per_lane
    regrets = [choice for choice in system.mapper.chooser.choices if choice.regret_cycles is not None]
    return {
        "name": spec.name,
        "description": spec.description,
        "time_ps": totals.time_ps,
        "interval": _interval(system.results, sample, table),
        "cycles": -(-cycles.numerator // cycles.denominator),
        "tasks": totals.tasks,
        "macs": {
            "dense": dense,
            "executed": macs,
            **{name: totals.total(name) for name in SKIPS},
            "by_stage": totals.by_stage,
            "by_layer": totals.by_layer,
        },
        "core": {
            "peak_macs_per_cycle": peak,
            "utilisation": ratio(macs, peak * cycles.numerator // cycles.denominator),
            "utilisation_while_computing": ratio(macs, totals.mac_slots),
            "balance": ratio(totals.core_cycles, spec.core.count * totals.longest_core_cycles),
            "order": spec.core.balance,
            "orders": {
                order: {
                    "cycles": row["longest_core_cycles"],
                    "utilisation_while_computing": ratio(macs, row["mac_slots"]),
                    "balance": ratio(row["core_cycles"], spec.core.count * row["longest_core_cycles"]),
                }
                for order, row in sorted(totals.orders.items())
            },
            "choices": _choices(system),
            "switching": _switching(system),
            "switch_cycles": totals.switch_cycles,
            "regret_cycles": sum(choice.regret_cycles or 0 for choice in regrets),
            "choices_settled": len(regrets),
        },
        "energy_fj": {
            "chip": chip_fj,
            "dram": dram_fj,
            "total": chip_fj + dram_fj,
            "by_group": groups,
            "by_action": energy,
            "of_one": {action: table[action] for action in energy},
            "by_task": {
                kind: sum(energy_fj(table, counts).values()) for kind, counts in sorted(totals.by_task.items())
            },
            "dram_by_part": totals.dram_energy_fj,
        },
        "counts": dict(sorted(totals.actions.items())),
        "effective_tops": ratio(2 * dense, totals.time_ps),
        # 2 operations a MAC; 1e15 fJ a joule over 1e12 operations a tera-operation.
        "effective_tops_per_watt": ratio(2 * dense * 1000, chip_fj),
        "effective_tops_per_watt_with_dram": ratio(2 * dense * 1000, chip_fj + dram_fj),
        "critical_path_ps": dict(sorted(totals.reasons_ps.items())),
        "units_ps": system.accounts(),
        "traffic": {
            "dram_read_bytes": totals.dram_read_bytes,
            "dram_write_bytes": totals.dram_write_bytes,
            "dram_compulsory_bytes": totals.compulsory_bytes,
            "dram_requests": totals.requests,
            "noc_flit_hops": totals.actions.get("noc.flit_hop", 0),
            "sram_words": sum(count for action, count in totals.actions.items() if action.startswith("sram.")),
        },
        "pruning_unit": _pruning(system),
    }


def _interval(results: Sequence[IterationResult], sample: Sample, table: Mapping[str, int]) -> dict[str, Any]:
    """How far the totals can be off because not every iteration was simulated: half of the 95 % interval, each side.

    None where the sample does not say.
    """
    values: dict[str, dict[int, int]] = {}
    for result in results:
        one = Totals([result], {result.index: 1})
        chip_fj = sum(energy_fj(table, one.actions).values())
        for name, value in (
            ("time_ps", one.time_ps),
            ("executed_macs", one.total("macs")),
            ("energy_fj_chip", chip_fj),
            ("energy_fj_total", chip_fj + sum(one.dram_energy_fj.values())),
            ("dram_bytes", one.dram_read_bytes + one.dram_write_bytes),
        ):
            values.setdefault(name, {})[result.index] = value
    return {"level": LEVEL, "half_width": {name: sample.half_width(column) for name, column in values.items()}}


def _choices(system: System) -> dict[str, dict[str, int]]:
    """How often each way of skipping was chosen, per stage."""
    counted: dict[str, dict[str, int]] = {str(stage): {} for stage in Stage}
    for choice in system.mapper.chooser.choices:
        row = counted[str(choice.stage)]
        row[str(choice.policy)] = row.get(str(choice.policy), 0) + 1
    return counted


def _switching(system: System) -> dict[str, dict[str, int]]:
    """Per stage, of the choices that were made: changes and their cycles; of those settled in hindsight (all ways of
    skipping evaluated): the cycles spent, the regret, and how often the best was chosen."""
    rows: dict[str, dict[str, int]] = {}
    for stage in Stage:
        choices = [choice for choice in system.mapper.chooser.choices if choice.stage is stage]
        settled = [choice for choice in choices if choice.regret_cycles is not None]
        rows[str(stage)] = {
            "choices": len(choices),
            "switches": sum(choice.switched for choice in choices),
            "switch_cycles": sum(choice.switch_cycles for choice in choices),
            "settled": len(settled),
            "settled_cycles": sum(choice.cycles or 0 for choice in settled),
            "regret_cycles": sum(choice.regret_cycles or 0 for choice in settled),
            "best_chosen": sum(choice.policy == choice.best for choice in settled),
        }
    return rows


def _pruning(system: System) -> dict[str, Any]:
    """What the pruning unit did in the simulated iterations (not extrapolated: events are rare)."""
    records = [record for result in system.results for record in result.pruning]
    passing = sum(record.plan.passing_weights for record in records)
    fetched = sum(record.plan.fetched_weights for record in records)
    reads, waiting = system.chip.weight_memory_use()
    delays = [record.task.end_ps - max(task.end_ps for task in record.ready) for record in records]
    return {
        "shared": system.chip_spec.pruning_unit.shared,
        "events": len(records),
        "passing_weights": passing,
        "fetched_weights": fetched,
        "coverage": ratio(passing, passing + fetched),
        "pairs": sum(record.plan.pairs for record in records),
        "pairs_seen": sum(record.plan.pairs_seen for record in records),
        "weight_memory_reads": {client.name.lower(): count for client, count in reads.items()},
        "weight_port_waiting_clocks": {client.name.lower(): count for client, count in waiting.items()},
        "delay_ps_total": sum(delays),
        "delay_ps_max": max(delays, default=0),
    }


def compare(chips: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The first chip against each of the others: how many times faster, and how many times less energy."""
    first = chips[0]
    return [
        {
            "against": other["name"],
            "speedup": ratio(other["time_ps"], first["time_ps"]),
            "energy_gain": ratio(other["energy_fj"]["chip"], first["energy_fj"]["chip"]),
            "energy_gain_with_dram": ratio(other["energy_fj"]["total"], first["energy_fj"]["total"]),
        }
        for other in chips[1:]
    ]


def assumptions(system: System) -> list[dict[str, Any]]:
    """Every parameter of the chip and its energy table with its value, and whether it is published or assumed."""
    spec = system.chip_spec
    dumped = spec.model_dump(mode="json")
    rows: list[dict[str, Any]] = []
    for path, origin in sorted(spec.provenance.items()):
        kind, _, reason = origin.partition(": ")
        rows.append(
            {
                "parameter": path,
                "value": _short(_look_up(dumped, path)),
                "unit": "",
                "assumed": kind == "assumed",
                "reason": reason,
            }
        )
    memories = spec.energy.sram
    rows.append(
        {
            "parameter": "energy.sram",
            "value": f"{memories.cell} cells, {memories.low_percent} to {memories.high_percent} % plausible",
            "unit": "",
            "assumed": bool(memories.assumed),
            "reason": memories.assumed or memories.source,
        }
    )
    for element, entry in sorted(spec.energy.elements.items()):
        rows.append(
            {
                "parameter": f"energy.{element}",
                "value": entry.energy,
                "unit": f"fJ at {entry.node}, {entry.voltage} mV",
                "assumed": bool(entry.assumed),
                "reason": entry.assumed or entry.source,
            }
        )
    return rows


def _look_up(node: Any, path: str) -> Any:
    for key in path.split("."):
        node = node[key]
    return node


def _short(value: Any) -> str:
    """A value in one cell; a group of parameters is only named."""
    if isinstance(value, dict):
        return f"{len(value)} parameters"
    return str(value)
