"""Half of a resource costs time, and the time goes to the resource's name.

The chip is PNPU with a core clock eight times as fast, links twice as fast, and memories of one bank with two ports:
its memory, network and local memories are then about equally tight.
"""

import pytest
from helpers.chips import iterations, system

from cosim.models.chip import IterationResult

NETWORK = [
    {"kind": "conv", "name": "conv1", "channels": 16, "kernel": 3, "pad": 1},
    {"kind": "relu"},
    {"kind": "conv", "name": "conv2", "channels": 32, "kernel": 3, "pad": 1},
    {"kind": "relu"},
    {"kind": "linear", "name": "fc", "channels": 10},
]
MEMORIES = ("core.input_memory", "core.weight_memory", "core.output_memory", "aggregator.memory", "vector.memory")
FAST = (
    "clock=400 MHz",
    "noc.clock=400 MHz",
    *(f"{memory}.banks=1" for memory in MEMORIES[:3]),
    *(f"{memory}.banks=2" for memory in MEMORIES[3:]),
)


def result(chip: tuple[str, ...] = (), memory: tuple[str, ...] = ()) -> IterationResult:
    (iteration,) = iterations(NETWORK, [6], batch=16)
    return system("pnpu", (*FAST, *chip), memory).simulate(iteration)


@pytest.fixture(scope="module")
def base() -> IterationResult:
    found = result()
    # Limited by what moves data, not by arithmetic.
    moving = sum(found.job.time_by_reason_ps[reason] for reason in ("dram", "noc", "sram"))
    assert moving > 0.9 * found.duration_ps
    return found


@pytest.mark.parametrize(
    ("reason", "chip", "memory"),
    [
        ("dram", (), ("t_ck=1250 ps",)),
        ("noc", ("noc.flit=128 bit",), ()),
        ("sram", tuple(f"{memory}.ports=1" for memory in MEMORIES), ()),
    ],
)
def test_half_a_resource(base: IterationResult, reason: str, chip: tuple[str, ...], memory: tuple[str, ...]) -> None:
    scarce = result(chip, memory)
    longer = scarce.duration_ps - base.duration_ps
    assert longer >= 0.1 * base.duration_ps
    before, after = base.job.time_by_reason_ps, scarce.job.time_by_reason_ps
    assert after[reason] - before[reason] >= 0.8 * longer
    others = {other: after.get(other, 0) - spent for other, spent in before.items() if other != reason}
    assert max(others.values()) <= 0.2 * longer
    assert sum(after.values()) == scarce.duration_ps


def test_ideal_parts_take_no_time(base: IterationResult) -> None:
    for reason, chip, memory in (
        ("dram", (), ("ideal=true",)),
        ("noc", ("noc.ideal=true",), ()),
        ("sram", ("ideal_sram=true",), ()),
    ):
        free = result(chip, memory)
        assert free.job.time_by_reason_ps.get(reason, 0) == 0
        assert free.duration_ps < base.duration_ps
