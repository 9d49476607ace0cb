"""The steps of each core of an operation, by the outputs that they work on.

Where the cuts are depends on shapes, capacities and how many channels each core has; which channels these are changes
with the weights. So the cuts are worked out once, and only the channels filled in for each iteration.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from ..core import Tile
from ..tensors import ConvShape, Stage
from ..workload import Operation
from .operand_bytes import buffers
from .spec import ChipSpec
from .tiling import Split, Step, regions, steps

CoreSteps = list[list[Step]]
"""Of one core: for each of its tiles of outputs, the steps that work on it."""

_Channels = tuple[tuple[int, ...], ...]


class Cuts:
    """Cuts operations for the cores of one chip."""

    def __init__(self, spec: ChipSpec) -> None:
        self._spec = spec
        self._patterns: dict[tuple[ConvShape, Stage, Split, tuple[int, ...]], list[list[CoreSteps]]] = {}
        self._last: dict[tuple[str, Stage], tuple[ConvShape, Split, _Channels, list[list[CoreSteps]]]] = {}

    def of(self, operation: Operation, split: Split, channels: Sequence[Sequence[int]]) -> list[list[CoreSteps]]:
        """The cores' steps, those that share outputs side by side. Do not change them: they are kept.

        Raises DoesNotFitError.
        """
        given = tuple(map(tuple, channels))
        place = (operation.layer, operation.stage)
        known = self._last.get(place)
        if known is not None and known[:3] == (operation.shape, split, given):
            return known[3]
        cut = self._filled_in(self._pattern(operation, split, tuple(map(len, given))), given)
        self._last[place] = (operation.shape, split, given, cut)
        return cut

    def _pattern(self, operation: Operation, split: Split, sizes: tuple[int, ...]) -> list[list[CoreSteps]]:
        """The steps, with ranks in the order of all channels instead of channels."""
        shape, stage = operation.shape, operation.stage
        key = (shape, stage, split, sizes)
        pattern = self._patterns.get(key)
        if pattern is None:
            room = buffers(self._spec, stage)
            ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
            ranks = [range(end - size, end) for end, size in zip(ends, sizes, strict=True)]
            pattern = []
            for tiles in regions(shape, stage, split, ranks):
                deepest = max(tile.depth[1] - tile.depth[0] for tile in tiles)
                cuts = (steps(operation.layer, shape, stage, tile, room, deepest=deepest) for tile in tiles)
                pattern.append([by_output(list(cut)) for cut in cuts])
            self._patterns[key] = pattern
        return pattern

    def _filled_in(self, pattern: list[list[CoreSteps]], channels: _Channels) -> list[list[CoreSteps]]:
        order = tuple(chain(*channels))
        picked: dict[tuple[int, ...], tuple[int, ...]] = {}

        def of(step: Step) -> Step:
            tile = step.tile
            ranks = tile.channels
            if ranks not in picked:
                picked[ranks] = order[ranks[0] : ranks[-1] + 1]
            filled = Tile(tile.images, tile.rows, picked[ranks], tile.depth)
            return Step(filled, step.reuses_other, step.first, step.last)

        return [[[list(map(of, tile)) for tile in core] for core in partners] for partners in pattern]


def by_output(all_steps: Sequence[Step]) -> CoreSteps:
    """The steps grouped by the outputs that they work on."""
    groups: CoreSteps = []
    for step in all_steps:
        if step.first:
            groups.append([])
        groups[-1].append(step)
    return groups
