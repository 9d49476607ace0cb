"""DCNN: the dense accelerator beside SCNN, under the same tiling.

Parashar et al., "SCNN: An Accelerator for Compressed-sparse Convolutional Neural Networks", ISCA 2017. What is assumed
of it is in `scenarios/chips/dcnn.yaml` and docs/cores.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..tensors import ConvShape, Stage
from .layer_core import LayerRun
from .operands import Operands
from .planar import PlanarTiling, at_least_one, check_planar


@dataclass(frozen=True)
class Dcnn:
    """A `LayerCore`: DCNN, the dense accelerator beside SCNN: the same PEs, tiles and multipliers, dot products.

    outputs   output channels that a PE computes at once
    depth     input channels that it adds up in one cycle; outputs * depth multipliers

    A PE owns its tile of the output plane. It takes a cycle for each output position, filter position, `depth` input
    channels and `outputs` output channels; zeros, those of the padding too, are multiplied like everything else. All
    PEs start a group of output channels together. Raises ValueError for a value below 1.
    """

    tiling: PlanarTiling
    outputs: int
    depth: int

    stages = (Stage.FF,)

    def __post_init__(self) -> None:
        at_least_one(self, ("outputs", "depth"))

    def run(self, shape: ConvShape, stage: Stage, operands: Operands) -> LayerRun:
        """See LayerCore. Feed-forward, stride 1, groups 1."""
        check_planar(shape, stage, operands)
        places = -(-shape.p // self.tiling.pe_rows) * -(-shape.q // self.tiling.pe_columns)  # of the largest tile
        group = self.tiling.group
        across = shape.k // group * -(-group // self.outputs) + -(-(shape.k % group) // self.outputs)
        return LayerRun(
            cycles=shape.n * places * shape.r * shape.s * -(-shape.c // self.depth) * across,
            multipliers=self.tiling.pes * self.outputs * self.depth,
            dense_macs=shape.macs,
            macs=shape.macs,
            skipped={},
            events={"padding_macs": shape.n * shape.p * shape.q * shape.r * shape.s * shape.c * shape.k - shape.macs},
            way="nothing (dense)",
        )
