"""Makes a workload from its description."""

from __future__ import annotations

from ..pruning import NoPruningSpec, build_pruning
from .data import load_dataset
from .functional import FunctionalWorkload, MakePruning
from .schema import FunctionalSpec, WorkloadSpec
from .statistical import StatisticalWorkload


def build_workload(
    spec: WorkloadSpec, pruning: MakePruning | None = None, *, seed: int
) -> FunctionalWorkload | StatisticalWorkload:
    """The workload that `spec` describes, with a pruning schedule (`pruning.build_pruning`); without one, dense.

    Everything random comes from `seed`, in streams named by their purpose. Raises NetworkError for a network that does
    not fit together or its data, PruningError for a schedule that does not fit the network, ValueError for data that
    are not what their loader reads, OSError for a file that cannot be read.
    """
    pruning = pruning or build_pruning(NoPruningSpec(), seed=seed)
    if isinstance(spec, FunctionalSpec):
        return FunctionalWorkload(spec, load_dataset(spec.data.loader, spec.data.file), pruning, seed=seed)
    return StatisticalWorkload(spec, pruning, seed=seed)
