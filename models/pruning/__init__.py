"""Pruning schedules: which weights become zero when, and what deciding it costs. They know no hardware.

`interface` is what a chip model consumes (`PruneEvent`); `schedules` holds none, magnitude, cfp and scfp, made of
`gradual` (when and how much), `coarse` and `fine` (which); `schema` describes them in scenario files.
"""

from .full_form import all_pairs_operations
from .gradual import PruningError
from .interface import CoarseUnit, PruneEvent, PruningSchedule, count_coarse_zeros
from .schedules import (
    CoarseFinePruning,
    MagnitudePruning,
    NoPruning,
    StochasticCoarseFinePruning,
    build_pruning,
)
from .schema import NoPruningSpec, PruningSpec

__all__ = [
    "CoarseFinePruning",
    "CoarseUnit",
    "MagnitudePruning",
    "NoPruning",
    "NoPruningSpec",
    "PruneEvent",
    "PruningError",
    "PruningSchedule",
    "PruningSpec",
    "StochasticCoarseFinePruning",
    "all_pairs_operations",
    "build_pruning",
    "count_coarse_zeros",
]
