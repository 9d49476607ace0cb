"""Whether a training can run on a chip at all, found before the run: what does not fit, and where it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic_core import PydanticCustomError

from cosim.scenario import misfit

from ..pruning import ActivationPruning, CoarseFinePruning, PruningError, PruningSchedule, PruningSpec
from ..tensors import Stage
from ..workload import LayerInfo, WorkloadError, WorkloadSpec, planned_layers
from .operand_bytes import buffers, split_for
from .spec import ChipSpec
from .tiling import DoesNotFitError, regions, sizes, spread, steps

Plan = tuple[tuple[LayerInfo, ...], PruningSchedule]


def plan(workload: WorkloadSpec, pruning: PruningSpec, seed: int) -> Plan | PydanticCustomError:
    """The layers and their schedule, or why there are none."""
    try:
        return planned_layers(workload, pruning, seed=seed)
    except WorkloadError as error:
        return misfit(str(error), "workload", *error.path)
    except PruningError as error:
        return misfit(str(error), "pruning", *error.path)


def chip_misfits(
    chip: ChipSpec, layers: Sequence[LayerInfo], schedule: PruningSchedule, *path: str | int
) -> Iterator[PydanticCustomError]:
    """What of these layers does not fit the chip that is described at `path`: for each memory, the first.

    The room that vector work needs beside a tile depends on how an iteration's steps are fused, and shows in the run.
    """
    found: set[tuple[str, ...]] = set()
    for layer in layers:
        for stage in Stage:
            if stage is Stage.BP and not layer.has_bp:
                continue
            try:
                _cut(chip, layer, stage)
            except DoesNotFitError as error:
                memory = error.args[3]
                if memory not in found:
                    found.add(memory)
                    yield misfit(str(error), *path, *memory, "size")
    yield from _pruning_unit(chip, layers, schedule, path)


def _cut(chip: ChipSpec, layer: LayerInfo, stage: Stage) -> None:
    """Cut one operation as the mapper will; which channels meet which core makes no difference to what fits."""
    split = split_for(chip, layer.shape, stage)
    channels = [range(*part) for part in spread(sizes(layer.shape, stage)[2], split.channels)]
    for tiles in regions(layer.shape, stage, split, channels):
        deepest = max(tile.depth[1] - tile.depth[0] for tile in tiles)
        for tile in tiles:
            next(steps(layer.name, layer.shape, stage, tile, buffers(chip, stage), deepest=deepest))


def _pruning_unit(
    chip: ChipSpec, layers: Sequence[LayerInfo], schedule: PruningSchedule, path: tuple[str | int, ...]
) -> Iterator[PydanticCustomError]:
    """The unit must hold one channel of every layer whose channels are compared."""
    if isinstance(schedule, ActivationPruning):
        schedule = schedule.weights
    if not isinstance(schedule, CoarseFinePruning):
        return
    room = chip.pruning_unit.memory.size
    for layer in layers:
        if not layer.has_weights:
            continue
        _, r, s, c = layer.shape.w_shape
        if schedule.final[layer.name] > 0 and r * s * c > room:
            what = f"layer '{layer.name}': a channel has {r * s * c} weights, of a byte each; it must hold one"
            yield misfit(what, *path, "pruning_unit", "memory", "size")
            return
