"""Half of a resource costs time, and the time goes to the resource's name: the shipped memory-bound scenario."""

from pathlib import Path
from typing import Any

import pytest

from cosim.scenario import load_scenario, run_scenario

SCENARIO = Path(__file__).resolve().parents[2] / "scenarios" / "memory_bound.yaml"
MEMORIES = ("core.input_memory", "core.weight_memory", "core.output_memory", "aggregator.memory", "vector.memory")


def result(*overrides: str) -> Any:
    """The chip's part of the summary."""
    return run_scenario(load_scenario(SCENARIO, list(overrides))).summary["chips"][0]


@pytest.fixture(scope="module")
def base() -> Any:
    found = result()
    # Limited by what moves data, not by arithmetic.
    moving = sum(found["critical_path_ps"][reason] for reason in ("dram", "noc", "sram"))
    assert moving > 0.8 * found["time_ps"]
    return found


@pytest.mark.parametrize(
    ("reason", "overrides"),
    [
        ("dram", ["memory.t_ck=1250 ps"]),
        ("noc", ["chip.noc.flit=128 bit"]),
        ("sram", [f"chip.{memory}.ports=1" for memory in MEMORIES]),
    ],
)
def test_half_a_resource(base: Any, reason: str, overrides: list[str]) -> None:
    scarce = result(*overrides)
    longer = scarce["time_ps"] - base["time_ps"]
    assert longer >= 0.1 * base["time_ps"]
    before, after = base["critical_path_ps"], scarce["critical_path_ps"]
    assert after[reason] - before[reason] >= 0.8 * longer
    assert sum(after.values()) == scarce["time_ps"]


def test_ideal_parts_take_no_time(base: Any) -> None:
    for reason, override in (
        ("dram", "memory.ideal=true"),
        ("noc", "chip.noc.ideal=true"),
        ("sram", "chip.ideal_sram=true"),
    ):
        free = result(override)
        assert free["critical_path_ps"].get(reason, 0) == 0
        assert free["time_ps"] < base["time_ps"]
