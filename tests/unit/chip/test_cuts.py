"""The cores' steps: worked out once for every geometry, the channels filled in each time."""

from pathlib import Path

import numpy as np
import pytest

from cosim.models.chip.cuts import Cuts, by_output
from cosim.models.chip.operand_bytes import buffers, split_for
from cosim.models.chip.spec import ChipSpec
from cosim.models.chip.tiling import DoesNotFitError, Split, regions, steps
from cosim.models.tensors import ConvShape, Stage
from cosim.models.workload import Operation
from cosim.scenario import load_component

PNPU = load_component(Path(__file__).parents[3] / "scenarios" / "chips" / "pnpu.yaml", ChipSpec)
SHAPES = (
    ConvShape(n=2, c=48, h=14, w=14, k=80, r=3, s=3, pad=1),
    ConvShape(n=1, c=64, h=28, w=28, k=64, r=3, s=3, pad=1, groups=64),
    ConvShape(n=4, c=700, h=1, w=1, k=90, r=1, s=1),
)


def shuffled(count, parts, seed):
    return [part.tolist() for part in np.array_split(np.random.default_rng(seed).permutation(count), parts)]


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("shape", SHAPES, ids=["3x3", "depthwise", "linear"])
def test_the_same_as_cutting_anew(shape, stage):
    operation = Operation("layer", stage, shape, (), "")
    split = split_for(PNPU, shape, stage)
    cuts = Cuts(PNPU)
    for seed in (1, 2, 2):
        channels = shuffled(shape.c if stage is Stage.BP else shape.k, split.channels, seed)
        expected = []
        for tiles in regions(shape, stage, split, channels):
            deepest = max(tile.depth[1] - tile.depth[0] for tile in tiles)
            room = buffers(PNPU, stage)
            expected.append(
                [by_output(list(steps("layer", shape, stage, tile, room, deepest=deepest))) for tile in tiles]
            )
        assert cuts.of(operation, split, channels) == expected


def test_what_does_not_fit_is_said_of_the_layer_that_is_cut():
    shape = ConvShape(n=1, c=1, h=1, w=9000, k=1, r=1, s=1)
    cuts = Cuts(PNPU)
    for layer in ("first", "second"):
        operation = Operation(layer, Stage.FF, shape, (), "")
        with pytest.raises(DoesNotFitError, match=f"^layer '{layer}', stage ff: one row of outputs needs"):
            cuts.of(operation, split_for(PNPU, shape, Stage.FF), [[0]])


def test_steps_are_grouped_by_their_outputs():
    shape = SHAPES[2]
    [[tile]] = regions(shape, Stage.FF, Split(1, 1, 1), [list(range(90))])
    cut = list(steps("layer", shape, Stage.FF, tile, buffers(PNPU, Stage.FF)))
    grouped = by_output(cut)
    assert [step for group in grouped for step in group] == cut
    assert all(group[0].first and group[-1].last for group in grouped)
    assert not any(step.first for group in grouped for step in group[1:])
