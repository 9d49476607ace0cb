"""Points of one layer at given densities: FF, BP and WG of a single training iteration without pruning events."""

from __future__ import annotations

from ..chip import ChipSpec
from ..chip.training import TrainingScenario
from ..dram.spec import MemorySpec
from ..pruning.schema import NoPruningSpec
from ..workload.schema import Densities, StatisticalLayer, StatisticalSpec
from .densities import SurfacePoint
from .points import Point

__all__ = ["DENSE", "layer_point"]

DENSE = SurfacePoint(input=1.0, weight=1.0, coarse=0.0)


def layer_point(
    chips: ChipSpec | tuple[ChipSpec, ...],
    memory: MemorySpec,
    layer: StatisticalLayer,
    at: SurfacePoint,
    seed: int,
    *,
    gradient: float | None = None,
) -> Point:
    """The layer at these densities, gradients as dense as inputs or as `gradient` says. ValidationError where it does
    not fit a chip."""
    chip, *baselines = chips if isinstance(chips, tuple) else (chips,)
    density = Densities(x=at.input, w=at.weight, dy=at.input if gradient is None else gradient, coarse_share=at.coarse)
    workload = StatisticalSpec(
        fidelity="statistical",
        layers=(layer.model_copy(update={"density": density}),),
        coarse_unit=chip.core.coarse_unit,
    )
    scenario = TrainingScenario(
        schema_version=1,
        kind="training",
        name="",
        description="",
        seed=seed,
        chip=chip,
        baselines=tuple(baselines),
        memory=memory,
        workload=workload,
        pruning=NoPruningSpec(schedule="none"),
    )
    return Point.of(scenario)
