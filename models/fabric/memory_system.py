"""A shared memory as a module: TLM target ports for any bus master, and a fused fabric for engine-backed ones."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Protocol, runtime_checkable

from cosim.kernel import Module, Simulator
from cosim.tlm import GenericPayload, Response, TargetSocket
from cosim.tlm.store import ByteStore

from .descriptor import Completion
from .fabric import Fabric
from .parts import Endpoint, FabricConfig, MemoryPart, NetworkPart, SramPart
from .unfused import UnfusedFabric


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
    the time of the DRAM bursts that the payload touches, and moves data of its own (`cosim.tlm.store.ByteStore`).
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
        self._store = ByteStore(capacity_bytes)
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

        self._ports[name] = TargetSocket(self, name, b_transport, self._store.move)
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
        refusal = self._store.refusal(payload)
        if refusal is not None:
            payload.response = refusal
            return delay
        if delay:
            yield self.simulator.timeout(delay)
        burst = self._config.burst_bytes
        first, last = payload.address // burst, (payload.address + len(payload.data) - 1) // burst
        left = last - first + 1
        finished = self.simulator.event()

        def one_done(_: Completion) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                finished.succeed()

        fabric = self.fabric
        for block in range(first, last + 1):
            fabric.access(self._ranks[port], block * burst, is_write=payload.is_write, done=one_done)
        yield finished
        self._store.serve(payload, self.simulator.reports, self._ports[port].full_name)
        payload.response = Response.OK
        return 0
