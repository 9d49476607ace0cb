"""A small fabric: a 3 x 2 mesh, two memories, one DRAM channel."""

from cosim.kernel import ClockDomain
from cosim.models.dram import Controller, preset
from cosim.models.fabric import Endpoint, Fabric, FabricConfig, MemoryPart, NetworkPart, SramPart
from cosim.models.noc import MeshConfig, NetworkState
from cosim.models.sram import MemoryConfig, MemoryState

NOC_PS, SRAM_PS, DRAM_PS = 5000, 20000, 625


def small_fabric(sim, *, outstanding=4, ideal=(), mesh=(3, 2), ports=1, banks=2, fabric=Fabric):
    """Nodes 0 and 1 have DMA channels (0 and 1, 2); the DRAM is reached at node 5."""
    network = NetworkState(MeshConfig(*mesh), max_packets=512)
    memories = [MemoryConfig(words=512, banks=banks, ports=ports, word_bits=128)] * 2
    sram = MemoryState(memories, clients=4, max_jobs=512)
    dram = Controller(preset("lpddr4_3200"), "m1", "fr-fcfs-ramulator1")
    return fabric(
        sim,
        "fabric",
        networks=[
            NetworkPart(network.buffer, ClockDomain("noc", NOC_PS), 16, mesh[0], (5,), ideal="noc" in ideal),
        ],
        memories=[MemoryPart(dram.state, ClockDomain("dram", DRAM_PS), ideal="dram" in ideal)],
        srams=[SramPart(sram.buffer, ClockDomain("sram", SRAM_PS), 16, 2, 512, ideal="sram" in ideal)],
        endpoints=[
            Endpoint(0, 0, 0, 1, outstanding),
            Endpoint(0, 1, 0, 1, outstanding),
            Endpoint(0, 1, 0, 2, outstanding),
        ],
        config=FabricConfig(),
    ), (network, sram, dram)
