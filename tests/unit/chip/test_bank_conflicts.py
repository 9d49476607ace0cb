"""Lanes that wait for each other at the banks (`core: banks: conflict`), in a whole chip that trains."""

import pytest
from helpers.chips import PLAIN, iterations, system

from cosim.models.chip.tally import Totals

CONFLICT = "core.banks=conflict"
SCARCE = ("core.input_memory.ports=1", "core.weight_memory.ports=1")


@pytest.fixture(scope="module")
def iteration():
    return iterations(PLAIN, [1], batch=4)[0]


def simulate(iteration, *chip, memory=(), **settings):
    result, totals = system("pnpu", chip, memory, **settings).simulate(iteration), Totals()
    totals.add(result, 1)
    return result, totals


def events(result):
    """Counts of what happens, without those of time that goes by."""
    passing = ("leakage.", "clock.")
    return {action: count for action, count in result.action_counts.items() if not action.startswith(passing)}


def test_conflicts_take_time_and_change_nothing_else(iteration):
    limited_by_cores = ("noc.ideal=true", "controller_cycles=0", *SCARCE)
    ideal, ideal_totals = simulate(iteration, *limited_by_cores, memory=("ideal=true",))
    conflict, totals = simulate(iteration, *limited_by_cores, CONFLICT, memory=("ideal=true",))
    assert ideal_totals.bank_waits == 0 < totals.bank_waits
    assert ideal_totals.core_cycles < totals.core_cycles
    before, after = ideal.job.time_by_reason_ps, conflict.job.time_by_reason_ps
    assert conflict.duration_ps - ideal.duration_ps == after["core"] - before["core"] > 0
    assert ideal_totals.total("macs") == totals.total("macs") > 0
    assert events(ideal) == events(conflict)
    assert ideal.dram_bytes == conflict.dram_bytes


def test_more_banks_mean_fewer_waits_and_a_port_for_each_lane_none(iteration):
    waits = []
    for banks, ports in ((1, 1), (4, 1), (16, 2), (1, 64)):
        of_memories = [
            f"core.{memory}.{what}={number}"
            for memory in ("input_memory", "weight_memory")
            for what, number in (("banks", banks), ("ports", ports))
        ]
        result, totals = simulate(iteration, *of_memories, CONFLICT)
        waits.append(totals.bank_waits)
        if ports == 64:
            assert result.duration_ps == simulate(iteration, *of_memories)[0].duration_ps
    assert waits[0] > waits[1] > waits[2] > waits[3] == 0


def test_fused_as_unfused(iteration):
    fused, unfused = (simulate(iteration, *SCARCE, CONFLICT, fused=fused)[0] for fused in (True, False))
    assert fused.job.time_by_reason_ps == unfused.job.time_by_reason_ps
    assert fused.action_counts == unfused.action_counts
