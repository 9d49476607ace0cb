"""What a chip file says. Every parameter of the file has a provenance: a source, or an assumption with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from cosim._suggest import suggestion
from cosim.quantity import Bits, Bytes, Millivolts, PeriodPs
from cosim.scenario import Spec, misfit, misfits
from cosim.scenario.provenance import Provenance, check_provenance, origin, parameters

from ..core import BankParams, CoreParams, SkipPolicy, StagePolicies, TileModel
from ..core.params import MAX_COARSE_UNIT, MAX_PARAMETER
from ..energy import MAC_FORMATS, EnergyTableSpec, nanometres
from ..energy.scaling import SUPPLY_MV
from ..noc import MeshConfig
from ..sram import MemoryConfig, SramEnergy
from ..sram.energy import CELLS
from ..tensors import Stage

Positive = Annotated[int, Field(ge=1)]
CoreNumber = Annotated[int, Field(ge=1, le=MAX_PARAMETER)]
Unit = Annotated[int, Field(ge=1, le=MAX_COARSE_UNIT)]
Operand = Literal["input", "weight", "output"]
REQUEST_BYTES = (64, 128, 256)
"""At most what the memory ports and DRAM channels are interleaved by."""


class SkipSpec(Spec):
    """One way to skip: which operands' zeros, one at a time (fine) and in whole blocks (coarse)."""

    operands: tuple[Operand, ...] = Field((), description="operands whose zeros are skipped")
    fine: bool = Field(True, description="skip single zeros")
    coarse: bool = Field(False, description="jump over blocks of coarse-pruned weights")

    def policy(self) -> SkipPolicy:
        """For the core engine."""
        return SkipPolicy(frozenset(self.operands), self.fine, self.coarse)


class SramSpec(Spec):
    """One memory: how much, and how many accesses it takes a cycle."""

    size: Bytes = Field(description="capacity; half of it is one of two buffers")
    banks: Positive = Field(description="banks, interleaved by word")
    ports: Positive = Field(1, description="accesses of one bank in one cycle")

    def config(self, word_bits: int) -> MemoryConfig:
        """For the memory engine; what does not fill a word in every bank is left out. ValueError for none at all."""
        words = self.size * 8 // word_bits
        if words < self.banks:
            raise ValueError(
                f"{self.size} bytes are less than a word of {word_bits} bits in each of {self.banks} banks"
            )
        return MemoryConfig(words - words % self.banks, self.banks, self.ports, word_bits)


class CoreSpec(Spec):
    """The sparse cores: all alike. The cost model is the one of docs/core.md."""

    count: CoreNumber = Field(description="cores")
    lanes: CoreNumber = Field(description="lanes of a core")
    group: CoreNumber = Field(description="lanes that share an input block and a barrier")
    window: CoreNumber = Field(description="indices that a lane's scanner looks at in one cycle")
    queue: CoreNumber = Field(description="effectual indices that a lane can hold")
    macs_per_lane: CoreNumber = Field(1, description="multiply-accumulates of a lane in one cycle")
    run_ahead: CoreNumber = Field(description="blocks that a lane may be ahead of its group's slowest")
    coarse_jump: int = Field(0, ge=0, le=MAX_PARAMETER, description="coarse-zero blocks jumped in one cycle; 0: none")
    coarse_unit: tuple[Unit, Unit] = Field((1, 1), description="output x input channels of a coarse unit")
    pixel_reuse: CoreNumber = Field(description="outputs of a channel for which a weight block is read once")
    banks: Literal["ideal", "conflict"] = Field(
        "ideal",
        description="`conflict`: a tile's lanes wait for each other at the banks of input and weight memory, cycle by "
        "cycle; `ideal`: only their sum counts there",
    )
    lane_latency: int = Field(
        0, ge=0, le=MAX_PARAMETER, description="cycles from a group's last operand to its barrier"
    )
    skip: Mapping[Stage, tuple[SkipSpec, ...]] = Field(
        description="ways to skip, per stage; the core chooses among them"
    )
    switch_cycles: int = Field(0, ge=0, le=MAX_PARAMETER, description="cycles to change the way of skipping")
    balance: Literal["static", "random", "balanced"] = Field(description="how output channels meet cores and lanes")
    input_memory: SramSpec = Field(description="input operand (X, dY)")
    weight_memory: SramSpec = Field(description="second operand (W; in WG dY)")
    output_memory: SramSpec = Field(description="accumulators")

    @model_validator(mode="after")
    def _consistent(self) -> CoreSpec:
        if self.lanes % self.group:
            raise misfit(f"{self.lanes} lanes do not divide into groups of {self.group}", "group")
        for stage in Stage:
            if not self.skip.get(stage):
                raise misfit(f"says nothing of stage '{stage}'", "skip")
        try:
            self.tile_model()
        except ValueError as error:
            raise misfit(str(error), "banks") from None
        return self

    def params(self) -> CoreParams:
        """For the core engine."""
        return CoreParams(
            lanes=self.lanes,
            group=self.group,
            window=self.window,
            queue=self.queue,
            macs_per_lane=self.macs_per_lane,
            run_ahead=self.run_ahead,
            coarse_jump=self.coarse_jump,
            coarse_unit=self.coarse_unit,
            pixel_reuse=self.pixel_reuse,
            lane_latency=self.lane_latency,
        )

    def tile_model(self) -> TileModel:
        """What tiles cost a core."""
        banks = None
        if self.banks == "conflict":
            inputs, weights = self.input_memory, self.weight_memory
            banks = BankParams(inputs.banks, weights.banks, inputs.ports, weights.ports)
        return TileModel(self.params(), banks)

    def policies(self) -> StagePolicies:
        """For the core engine."""
        return StagePolicies({stage: tuple(way.policy() for way in self.skip[stage]) for stage in Stage})


class RouterSpec(Spec):
    """What a router can do else. Names and meanings are those of BookSim 2.0; see docs/noc.md."""

    routing_delay: Annotated[int, Field(ge=0, le=1)] = Field(1, description="clocks for a head's route; 0: none")
    speculative: bool = Field(False, description="a head bids for the switch while it asks for a virtual channel")
    credit_delay: Annotated[int, Field(ge=0)] = Field(0, description="clocks more until a credit can be used")
    input_speedup: Positive = Field(1, description="lines from an input into the switch")
    vc_allocator: Literal["islip", "separable_input_first"] = Field("islip", description="of virtual channels")
    sw_allocator: Literal["islip", "separable_input_first"] = Field("islip", description="of the switch")
    hold_switch_for_packet: bool = Field(False, description="input and output stay connected for a packet's flits")
    wait_for_tail_credit: bool = Field(
        False, description="a virtual channel takes the next packet when all credits of the last are back"
    )
    st_final_delay: Positive = Field(1, description="clocks in the crossbar")
    vc_alloc_delay: Positive = Field(1, description="clocks of the allocation of virtual channels")


class NocSpec(Spec):
    """A mesh with wormhole routing in dimension order, virtual channels and credits."""

    clock: PeriodPs = Field(description="clock of routers and links, a clock of its own: it does not follow `clock`")
    mesh: tuple[Positive, Positive] = Field(description="columns x rows")
    flit: Bits = Field(description="width of a link")
    vcs: Positive = Field(2, description="virtual channels of a link")
    buffer: Positive = Field(8, description="flits of buffer per virtual channel")
    router: RouterSpec | None = Field(None, description="other than a plain router of four stages")
    memory_nodes: tuple[int, ...] = Field(min_length=1, max_length=16, description="nodes at which the DRAM is reached")
    unit_nodes: tuple[int, int, int] | None = Field(
        None,
        description="nodes of aggregation core, vector unit and pruning unit; the cores have the others, in order. "
        "By default the three come behind the cores",
    )
    ideal: bool = Field(False, description="no latency and no contention, for bounding experiments")


class DmaSpec(Spec):
    """The DMA channels, one to load and one to store at each node that has memories."""

    outstanding: Annotated[int, Field(ge=1, le=4096)] = Field(description="requests that a channel keeps in flight")
    request: Bytes = Field(
        64, description="largest request: 64, 128 or 256 bytes; a memory port cuts it into bursts of the DRAM"
    )

    @field_validator("request")
    @classmethod
    def _power_of_two(cls, size: int) -> int:
        if size not in REQUEST_BYTES:
            raise PydanticCustomError("request", f"a request is of 64, 128 or 256 bytes, not {size}")
        return size


class AggregatorSpec(Spec):
    """The aggregation core: adds partial sums of the cores."""

    lanes: Positive = Field(description="additions in one cycle")
    memory: SramSpec = Field(description="tiles that arrive and accumulate")


class VectorSpec(Spec):
    """The vector and normalisation unit: activations and their masks, pooling, normalisation, loss, weight update."""

    lanes: Positive = Field(description="element operations in one cycle")
    memory: SramSpec = Field(description="tiles that arrive and leave")


class PruningUnitSpec(Spec):
    """The weight pruning unit."""

    shared: bool = Field(
        description="sees the weights that pass by on the cores' read ports; else it reads them itself"
    )
    lanes: Positive = Field(description="multiply-accumulates or compares in one cycle")
    memory: SramSpec = Field(description="sampled channels")


class StorageSpec(Spec):
    """How operands are stored in DRAM and on chip."""

    activations: Literal["dense", "bitmap"] = Field(description="dense values, or a bitmap and the non-zero values")
    weights: Literal["dense", "bitmap"] = Field(description="dense values, or a bitmap and the non-zero values")
    value_bits: Positive = Field(8, description="bits of a stored value")
    accumulator_bits: Positive = Field(32, description="bits of a partial sum")
    word: Bits = Field(128, description="width of an SRAM word")


class OperatingPointSpec(Spec):
    """A supply, and the clocks that the chip runs at with it."""

    clock: PeriodPs = Field(description="clock of the cores and all other units but the network")
    noc_clock: PeriodPs = Field(description="clock of routers and links, in the place of `noc.clock`")
    voltage: Millivolts = Field(description="supply")


class ChipSpec(Spec):
    """A chip: cores, aggregation core, vector unit, pruning unit, memories, network, DMA and controller."""

    name: str = Field(description="name in tables")
    description: str = Field("", description="one line for the report")
    clock: PeriodPs = Field(description="clock of the cores and all other units but the network (`noc.clock`)")
    voltage: Millivolts = Field(description="supply")
    operating_points: dict[str, OperatingPointSpec] = Field(
        default_factory=dict, description="other supplies and clocks, by name"
    )
    operating_point: str = Field(
        "", description="which of them the chip runs at; without one, at `clock`, `noc.clock` and `voltage`"
    )
    core: CoreSpec
    aggregator: AggregatorSpec
    vector: VectorSpec
    pruning_unit: PruningUnitSpec
    noc: NocSpec
    dma: DmaSpec
    storage: StorageSpec
    controller_cycles: int = Field(ge=0, description="cycles to set up one operation (layer and stage)")
    ideal_sram: bool = Field(False, description="no bank conflicts, for bounding experiments")
    energy: EnergyTableSpec = Field(description="energy of the elements that actions are made of")
    provenance: dict[str, Provenance] = Field(
        description="path of a parameter (or of a group) -> 'source: ...' or 'assumed: ...'"
    )

    @model_validator(mode="after")
    def _at_its_operating_point(self) -> ChipSpec:
        low_mv, high_mv = SUPPLY_MV
        for name, point in self.operating_points.items():
            if not name:
                raise misfit("an operating point needs a name", "operating_points", name)
            if not low_mv <= point.voltage <= high_mv:
                path = ("operating_points", name, "voltage")
                raise misfit(f"expected {low_mv} to {high_mv} mV, which energies can be scaled to", *path)
        if not self.operating_point:
            return self
        if self.operating_point not in self.operating_points:
            known = suggestion(self.operating_point, self.operating_points)
            raise misfit(f"no operating point is called '{self.operating_point}'; {known}", "operating_point")
        point = self.operating_points[self.operating_point]
        # Frozen for everybody else: from here on the chip is what it is at this point.
        object.__setattr__(self, "clock", point.clock)
        object.__setattr__(self, "voltage", point.voltage)
        object.__setattr__(self, "noc", self.noc.model_copy(update={"clock": point.noc_clock}))
        there = f"operating_points.{self.operating_point}"
        moved = {"clock": f"{there}.clock", "voltage": f"{there}.voltage", "noc.clock": f"{there}.noc_clock"}
        entries = {path: entry for path, of in moved.items() if (entry := origin(self.provenance, of)) is not None}
        object.__setattr__(self, "provenance", {**self.provenance, **entries})
        return self

    @model_validator(mode="after")
    def _consistent(self) -> ChipSpec:
        low_mv, high_mv = SUPPLY_MV
        if not low_mv <= self.voltage <= high_mv:
            raise misfit(f"expected {low_mv} to {high_mv} mV, which energies can be scaled to", "voltage")
        if self.storage.value_bits not in MAC_FORMATS:
            known = " or ".join(str(bits) for bits in MAC_FORMATS)
            raise misfit(f"energies are known of multipliers of {known} bit values", "storage", "value_bits")
        columns, rows = self.noc.mesh
        nodes = self.core.count + 3
        if columns * rows < nodes:
            raise misfit(
                f"{columns} x {rows} nodes, but {self.core.count} cores, aggregator, vector unit and pruning unit "
                f"need {nodes}",
                "noc",
                "mesh",
            )
        for at, node in enumerate(self.noc.unit_nodes or ()):
            if not 0 <= node < columns * rows:
                raise misfit(f"node {node} is outside of the {columns} x {rows} mesh", "noc", "unit_nodes", at)
            if node in (self.noc.unit_nodes or ())[:at]:
                raise misfit(f"node {node} has a unit already", "noc", "unit_nodes", at)
        for at, node in enumerate(self.noc.memory_nodes):
            if not 0 <= node < columns * rows:
                raise misfit(f"node {node} is outside of the {columns} x {rows} mesh", "noc", "memory_nodes", at)
        if unbuildable := list(self._unbuildable()):
            raise misfits(unbuildable)
        half = self.core.output_memory.size // 2
        if self.vector.memory.size < 2 * half:
            raise misfit(f"must hold two tiles of {half} bytes (half an output memory)", "vector", "memory")
        if self.aggregator.memory.size < 4 * half:
            raise misfit(f"must hold four tiles of {half} bytes (half an output memory)", "aggregator", "memory")
        if wrong := check_provenance(self.provenance, tuple(self.parameters()), "chip"):
            raise wrong
        return self

    def memories(self) -> dict[tuple[str, ...], SramSpec]:
        """All kinds of local memories by their paths."""
        return {
            ("core", "input_memory"): self.core.input_memory,
            ("core", "weight_memory"): self.core.weight_memory,
            ("core", "output_memory"): self.core.output_memory,
            ("aggregator", "memory"): self.aggregator.memory,
            ("vector", "memory"): self.vector.memory,
            ("pruning_unit", "memory"): self.pruning_unit.memory,
        }

    def mesh_config(self) -> MeshConfig:
        """For the network engine. ValueError for what it cannot have."""
        options = {} if self.noc.router is None else self.noc.router.model_dump()
        return MeshConfig(*self.noc.mesh, self.noc.vcs, self.noc.buffer, **options)

    def _unbuildable(self) -> Iterator[PydanticCustomError]:
        """Sizes that the engines refuse."""
        for path, bits in ((("storage", "word"), self.storage.word), (("noc", "flit"), self.noc.flit)):
            if bits < 8 or bits % 8:
                yield misfit(f"must be whole bytes, got {bits} bits", *path)
                if path[0] == "storage":
                    return
        node, cell = nanometres(self.energy.sram.node), self.energy.sram.cell
        if (node, cell) not in CELLS:
            known = ", ".join(f"{node} nm {cell}" for node, cell in CELLS)
            yield misfit(f"no energies are tabulated of {node} nm {cell}; there are {known}", "energy", "sram", "node")
            return
        try:
            SramEnergy(1, self.storage.word, node, cell)
        except ValueError as error:
            yield misfit(str(error), "storage", "word")
            return
        for place, memory in self.memories().items():
            try:
                SramEnergy.of_bank(memory.config(self.storage.word), node, cell)
            except ValueError as error:
                yield misfit(str(error), *place)
        try:
            self.mesh_config()
        except ValueError as error:  # of `MeshConfig`: the field and its value, what is expected
            field, _, said = str(error).partition(" ")
            place = ("router", field) if field in RouterSpec.model_fields else ({"depth": "buffer"}.get(field, field),)
            yield misfit(said, "noc", *place)

    def parameters(self) -> Iterator[str]:
        """Paths of all parameters, without names, prose and the energy table (which has its own sources)."""
        yield from parameters(self, ("name", "description", "operating_point", "provenance", "energy"))

    def origin(self, path: str) -> str | None:
        """Where a parameter comes from: its own entry, or the nearest group's."""
        return origin(self.provenance, path)
