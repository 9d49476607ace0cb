"""Makes a workload from its description."""

from __future__ import annotations

from functools import partial

from ..pruning import NoPruningSpec, PruningSpec, build_pruning
from .data import load_dataset
from .functional import FunctionalWorkload
from .schema import FunctionalSpec, WorkloadSpec
from .statistical import StatisticalWorkload

_DENSE = NoPruningSpec()


def build_workload(
    spec: WorkloadSpec, pruning: PruningSpec = _DENSE, *, seed: int
) -> FunctionalWorkload | StatisticalWorkload:
    """The workload that `spec` and `pruning` describe.

    Everything random comes from `seed`, in streams named by their purpose. Raises NetworkError for a network that does
    not fit together or its data, PruningError for a schedule that does not fit the network, ValueError for data that
    are not what their loader reads, OSError for a file that cannot be read.
    """
    make_pruning = partial(build_pruning, pruning, seed=seed)
    if isinstance(spec, FunctionalSpec):
        dataset = load_dataset(spec.data.loader, spec.data.file)
        return FunctionalWorkload(spec, dataset, make_pruning, seed=seed)
    return StatisticalWorkload(spec, make_pruning, seed=seed)
