"""The sparse core: its parameters, what it skips, and the scan-and-queue engine that counts its cycles.

`run_tile` takes one core's part of an operation (a layer's FF, BP or WG) with the real zero masks of its operands, and
returns cycles and counts. `SkipPolicy` says which zeros are skipped, `AdaptiveChooser` picks among policies as training
goes on, and the allocators say which channels go to which core and lane.

Other kinds of cores (`eyeriss_v2`, `scnn`, `systolic`) and the sparse one of a chip run single layers as a `LayerCore`.
`kinds` registers them, `chip_file` finds the core of any chip file, `layers` reads files of layers, and `cli` is
`cosim core`.
"""

from .adaptive import AdaptiveChooser, Choice, ZeroCounts
from .balance import (
    ChannelAllocator,
    RandomChannelAllocator,
    StaticOrder,
    WeightSparsityBalancer,
    channel_nonzeros,
)
from .banked import BankedResult, BankedTile, BankParams, TileModel
from .dcnn import Dcnn
from .engine import TileCosts, run_operation, run_tile, run_tiles
from .eyeriss_v2 import EyerissV2Pe, PeResult
from .layer_core import LayerCore, LayerRun, PairCounts, forward_pairs
from .operands import Operands
from .params import CoreParams
from .planar import PlanarTiling
from .policy import DENSE, SkipPolicy, StagePolicies
from .scnn import Scnn
from .systolic import Dataflow, Gemm, SystolicArray
from .tile import CoreCounts, Tile, TileResult

__all__ = [
    "DENSE",
    "AdaptiveChooser",
    "BankParams",
    "BankedResult",
    "BankedTile",
    "ChannelAllocator",
    "Choice",
    "CoreCounts",
    "CoreParams",
    "Dataflow",
    "Dcnn",
    "EyerissV2Pe",
    "Gemm",
    "LayerCore",
    "LayerRun",
    "Operands",
    "PairCounts",
    "PeResult",
    "PlanarTiling",
    "RandomChannelAllocator",
    "Scnn",
    "SkipPolicy",
    "StagePolicies",
    "StaticOrder",
    "SystolicArray",
    "Tile",
    "TileCosts",
    "TileModel",
    "TileResult",
    "WeightSparsityBalancer",
    "ZeroCounts",
    "channel_nonzeros",
    "forward_pairs",
    "run_operation",
    "run_tile",
    "run_tiles",
]
