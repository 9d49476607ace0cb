"""What does sharing one DRAM cost? Two training chips and a CPU, each alone and then all together.

The three meet at one `MemorySystem`. The chips are linked to it (their networks, DMA channels and SRAMs are engines),
the CPU calls `b_transport` like any bus master; the DRAM's controller sees them all, burst by burst.

    python examples/soc_study.py
"""

from pathlib import Path

from cosim import Module, Simulator
from cosim.models.chip import Chip, ChipSpec, build_memory
from cosim.models.dma import TransferWork
from cosim.models.dram.spec import MemorySpec
from cosim.models.fabric import Descriptor, Direction, LocalWork
from cosim.models.tasks import Kind, TaskGraph
from cosim.scenario import load_component
from cosim.tlm import GenericPayload, InitiatorSocket

SCENARIOS = Path(__file__).parents[1] / "scenarios"
CHIP = load_component(SCENARIOS / "chips/pnpu.yaml", ChipSpec)
MEMORY = load_component(SCENARIOS / "memories/lpddr4_3200.yaml", MemorySpec)
TILE_BYTES = 32 * 1024
WHO = ("chip0", "chip1", "cpu")


def job(chip: Chip, base: int) -> TaskGraph:
    """What a chip does: each of four cores loads a tile, computes 200 cycles on it, and stores it again."""
    graph = TaskGraph()
    for core in range(4):

        def transfer(direction: Direction, unit: str, core: int = core) -> TransferWork:
            endpoint, address = chip.layout.endpoint(unit), base + core * TILE_BYTES
            return TransferWork((Descriptor(endpoint, direction, 3 * core, TILE_BYTES, address),))

        name = f"core{core}"
        load = graph.add(Kind.LOAD, f"{name}.load", name, transfer(Direction.READ, f"{name}.load"))
        compute = graph.add(Kind.COMPUTE, name, name, LocalWork(cycles=200), [load])
        graph.add(Kind.STORE, f"{name}.store", name, transfer(Direction.WRITE, f"{name}.store"), [compute])
    graph.link()
    return graph


class Cpu(Module):
    """Misses its cache 250 times: 64 bytes, a page further each time; 100 ns of work in between."""

    def __init__(self, parent: Simulator, name: str) -> None:
        super().__init__(parent, name)
        self.socket = InitiatorSocket(self, "socket")
        self.end_ps = 0
        self.process(self.run(), "program")

    def run(self):
        for miss in range(250):
            yield from self.socket.b_transport(GenericPayload.read(0x400_0000 + 4096 * miss, 64), 0)
            yield self.simulator.timeout(100_000)
        self.end_ps = self.simulator.now_ps


def simulate(present: tuple[str, ...]) -> dict[str, int]:
    """When each of those present is through, in ps."""
    simulator = Simulator()
    memory, _ = build_memory(simulator, "memory", MEMORY)
    parts: dict[str, Chip | Cpu] = {}
    for name in present:
        part = parts[name] = Cpu(simulator, name) if name == "cpu" else Chip(simulator, name, CHIP)
        socket = part.socket if isinstance(part, Cpu) else part.memory_socket
        socket.bind(memory.port(name))
    for name, part in parts.items():
        if isinstance(part, Chip):
            part.run_job(job(part, base=0x10_0000 * (1 + WHO.index(name))))
    simulator.run()
    return {name: part.end_ps if isinstance(part, Cpu) else part.results[0].end_ps for name, part in parts.items()}


def main() -> None:
    """Print what each one takes alone and in company, and what it lost, in tenths of a percent."""
    together = simulate(WHO)
    print("who      alone (ps)  together (ps)     lost")
    for name in WHO:
        alone = simulate((name,))[name]
        lost = 1000 * (together[name] - alone) // alone
        print(f"{name:<6}{alone:>13}  {together[name]:>13}  {lost // 10:>4}.{lost % 10} %")


if __name__ == "__main__":
    main()
