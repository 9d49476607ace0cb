"""Whether a training can run on a chip at all, found before the run: what does not fit, and where it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from pydantic_core import PydanticCustomError

from cosim.scenario import misfit

from ..pruning import ActivationPruning, CoarseFinePruning, PruningError, PruningSchedule, PruningSpec
from ..tensors import ConvShape, Stage
from ..workload import LayerInfo, WorkloadError, WorkloadSpec, planned_layers
from .operand_bytes import buffers, split_for
from .spec import ChipSpec
from .tiling import Buffers, DoesNotFitError, Split, regions, sizes, spread, steps

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
            error = _misfit(layer.shape, stage, split_for(chip, layer.shape, stage), buffers(chip, stage))
            if error is not None and error.args[3] not in found:
                found.add(error.args[3])
                yield misfit(str(DoesNotFitError(layer.name, *error.args[1:])), *path, *error.args[3], "size")
    yield from _pruning_unit(chip, layers, schedule, path)


# NOTE: layers of one shape, chips with equal cores, and the points of a sweep ask the same: most of their validation.
@lru_cache(maxsize=4096)
def _misfit(shape: ConvShape, stage: Stage, split: Split, room: Buffers) -> DoesNotFitError | None:
    """Cut one operation as the mapper will; which channels meet which core makes no difference to what fits. What does
    not fit is said of a layer without a name."""
    channels = [range(*part) for part in spread(sizes(shape, stage)[2], split.channels)]
    for tiles in regions(shape, stage, split, channels):
        deepest = max(tile.depth[1] - tile.depth[0] for tile in tiles)
        for tile in tiles:
            try:
                next(steps("", shape, stage, tile, room, deepest=deepest))
            except DoesNotFitError as error:
                return error
    return None


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
