"""Weight ports: with one, a pruning unit that reads the memories itself and the lanes wait for each other."""

import pytest
from helpers.chips import PLAIN, iterations, run, system

from cosim.models.chip.layout import Client


def use(name, ports):
    chip = system(name, (f"core.weight_memory.ports={ports}",))
    for iteration in iterations(PLAIN, [0, 1, 2, 3]):
        run(chip, iteration)
    accesses, waiting = chip.chip.weight_memory_use()
    return accesses[Client.PRUNING], waiting[Client.UNIT], waiting[Client.PRUNING]


@pytest.mark.parametrize(
    ("name", "ports", "expected"),
    [
        # A port for each side: whoever reads for pruning, nobody waits.
        ("pnpu", 2, (0, 0, 0)),
        ("pnpu_separate", 2, (684, 0, 0)),
        # One port: what the shared unit does not read, nobody waits for.
        ("pnpu", 1, (0, 0, 0)),
        ("pnpu_separate", 1, (684, 684, 346)),
    ],
)
def test_who_reads_and_who_waits_at_the_weight_ports(name, ports, expected):
    assert use(name, ports) == expected
