"""Pruning schedules: which weights become zero when, and what deciding it costs. They know no hardware.

`interface` is what a chip model consumes (`PruneEvent`) and what a schedule extends (`PruningSchedule`); `schema`
describes schedules in scenario files, `build` makes and registers them. One file for each kind: `gradual`, `magnitude`
(in rounds, at once), `random_weights`, `n_of_m`, `rigl`, `lottery_ticket`, `coarse_fine` (cfp and scfp), `activation`.
They share `amount` (when and how much), `fine` (the smallest weights of each layer) and `coarse` (which units);
`full_form` is what scfp is compared with.
"""

from .activation import ActivationPruning, kept_inputs
from .amount import PruningError
from .build import build_pruning
from .coarse_fine import CoarseFinePruning, StochasticCoarseFinePruning
from .full_form import all_pairs_operations
from .gradual import GradualPruning
from .interface import CoarseUnit, InputPruning, PruneEvent, PruningSchedule, count_coarse_zeros, fine_event
from .lottery_ticket import LotteryTicketPruning
from .magnitude import MagnitudePruning
from .n_of_m import NOfMPruning
from .random_weights import RandomPruning
from .rigl import RiglPruning
from .schema import NoPruningSpec, PruningSpec

__all__ = [
    "ActivationPruning",
    "CoarseFinePruning",
    "CoarseUnit",
    "GradualPruning",
    "InputPruning",
    "LotteryTicketPruning",
    "MagnitudePruning",
    "NOfMPruning",
    "NoPruningSpec",
    "PruneEvent",
    "PruningError",
    "PruningSchedule",
    "PruningSpec",
    "RandomPruning",
    "RiglPruning",
    "StochasticCoarseFinePruning",
    "all_pairs_operations",
    "build_pruning",
    "count_coarse_zeros",
    "fine_event",
    "kept_inputs",
]
