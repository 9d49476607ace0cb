"""A shared memory as a module: TLM target ports for any bus master, and a fused fabric for engine-backed ones."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Protocol, runtime_checkable

from cosim.kernel import Module, Simulator
from cosim.tlm import Command, GenericPayload, Response, TargetSocket

from .descriptor import Completion
from .fabric import Endpoint, Fabric, FabricConfig, MemoryPart, NetworkPart, SramPart
from .unfused import UnfusedFabric

PAGE_BYTES = 4096


@runtime_checkable
class FabricNode(Protocol):
    """A module behind an initiator socket whose network and memories are engines: it is linked, not called."""

    full_name: str

    def network_part(self) -> NetworkPart:
        """Its network."""

    def sram_part(self) -> SramPart:
        """Its local memories."""

    def endpoints(self, network: int, sram: int) -> Sequence[Endpoint]:
        """Its DMA channels, for the given indices of its network and memories."""


class MemorySystem(Module):
    """DRAM channels behind any number of ports.

    A port is a TLM target socket: `initiator.bind(memory.port("cpu"))`. Bus masters call `b_transport`, which takes
    the time of the DRAM bursts that the payload touches, and moves data of its own (never-written bytes are zero).
    Initiators whose module is a `FabricNode` are linked into one fabric instead, and share the DRAM with the others. Of
    what is asked for at one instant, that of the ports comes by their names.

    The fabric is built at its first use; no port may be bound after that. With `fused=False` Python moves the requests
    between the parts: the same result, slower, and parts may be models in Python (`UnfusedFabric`).

    Timing only for linked nodes: tensors of a simulated training live in the workload, not in this memory.
    """

    def __init__(
        self,
        parent: Simulator | Module,
        name: str,
        channels: Sequence[MemoryPart],
        *,
        capacity_bytes: int,
        config: FabricConfig | None = None,
        fused: bool = True,
    ) -> None:
        super().__init__(parent, name)
        self.capacity_bytes = capacity_bytes
        self.channels = tuple(channels)
        self._config = config or FabricConfig()
        self._fused = fused
        self._ports: dict[str, TargetSocket] = {}
        self._pages: dict[int, bytearray] = {}
        self._fabric: Fabric | UnfusedFabric | None = None
        self._nodes: dict[str, tuple[int, int]] = {}
        self._ranks: dict[str, int] = {}

    def port(self, name: str) -> TargetSocket:
        """A new port. RuntimeError once the fabric is built, ValueError for a name that is taken."""
        if self._fabric is not None:
            raise RuntimeError(f"{self.full_name}: the simulation has begun, no port can be added")
        if name in self._ports:
            raise ValueError(f"{self.full_name} has a port {name!r} already")

        def b_transport(payload: GenericPayload, delay: int) -> Generator[Any, Any, int]:
            return self._transport(name, payload, delay)

        self._ports[name] = TargetSocket(self, name, b_transport, self._debug)
        return self._ports[name]

    @property
    def fabric(self) -> Fabric | UnfusedFabric:
        """The fabric over all linked nodes; built now if it was not."""
        if self._fabric is None:
            networks: list[NetworkPart] = []
            srams: list[SramPart] = []
            endpoints: list[Endpoint] = []
            # By name: it makes no difference which port was bound first.
            self._ranks = {name: rank for rank, name in enumerate(sorted(self._ports))}
            for name in self._ranks:
                socket = self._ports[name]
                node = socket.peer.module if socket.peer is not None else None
                if node is not None and isinstance(node, FabricNode):
                    self._nodes[node.full_name] = (len(networks), len(endpoints))
                    endpoints.extend(node.endpoints(len(networks), len(srams)))
                    networks.append(node.network_part())
                    srams.append(node.sram_part())
            kind = Fabric if self._fused else UnfusedFabric
            self._fabric = kind(
                self.simulator,
                f"{self.full_name}.fabric",
                networks=networks,
                memories=self.channels,
                srams=srams,
                endpoints=endpoints,
                config=self._config,
            )
        return self._fabric

    def place_of(self, node: Module) -> tuple[int, int]:
        """Index of a linked node's network (and SRAM engine), and of its first endpoint."""
        _ = self.fabric
        return self._nodes[node.full_name]

    # ---- bus masters ----

    def _transport(self, port: str, payload: GenericPayload, delay: int) -> Generator[Any, Any, int]:
        if delay:
            yield self.simulator.timeout(delay)
        size = len(payload.data)
        if payload.address < 0 or payload.address + size > self.capacity_bytes:
            payload.response = Response.ADDRESS_ERROR
            return 0
        burst = self._config.burst_bytes
        first, last = payload.address // burst, (payload.address + max(size, 1) - 1) // burst
        left = last - first + 1
        finished = self.simulator.event()

        def one_done(_: Completion) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                finished.succeed()

        fabric = self.fabric
        for block in range(first, last + 1):
            fabric.access(self._ranks[port], block * burst, is_write=payload.command is Command.WRITE, done=one_done)
        yield finished
        self._move(payload)
        payload.response = Response.OK
        return 0

    def _debug(self, payload: GenericPayload) -> int:
        if payload.address < 0 or payload.address + len(payload.data) > self.capacity_bytes:
            return 0
        self._move(payload)
        return len(payload.data)

    def _move(self, payload: GenericPayload) -> None:
        data = memoryview(payload.data)
        address, done = payload.address, 0
        while done < len(payload.data):
            page, offset = divmod(address + done, PAGE_BYTES)
            piece = min(PAGE_BYTES - offset, len(payload.data) - done)
            if payload.command is Command.WRITE:
                content = self._pages.setdefault(page, bytearray(PAGE_BYTES))
                content[offset : offset + piece] = data[done : done + piece]
            elif payload.command is Command.READ:
                known = self._pages.get(page)
                data[done : done + piece] = known[offset : offset + piece] if known else bytes(piece)
            done += piece
