"""The sparse core: its parameters, what it skips, and the scan-and-queue engine that counts its cycles.

`run_tile` takes one core's part of an operation (a layer's FF, BP or WG) with the real zero masks of its operands, and
returns cycles and counts. `SkipPolicy` says which zeros are skipped, `AdaptiveChooser` picks among policies as training
goes on, and the allocators say which channels go to which core and lane.
"""

from .adaptive import AdaptiveChooser, Choice, ZeroCounts
from .balance import (
    ChannelAllocator,
    RandomChannelAllocator,
    StaticOrder,
    WeightSparsityBalancer,
    channel_nonzeros,
)
from .banked import BankedResult, BankedTile, BankParams
from .engine import run_operation, run_tile
from .eyeriss_v2 import EyerissV2Pe, PeResult
from .operands import Operands
from .params import CoreParams
from .policy import DENSE, SkipPolicy, StagePolicies
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
    "EyerissV2Pe",
    "Operands",
    "PeResult",
    "RandomChannelAllocator",
    "SkipPolicy",
    "StagePolicies",
    "StaticOrder",
    "Tile",
    "TileResult",
    "WeightSparsityBalancer",
    "ZeroCounts",
    "channel_nonzeros",
    "run_operation",
    "run_tile",
]
