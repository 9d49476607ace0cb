"""Where everything is: one place for each thing, none twice."""

import pytest
from helpers.chips import chip_spec

from cosim.models.chip.layout import PAGE_BYTES, Client, CoreMemory, Layout, MemoryMap


@pytest.fixture(scope="module")
def layout():
    return Layout(chip_spec("pnpu"))


def test_nodes_and_memories_of_sixteen_cores(layout):
    assert (layout.aggregator_node, layout.vector_node, layout.pruning_node) == (16, 17, 18)
    assert (layout.aggregator_memory, layout.vector_memory, layout.pruning_memory) == (48, 49, 50)
    assert layout.memories == 51
    assert [layout.memory(1, which) for which in CoreMemory] == [3, 4, 5]


def test_memories_by_the_names_of_the_energy_table(layout):
    kinds = [layout.memory_kind(memory) for memory in range(layout.memories)]
    assert kinds == ["input", "weight", "output"] * 16 + ["aggregator", "vector", "pruning"]


def test_every_channel_is_found_by_its_unit(layout):
    names = [channel.unit for channel in layout.channels]
    assert names[:4] == ["core0.load", "core0.store", "core0.prune", "core1.load"]
    assert names[48:] == ["aggregator.store", "vector.load", "vector.store", "pruning.load"]
    assert [layout.endpoint(name) for name in names] == list(range(52))
    with pytest.raises(KeyError):
        layout.endpoint("core16.load")


def test_endpoints_are_the_channels_in_order(layout):
    endpoints = layout.endpoints(network=2, sram=3, outstanding=5)
    assert len(endpoints) == 52
    first, last = endpoints[0], endpoints[-1]
    assert (first.network, first.node, first.sram, first.client, first.outstanding) == (2, 0, 3, Client.LOAD, 5)
    assert (last.node, last.client) == (18, Client.LOAD)
    assert endpoints[2].client == Client.PRUNING


def test_tensors_lie_at_pages_of_their_own_in_the_order_of_their_first_use():
    memory = MemoryMap(PAGE_BYTES, 10 * PAGE_BYTES)
    assert memory.place("a", 1) == PAGE_BYTES
    assert memory.place("b", PAGE_BYTES) == 2 * PAGE_BYTES
    assert memory.place("c", PAGE_BYTES + 1) == 3 * PAGE_BYTES
    assert memory.place("d", 0) == 5 * PAGE_BYTES
    assert memory.place("e", 1) == 6 * PAGE_BYTES


def test_a_tensor_stays_where_it_is_while_its_pages_hold_it():
    memory = MemoryMap(0, 10 * PAGE_BYTES)
    assert memory.place("a", 1) == 0
    memory.place("b", 1)
    assert memory.place("a", PAGE_BYTES) == 0
    assert memory.place("a", PAGE_BYTES + 1) == 2 * PAGE_BYTES
    assert memory.place("a", 2 * PAGE_BYTES) == 2 * PAGE_BYTES


def test_the_memory_holds_what_fits_and_refuses_one_byte_more():
    memory = MemoryMap(0, 2 * PAGE_BYTES)
    assert memory.place("a", PAGE_BYTES) == 0
    with pytest.raises(MemoryError, match=r"^the memory is full: no 4097 bytes left for b$"):
        memory.place("b", PAGE_BYTES + 1)
    assert memory.place("b", PAGE_BYTES) == PAGE_BYTES
    with pytest.raises(MemoryError, match=r"^the memory is full: no 1 bytes left for c$"):
        memory.place("c", 1)


def test_units_that_are_no_cores_sit_where_the_chip_file_says():
    pnpu = chip_spec("pnpu")
    noc = pnpu.noc.model_copy(update={"unit_nodes": (8, 13, 19)})
    layout = Layout(pnpu.model_copy(update={"noc": noc}))
    assert (layout.aggregator_node, layout.vector_node, layout.pruning_node) == (8, 13, 19)
    cores = [channel.node for channel in layout.channels if channel.unit.endswith(".prune")]
    assert cores == [node for node in range(18) if node not in (8, 13)]
    others = {channel.unit: channel.node for channel in layout.channels if not channel.unit.startswith("core")}
    assert others == {"aggregator.store": 8, "vector.load": 13, "vector.store": 13, "pruning.load": 19}
