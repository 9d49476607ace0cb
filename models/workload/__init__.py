"""Training workloads: networks, data, training. They know no hardware.

`interface` is what a chip model consumes: `Iteration`s of `Operation`s, `VectorWork` and `PruneEvent`s. Behind it are
`functional` (the network really trains), `trace` (masks recorded in a real training) and `statistical` (seeded masks of
given densities); `build_workload` makes any of them from its description in `schema`, a network from `network_schema`.
`graph` is what they share of a network, `notes` what its vector work costs, `importers` where other tools' networks
come in.
"""

from .build import build_workload, planned_layers
from .data import Dataset, load_dataset, register_loader
from .errors import DataError, NetworkError, WorkloadError
from .functional import FunctionalWorkload, TrainingDiverged
from .interface import (
    Iteration,
    LayerInfo,
    LayerSparsity,
    Operation,
    Step,
    TensorBytes,
    VectorWork,
    Workload,
)
from .network import Network
from .network_schema import NetworkSpec
from .schema import FunctionalSpec, StatisticalSpec, TraceSpec, WorkloadSpec
from .statistical import StatisticalWorkload
from .trace import TraceWorkload

__all__ = [
    "DataError",
    "Dataset",
    "FunctionalSpec",
    "FunctionalWorkload",
    "Iteration",
    "LayerInfo",
    "LayerSparsity",
    "Network",
    "NetworkError",
    "NetworkSpec",
    "Operation",
    "StatisticalSpec",
    "StatisticalWorkload",
    "Step",
    "TensorBytes",
    "TraceSpec",
    "TraceWorkload",
    "TrainingDiverged",
    "VectorWork",
    "Workload",
    "WorkloadError",
    "WorkloadSpec",
    "build_workload",
    "load_dataset",
    "planned_layers",
    "register_loader",
]
