"""The kinds of cores beside the sparse one of whole chips: what a chip file says of them, and how they are built.

They register in the family "core" as a third party's would.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.registry import Registry
from cosim.scenario import Spec, misfit

from ..tensors import ConvShape, Stage
from .dcnn import Dcnn
from .eyeriss_v2 import EyerissV2Pe
from .layer_core import LayerRun
from .operands import Operands
from .planar import MAX_PES, PlanarTiling
from .scnn import Scnn
from .systolic import Dataflow, SystolicArray
from .tile import Tile

Positive = Annotated[int, Field(ge=1, le=1 << 20)]


class EyerissV2PeSpec(Spec):
    """A processing element of Eyeriss v2: both operands compressed by input channel, pointwise layers."""

    kind: Literal["eyeriss_v2_pe"]
    macs_per_cycle: Positive = Field(description="weights of one channel multiplied in a cycle")

    def build(self) -> EyerissV2PeCore:
        """The core."""
        return EyerissV2PeCore(EyerissV2Pe(self.macs_per_cycle))


class EyerissV2PeCore:
    """A `LayerCore`: one processing element on a whole pointwise layer."""

    stages = (Stage.FF,)

    def __init__(self, pe: EyerissV2Pe) -> None:
        self._pe = pe

    def run(self, shape: ConvShape, stage: Stage, operands: Operands) -> LayerRun:
        """See LayerCore; and `EyerissV2Pe.run_tile`."""
        if stage is not Stage.FF:
            raise ValueError(f"the Eyeriss v2 processing element is modelled for stage ff, not {stage}")
        result = self._pe.run_tile(shape, operands, Tile.whole(shape, stage))
        return LayerRun(
            cycles=result.cycles,
            multipliers=self._pe.macs_per_cycle,
            dense_macs=result.dense_macs,
            macs=result.macs,
            skipped={name: getattr(result, name) for name in ("skipped_input", "skipped_other", "skipped_both")},
            events={"input_reads": result.input_reads, "weight_reads": result.weight_reads},
            way="input+weight (compressed columns)",
        )


class TilingSpec(Spec):
    """How SCNN and DCNN share out a layer."""

    pe_rows: Positive = Field(description=f"rows of processing elements, of which there are {MAX_PES} at most")
    pe_columns: Positive = Field(description="columns of processing elements")
    group: Positive = Field(description="output channels between two barriers (Kc)")

    @model_validator(mode="after")
    def _tiled(self) -> TilingSpec:
        try:
            self.tiling()
        except ValueError as error:
            raise misfit(str(error), "pe_rows") from None
        return self

    def tiling(self) -> PlanarTiling:
        """For the cores."""
        return PlanarTiling(self.pe_rows, self.pe_columns, self.group)


class ScnnSpec(TilingSpec):
    """SCNN: Cartesian products of compressed weights and inputs, planar tiles, banked accumulators."""

    kind: Literal["scnn"]
    weights: Positive = Field(description="weights of a vector (F)")
    inputs: Positive = Field(description="inputs of a vector (I)")
    banks: Positive = Field(description="accumulator banks of a processing element (A)")
    bank_entries: Positive = Field(description="accumulators of a bank")
    bank_queue: Positive = Field(description="products that can wait at a bank")
    weight_fifo: Annotated[int, Field(ge=0, le=1 << 20)] = Field(
        description="vectors of weights that a processing element holds; 0: as many as there are"
    )
    index_bits: Positive = Field(description="width of the run-length index")

    @model_validator(mode="after")
    def _possible(self) -> ScnnSpec:
        try:
            self.build()
        except ValueError as error:
            raise misfit(str(error), str(error).partition(" ")[0]) from None
        return self

    def build(self) -> Scnn:
        """The core."""
        values = {name: getattr(self, name) for name in ScnnSpec.model_fields if name not in TilingSpec.model_fields}
        del values["kind"]
        return Scnn(self.tiling(), **values)


class DcnnSpec(TilingSpec):
    """DCNN: the dense counterpart of SCNN, dot products under the same tiling."""

    kind: Literal["dcnn"]
    outputs: Positive = Field(description="output channels that a processing element computes at once")
    depth: Positive = Field(description="input channels added up in one cycle")

    def build(self) -> Dcnn:
        """The core."""
        return Dcnn(self.tiling(), self.outputs, self.depth)


class SystolicSpec(Spec):
    """A dense systolic array; convolutions run as matrix products."""

    kind: Literal["systolic"]
    dataflow: Dataflow = Field(description="what stays in an element")
    rows: Positive = Field(description="rows of elements")
    columns: Positive = Field(description="columns of elements")

    def build(self) -> SystolicArray:
        """The core."""
        return SystolicArray(self.dataflow, self.rows, self.columns)


def register(registry: Registry) -> None:
    """Make these kinds known."""
    registry.component("core", "eyeriss_v2_pe", EyerissV2PeSpec, EyerissV2PeSpec.build)
    registry.component("core", "scnn", ScnnSpec, ScnnSpec.build)
    registry.component("core", "dcnn", DcnnSpec, DcnnSpec.build)
    registry.component("core", "systolic", SystolicSpec, SystolicSpec.build)
