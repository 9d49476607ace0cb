"""Whole runs in which every call of the memory system's C functions is made wrongly first: each pointer in turn in the
midst of a word, each state cut short. All of that is refused, and the run comes out as if it had never been asked.
"""

import sys

import numpy as np
import pytest
from helpers.fabrics import small_fabric
from robustness.test_fuzz_c import ARGUMENTS, FUNCTIONS

from cosim.clib import ffi, lib
from cosim.kernel import Simulator
from cosim.models.dram import Controller, preset
from cosim.models.dram.controller import format_commands
from cosim.models.fabric import Descriptor, Direction
from cosim.models.noc import MeshConfig, NetworkState
from cosim.models.noc.packets import Packets
from cosim.models.noc.replay import replay
from cosim.models.sram import MemoryConfig, MemoryState

pytestmark = pytest.mark.c_library

FAMILIES = ("cs_dram_", "cs_fabric_", "cs_noc_", "cs_sram_")
CALLERS = ("dram.controller", "fabric.fabric", "noc.replay", "noc.state", "sram.memory", "sram.state")


class WrongFirst:
    """The library; its functions are called with one argument wrong at a time, then as asked."""

    def __init__(self):
        self.refused = set()

    def __getattr__(self, name):
        found = getattr(lib, name)
        if not name.startswith(FAMILIES):
            return found

        def call(*arguments):
            for wrong in self.wrong_calls(name, arguments):
                assert found(*wrong) == lib.CS_EBUFFER, name
                self.refused.add(name)
            return found(*arguments)

        return call

    @staticmethod
    def wrong_calls(name, arguments):
        types, names = ffi.typeof(getattr(lib, name)).args, ARGUMENTS[name]
        for at, (ctype, argument) in enumerate(zip(types, arguments, strict=True)):
            if ctype.kind == "pointer" and ffi.cast("void *", argument) != ffi.NULL:
                void = ctype.item.kind == "void"  # a state
                if void or ffi.alignof(ctype.item) > 1:
                    shifted = ffi.cast(ctype, ffi.cast("char *", argument) + 1)
                    yield (*arguments[:at], shifted, *arguments[at + 1 :])
            elif at == 1 and names[0] == "state":
                for short in (0, argument // 2):
                    yield (*arguments[:1], short, *arguments[2:])


def dram_run():
    controller = Controller(preset("ddr4_2400"), "m1", "fr-fcfs")
    assert controller.submit(0, 7, 4096, is_write=False)
    advanced = controller.advance(controller.next() + 500, observe=True)
    addresses = np.arange(0, 64 * 40, 64, dtype=np.uint64)
    again = Controller(preset("ddr4_2400"), "m1", "fr-fcfs")
    replayed = again.replay(addresses, (np.arange(40) % 3 == 0).astype(np.uint8), observe=True)
    return (
        format_commands(advanced.commands),
        controller.stats(600),
        replayed.latencies.tolist(),
        replayed.commands.tolist(),
    )


def noc_run():
    network = NetworkState(MeshConfig(3, 2), max_packets=16)
    network.submit(0, 1, 0, 5, 3)
    network.multicast(1, 2, 0, 2, 2, [1])
    assert network.next() >= 0
    first = network.advance(4).tolist()
    seen = network.channels().tolist(), network.buffered().tolist()
    rest = network.advance(lib.CS_NEVER).tolist()
    two = np.array([0, 2], dtype=np.int64)
    replayed = replay(MeshConfig(3, 2), Packets(two, two, two + 1, two + 1, two))
    return first, seen, rest, network.counts(), network.link_flits().tolist(), replayed.clocks.tolist()


def sram_run():
    memory = MemoryConfig(words=64, banks=4, ports=1, word_bits=64)
    state = MemoryState([memory, memory], clients=2, max_jobs=8)
    for tag in range(4):
        state.submit(0, tag, tag % 2, tag // 2, 5 * tag, 9)
    assert state.next() > 0
    done = state.advance(lib.CS_NEVER).tolist()
    return done, [[counts.tolist() for counts in both] for both in state.stats()], memory.share(3, 17).tolist()


def fabric_run():
    sim = Simulator()
    fabric, _keep = small_fabric(sim)
    done = []
    fabric.submit(Descriptor(1, Direction.READ, 0, row_bytes=900, address=4096), done.append)
    fabric.submit(Descriptor(0, Direction.MOVE, 0, 100, far_node=1, far_memory=1, far_client=2), done.append)
    fabric.access(0, 64, is_write=True, done=done.append)
    fabric.local(0, 0, 3, 40, is_write=False, done=done.append)
    sim.run()
    return done, fabric.traffic(0), [words.tolist() for words in fabric.words(0)]


RUNS = {"cs_dram_": dram_run, "cs_noc_": noc_run, "cs_sram_": sram_run, "cs_fabric_": fabric_run}


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_refused_changes_nothing(family, monkeypatch):
    expected = RUNS[family]()
    wrong_first = WrongFirst()
    for module in CALLERS:
        monkeypatch.setattr(sys.modules[f"cosim.models.{module}"], "lib", wrong_first)
    assert repr(RUNS[family]()) == repr(expected)
    assert {name for name in FUNCTIONS if name.startswith(family)} <= wrong_first.refused
