"""The chip: a module that executes task graphs, with a memory initiator, a register target and an interrupt."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cosim.kernel import ClockDomain, Module, Simulator
from cosim.tlm import Command, GenericPayload, InitiatorSocket, Response, TargetSocket

from ..dma import TransferUnit
from ..fabric import Endpoint, Fabric, LocalWork, MemorySystem, NetworkPart, SramPart, UnfusedFabric, WorkUnit
from ..noc import NetworkState
from ..sram import MemoryConfig, MemoryState
from ..tasks import Task, TaskGraph, Unit, time_by_reason
from .layout import Client, CoreMemory, Layout
from .spec import ChipSpec

REGISTERS = {"control": 0x00, "status": 0x04, "completed": 0x08, "queued": 0x0C}
"""Byte addresses of the 32-bit registers. control: writing 1 starts the next job that is queued, once
those started before have ended. status: bit 0 running,
bit 1 interrupt pending (writing 2 clears it). completed, queued: numbers of jobs."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """A graph that ran: when, and what the time between went to along its critical path (sums exactly)."""

    start_ps: int
    end_ps: int
    time_by_reason_ps: dict[str, int]


class Interrupt:
    """A level that observers may wait for: `wait()` is a SimPy event that happens when it is (or becomes) high."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.level = False
        self._waiting: list[Any] = []

    def wait(self) -> Any:
        """An event: the interrupt is high."""
        event = self._simulator.event()
        if self.level:
            event.succeed()
        else:
            self._waiting.append(event)
        return event

    def set(self) -> None:
        """Raise it."""
        self.level = True
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            event.succeed()

    def clear(self) -> None:
        """Lower it."""
        self.level = False


class Chip(Module):
    """A chip at a shared memory: `chip.memory_socket.bind(memory.port(name))`, then queue jobs and start them.

    A job is a linked TaskGraph. `run_job` starts it from Python; a host starts queued jobs through `register_socket`
    and is told by `interrupt`. Jobs run one after the other; between them the chip is drained.
    """

    def __init__(self, parent: Simulator | Module, name: str, spec: ChipSpec) -> None:
        super().__init__(parent, name)
        self.spec = spec
        self.layout = Layout(spec)
        self.clock = ClockDomain(f"{self.full_name}.clock", spec.clock)
        self.noc_clock = ClockDomain(f"{self.full_name}.noc_clock", spec.noc.clock)
        self.memory_socket = InitiatorSocket(self, "memory_socket")
        self.register_socket = TargetSocket(self, "register_socket", self._access_register, self._debug_register)
        self.interrupt = Interrupt(self.simulator)
        self.results: list[JobResult] = []
        self.counts: dict[str, int] = {}
        packets = len(self.layout.channels) * spec.dma.outstanding + 1
        self.network = NetworkState(spec.mesh_config(), max_packets=packets)
        jobs = packets + 4 * self.layout.memories
        self.sram = MemoryState(self._memories(), clients=len(Client), max_jobs=jobs)
        self._units: dict[str, Unit] = {}
        self._queue: deque[tuple[TaskGraph, Callable[[JobResult], None] | None]] = deque()
        self._due = 0  # of the queued jobs, so many were told to start
        self._running: TaskGraph | None = None

    def before_end_of_elaboration(self) -> None:
        """Build the units; all sockets are bound now. A chip that is not bound says so when it is given a job."""
        if self.memory_socket.peer is not None:
            _ = self.units

    def _memories(self) -> list[MemoryConfig]:
        core = self.spec.core
        specs = [core.input_memory, core.weight_memory, core.output_memory] * core.count
        specs += [self.spec.aggregator.memory, self.spec.vector.memory, self.spec.pruning_unit.memory]
        return [spec.config(self.spec.storage.word) for spec in specs]

    # ---- the fabric's view --------------------------------------------------------------------------------------

    def network_part(self) -> NetworkPart:
        """For the fabric."""
        noc = self.spec.noc
        return NetworkPart(
            self.network.buffer, self.noc_clock, noc.flit // 8, noc.mesh[0], noc.memory_nodes, ideal=noc.ideal
        )

    def sram_part(self) -> SramPart:
        """For the fabric."""
        smallest = min(memory.words for memory in self.sram.memories)
        return SramPart(
            self.sram.buffer,
            self.clock,
            self.spec.storage.word // 8,
            self.layout.memories,
            smallest,
            ideal=self.spec.ideal_sram,
        )

    def endpoints(self, network: int, sram: int) -> Sequence[Endpoint]:
        """For the fabric."""
        dma = self.spec.dma
        return self.layout.endpoints(network, sram, dma.outstanding, dma.request)

    @property
    def memory(self) -> MemorySystem:
        """The shared memory that the chip is bound to. RuntimeError if it is none that it can be linked with."""
        peer = self.memory_socket.peer
        if peer is None or not isinstance(peer.module, MemorySystem):
            raise RuntimeError(f"{self.memory_socket.full_name} must be bound to a MemorySystem's port")
        return peer.module

    @property
    def units(self) -> dict[str, Unit]:
        """All units by name; they come into being at the first use after binding, at the latest at elaboration."""
        if not self._units:
            self._build_units(self.memory.fabric)
        return self._units

    def _build_units(self, fabric: Fabric | UnfusedFabric) -> None:
        sram, first_endpoint = self.memory.place_of(self)
        clock = self.clock
        names = [(f"core{core}", "core") for core in range(self.spec.core.count)]
        names += [("aggregator", "reduce"), ("vector", "vector"), ("pruning", "prune"), ("controller", "control")]
        for name, reason in names:
            self._units[name] = WorkUnit(self, name, clock, fabric, sram, reason)
        for index, channel in enumerate(self.layout.channels):
            node, _, role = channel.unit.partition(".")
            self._units[channel.unit] = TransferUnit(self, f"{node}_{role}", fabric, first_endpoint + index)

    # ---- jobs -----------------------------------------------------------------------------------------------------

    def queue(self, graph: TaskGraph, done: Callable[[JobResult], None] | None = None) -> None:
        """Append a job; a write to the control register starts it."""
        self._queue.append((graph, done))

    def run_job(self, graph: TaskGraph) -> Any:
        """Start a job now, behind those that are queued; a SimPy event whose value is its JobResult."""
        finished = self.simulator.event()

        def done(result: JobResult) -> None:
            finished.succeed(result)

        self.queue(graph, done)
        self._due = len(self._queue)
        self._start_next()
        return finished

    def _start_next(self) -> None:
        if self._running is not None or not self._due:
            return
        self._due -= 1
        graph, done = self._queue.popleft()
        self._running = graph
        start = self.simulator.now_ps
        left = len(graph)

        def one_ended(task: Task) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self._finish(graph, start, done)

        units = self.units
        for unit in units.values():
            unit.task_ended = one_ended
        for name in graph.units:
            units[name].assign(graph.program(name))
        if not len(graph):
            self._finish(graph, start, done)

    def _finish(self, graph: TaskGraph, start: int, done: Callable[[JobResult], None] | None) -> None:
        last = max(graph, key=lambda task: (task.end_ps, -task.index), default=None)
        end = self.simulator.now_ps
        for task in graph:
            if isinstance(task.work, LocalWork):
                for action, count in task.work.counts:
                    self.counts[action] = self.counts.get(action, 0) + count
        self._running = None
        result = JobResult(start, end, time_by_reason(last, start, end))
        self.results.append(result)
        self.interrupt.set()
        if done is not None:
            done(result)
        self._start_next()

    # ---- registers --------------------------------------------------------------------------------------------------

    def _access_register(self, payload: GenericPayload, delay: int) -> int:
        payload.response = self._register(payload)
        return delay + self.clock.cycles(1)

    def _debug_register(self, payload: GenericPayload) -> int:
        if payload.command is not Command.READ:
            return 0
        return len(payload.data) if self._register(payload) is Response.OK else 0

    def _register(self, payload: GenericPayload) -> Response:
        if len(payload.data) != 4:
            return Response.BURST_ERROR
        values = {
            REGISTERS["control"]: 0,
            REGISTERS["status"]: int(self._running is not None) | int(self.interrupt.level) << 1,
            REGISTERS["completed"]: len(self.results),
            REGISTERS["queued"]: len(self._queue),
        }
        if payload.address not in values:
            return Response.ADDRESS_ERROR
        if payload.command is Command.READ:
            payload.data[:] = (values[payload.address] & 0xFFFF_FFFF).to_bytes(4, "little")
        elif payload.command is Command.WRITE:
            value = int.from_bytes(payload.data, "little")
            if payload.address == REGISTERS["control"] and value & 1:
                self._due = min(self._due + 1, len(self._queue))
                self._start_next()
            elif payload.address == REGISTERS["status"] and value & 2:
                self.interrupt.clear()
            elif payload.address not in (REGISTERS["control"], REGISTERS["status"]):
                return Response.COMMAND_ERROR
        return Response.OK

    def weight_memory_use(self) -> tuple[dict[Client, int], dict[Client, int]]:
        """Of all weight memories, by client since the start: accesses, and bank clocks in which one had to wait."""
        accesses, waiting = self.sram.stats()
        weight = [self.layout.memory(core, CoreMemory.WEIGHT) for core in range(self.layout.cores)]
        return (
            {client: sum(int(accesses[memory][:, client].sum()) for memory in weight) for client in Client},
            {client: sum(int(waiting[memory][:, client].sum()) for memory in weight) for client in Client},
        )

    # ---- counts -----------------------------------------------------------------------------------------------------

    def action_counts(self) -> dict[str, int]:
        """Every action of the energy table, counted since the start; cycles are those up to now."""
        sram, _ = self.memory.place_of(self)
        traffic = self.memory.fabric.traffic(sram)
        counts = dict(self.counts)
        reads, writes = self.memory.fabric.words(sram)
        for memory in range(self.layout.memories):
            kind = self.layout.memory_kind(memory)
            for what, words in (("read", reads), ("write", writes)):
                name = f"sram.{kind}.{what}"
                counts[name] = counts.get(name, 0) + int(words[memory])
        counts["noc.flit_hop"] = traffic.noc_flit_hops
        counts["dma.request"] = traffic.requests
        return counts
