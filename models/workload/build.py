"""Makes a workload from its description."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ..pruning import NoPruningSpec, PruningError, PruningSchedule, PruningSpec, build_pruning
from ..tensors import ConvShape
from . import loaders  # noqa: F401  (they register)
from .data import load_dataset
from .functional import FunctionalWorkload
from .graph import Graph
from .interface import LayerInfo
from .masks import NetworkDensities
from .schema import FunctionalSpec, TraceSpec, WorkloadSpec
from .statistical import StatisticalWorkload, statistical_layers
from .trace import TraceWorkload

_DENSE = NoPruningSpec()


def build_workload(
    spec: WorkloadSpec, pruning: PruningSpec = _DENSE, *, seed: int
) -> FunctionalWorkload | StatisticalWorkload | TraceWorkload:
    """The workload that `spec` and `pruning` describe.

    Everything random comes from `seed`, in streams named by their purpose. Raises NetworkError for a network that does
    not fit together or its data, DataError for data that cannot be read or are too few, PruningError for a schedule
    that does not fit the network.
    """
    make_pruning = partial(build_pruning, pruning, seed=seed)
    if isinstance(spec, FunctionalSpec):
        dataset = load_dataset(spec.data.loader, spec.data.file, **spec.data.others)
        return FunctionalWorkload(spec, dataset, make_pruning, seed=seed)
    if isinstance(spec, TraceSpec):
        _unpruned(pruning)
        return TraceWorkload(spec)
    return StatisticalWorkload(spec, partial(_without_values, pruning, seed=seed), seed=seed)


def planned_layers(
    spec: WorkloadSpec, pruning: PruningSpec = _DENSE, *, seed: int
) -> tuple[tuple[LayerInfo, ...], PruningSchedule]:
    """The layers and the schedule that `build_workload` would train, with the same errors, but without drawing the
    masks and weights of a statistical workload."""
    if isinstance(spec, FunctionalSpec):
        schedules: list[PruningSchedule] = []

        def keep(layers: Mapping[str, ConvShape], total: int) -> PruningSchedule:
            schedules.append(build_pruning(pruning, layers, total, seed=seed))
            return schedules[0]

        dataset = load_dataset(spec.data.loader, spec.data.file, **spec.data.others)
        return FunctionalWorkload(spec, dataset, keep, seed=seed).layers, schedules[0]
    if isinstance(spec, TraceSpec):
        _unpruned(pruning)
        workload = TraceWorkload(spec)
        return workload.layers, _without_values(pruning, {}, workload.total_iterations, seed=seed)
    layers = statistical_layers(spec)
    if spec.network is not None:
        NetworkDensities(Graph(spec.network), spec.density, spec.densities)
    shapes = {layer.name: layer.shape for layer in layers if layer.has_weights}
    return layers, _without_values(pruning, shapes, spec.iterations, seed=seed)


def _unpruned(spec: PruningSpec) -> None:
    if not isinstance(spec, NoPruningSpec):
        raise PruningError("a trace has its zeros already: only the schedule none goes with it", ("schedule",))


def _without_values(spec: PruningSpec, layers: Mapping[str, ConvShape], total: int, *, seed: int) -> PruningSchedule:
    """A schedule for a workload that has masks only. PruningError where it needs values that nobody computes."""
    schedule = build_pruning(spec, layers, total, seed=seed)
    needs = {
        "gradients": any(map(schedule.needs_gradients, range(total))),
        "the weights of an earlier iteration": schedule.snapshot_iteration is not None,
        "the values of activations": any(schedule.prunes_inputs(index) is not None for index in range(total)),
    }
    for what, needed in needs.items():
        if needed:
            raise PruningError(f"this schedule needs {what}: it goes with `fidelity: functional` only", ("schedule",))
    return schedule
