"""What a simulated training says: totals by stage, mechanism, action, unit and reason, and the ratios made of them.

All totals are sums over the simulated iterations, each weighted by the number of training iterations it stands for, so
that they speak of the whole training; `chip_summary` names those that are not. Every number is an integer or a quotient
of two of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..energy import energy_fj
from .energy import table_fj
from .sampling import LEVEL, Sample
from .system import System
from .tally import Tally

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


def chip_summary(system: System, tally: Tally, sample: Sample) -> dict[str, Any]:
    """Everything about one chip; `sample` says how many training iterations each simulated one stands for.

    `switching`, per stage: of the choices that were made, changes and their cycles; of those settled in hindsight (all
    ways of skipping evaluated) the cycles spent, the regret, and how often the best was chosen. These, `choices`,
    `regret_cycles` and `choices_settled` count what was simulated, as `pruning` does: they are not weighted.
    """
    spec = system.chip_spec
    totals = tally.totals
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
    return {
        "name": spec.name,
        "description": spec.description,
        "time_ps": totals.time_ps,
        "interval": _interval(tally, sample),
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
            "choices": tally.policies,
            "switching": tally.switching,
            "switch_cycles": totals.switch_cycles,
            **({"bank_wait_cycles": totals.bank_waits} if spec.core.banks == "conflict" else {}),
            "regret_cycles": sum(row["regret_cycles"] for row in tally.switching.values()),
            "choices_settled": sum(row["settled"] for row in tally.switching.values()),
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
        "pruning_unit": _pruning(system, tally),
    }


def _interval(tally: Tally, sample: Sample) -> dict[str, Any]:
    """How far the totals can be off because not every iteration was simulated: half of the 95 % interval, each side.

    None where the sample does not say.
    """
    columns = {
        name: {row["iteration"]: row[name] for row in tally.rows}
        for name in ("time_ps", "executed_macs", "energy_fj_chip", "energy_fj_total", "dram_bytes")
        if tally.rows
    }
    return {"level": LEVEL, "half_width": {name: sample.half_width(column) for name, column in columns.items()}}


def _pruning(system: System, tally: Tally) -> dict[str, Any]:
    """What the pruning unit did in the simulated iterations (not extrapolated: events are rare)."""
    passing, fetched = tally.pruning["passing_weights"], tally.pruning["fetched_weights"]
    reads, waiting = system.chip.weight_memory_use()
    return {
        "shared": system.chip_spec.pruning_unit.shared,
        **tally.pruning,
        "coverage": ratio(passing, passing + fetched),
        "weight_memory_reads": {client.name.lower(): count for client, count in reads.items()},
        "weight_port_waiting_clocks": {client.name.lower(): count for client, count in waiting.items()},
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
