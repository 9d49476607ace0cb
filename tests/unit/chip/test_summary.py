"""Sums over iterations that stand for several: every number weighted, every ratio of the weighted sums."""

from types import SimpleNamespace

import pytest

from cosim.models.chip.hindsight import OrderCost
from cosim.models.chip.summary import ENERGY_GROUPS, compare, group_of, ratio
from cosim.models.chip.system import IterationResult
from cosim.models.chip.tally import COUNT_NAMES, Totals
from cosim.models.core import CoreCounts
from cosim.models.energy import ACTIONS
from cosim.models.tensors import Stage


def operation(layer, stage, core_cycles, **counts):
    """An operation's record: the counts that are not given are 0."""
    return SimpleNamespace(
        layer=layer,
        stage=stage,
        counts=CoreCounts(**{**dict.fromkeys(COUNT_NAMES, 0), **counts}),
        core_cycles=core_cycles,
        longest_core_cycles=max(core_cycles.values()),
        mac_slots=10 * sum(core_cycles.values()),
        switch_cycles=1,
        bank_waits=2,
        orders={"static": OrderCost(2 * sum(core_cycles.values()), 2 * max(core_cycles.values()), 100)},
    )


def result(index, **changed):
    fields = {
        "job": SimpleNamespace(start_ps=100, end_ps=107, time_by_reason_ps={"core": 5, "dram": 2}),
        "operations": [operation("conv", Stage.FF, {0: 3, 1: 4}, dense_macs=20, macs=9, skipped_input=11)],
        "pruning": [],
        "compulsory_bytes": 64,
        "action_counts": {"core.mac": 9, "dma.request": 2},
        "dram_energy_fj": {"refresh": 1000},
        "dram_bytes": (128, 64),
        "requests": 3,
        "tasks": 12,
    }
    return IterationResult(index, **{**fields, **changed})


def test_each_iteration_counts_as_often_as_it_stands_for():
    other = result(
        5,
        job=SimpleNamespace(start_ps=0, end_ps=10, time_by_reason_ps={"core": 4, "prune": 6}),
        operations=[
            operation("conv", Stage.FF, {0: 1}, dense_macs=20, macs=1, skipped_input=19),
            operation("conv", Stage.WG, {0: 2, 1: 2}, dense_macs=30, macs=30),
        ],
        action_counts={"core.mac": 31},
        dram_energy_fj={"refresh": 1, "burst": 2},
    )
    totals = Totals()
    totals.add(result(2), 3)
    totals.add(other, 2)
    assert (totals.iterations, totals.time_ps, totals.tasks, totals.requests) == (5, 3 * 7 + 2 * 10, 60, 15)
    assert (totals.dram_read_bytes, totals.dram_write_bytes, totals.compulsory_bytes) == (5 * 128, 5 * 64, 5 * 64)
    assert totals.reasons_ps == {"core": 3 * 5 + 2 * 4, "dram": 6, "prune": 12}
    assert totals.actions == {"core.mac": 3 * 9 + 2 * 31, "dma.request": 6}
    assert totals.dram_energy_fj == {"refresh": 3002, "burst": 4}
    ff, wg = totals.by_stage["ff"], totals.by_stage["wg"]
    assert [ff[name] for name in ("dense_macs", "macs", "skipped_input", "cycles")] == [100, 29, 71, 3 * 4 + 2]
    assert [wg[name] for name in ("dense_macs", "macs", "skipped_input", "cycles")] == [60, 60, 0, 4]
    assert list(totals.by_layer) == ["conv.ff", "conv.wg"]
    assert totals.by_layer["conv.ff"] == ff
    assert (totals.total("dense_macs"), totals.total("macs")) == (160, 89)
    assert totals.core_cycles == 3 * 7 + 2 * (1 + 4)
    assert totals.longest_core_cycles == 3 * 4 + 2 * (1 + 2)
    assert totals.mac_slots == 10 * totals.core_cycles
    assert totals.switch_cycles == 3 + 4
    assert totals.bank_waits == 2 * (3 + 4)
    assert totals.orders == {
        "static": {
            "core_cycles": 2 * totals.core_cycles,
            "longest_core_cycles": 2 * totals.longest_core_cycles,
            "mac_slots": 100 * (3 + 2 * 2),
        }
    }


def test_no_iterations_sum_to_nothing():
    totals = Totals()
    assert (totals.iterations, totals.time_ps, totals.total("macs"), totals.actions) == (0, 0, 0, {})


def test_every_action_has_a_group():
    assert {group_of(action) for action in ACTIONS} == set(ENERGY_GROUPS.values())
    assert [group_of(action) for action in ("core.mac", "core.jump", "sram.vector.read", "noc.flit_hop")] == [
        "MAC",
        "skip control",
        "SRAM",
        "NoC",
    ]
    with pytest.raises(KeyError):
        group_of("core.unheard_of")


def test_ratios_are_rounded_once():
    assert ratio(1, 3) == 1 / 3
    assert ratio(10**40 + 1, 10**40) == 1.0
    assert ratio(5, 0) == 0.0


def test_the_first_chip_is_compared_with_each_other():
    def chip(name, time_ps, chip_fj, total_fj):
        return {"name": name, "time_ps": time_ps, "energy_fj": {"chip": chip_fj, "total": total_fj}}

    assert compare([chip("a", 4, 10, 20), chip("b", 10, 5, 30), chip("c", 2, 10, 10)]) == [
        {"against": "b", "speedup": 2.5, "energy_gain": 0.5, "energy_gain_with_dram": 1.5},
        {"against": "c", "speedup": 0.5, "energy_gain": 1.0, "energy_gain_with_dram": 0.5},
    ]
    assert compare([chip("a", 4, 10, 20)]) == []
