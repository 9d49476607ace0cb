import pytest

from cosim.models.core import CoreCounts, Tile, TileResult
from cosim.models.tensors import ConvShape, Stage

SHAPE = ConvShape(n=2, c=8, h=6, w=5, k=12, r=3, s=3, groups=2)


@pytest.mark.parametrize(
    ("stage", "rows", "channels", "depth"), [(Stage.FF, 4, 12, 4), (Stage.BP, 6, 8, 6), (Stage.WG, 4, 12, 4)]
)
def test_the_whole_operation(stage, rows, channels, depth):
    whole = Tile.whole(SHAPE, stage)
    assert whole == Tile((0, 2), (0, rows), tuple(range(channels)), (0, depth))
    whole.check(SHAPE, stage)
    assert Tile.whole(SHAPE, stage, [3, 1]).channels == (3, 1)


@pytest.mark.parametrize(
    ("stage", "outputs", "longest"),
    [(Stage.FF, 5 * 2 * 3, 9 * 3), (Stage.BP, 5 * 2 * 5, 9 * 3), (Stage.WG, 5 * 9 * 3, 2 * 3)],
)
def test_outputs_and_the_longest_walk(stage, outputs, longest):
    tile = Tile((1, 2), (1, 3), (0, 1, 2, 4, 7), (1, 4))
    assert (tile.outputs(SHAPE, stage), tile.longest_walk(SHAPE, stage)) == (outputs, longest)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": (0, 3)}, r"^images: expected a range within 0\.\.2, got 0\.\.3$"),
        ({"rows": (2, 2)}, r"^rows: expected a range within 0\.\.4, got 2\.\.2$"),
        ({"depth": (-1, 2)}, r"^depth: "),
        ({"channels": (0, 12)}, r"^channels: expected indices below 12, got 0\.\.12$"),
        ({"channels": (3, 3)}, r"^channels: each channel can be given once$"),
    ],
)
def test_a_tile_lies_inside_its_operation(change, message):
    fields = {"images": (0, 2), "rows": (0, 4), "channels": (0, 1), "depth": (0, 4)} | change
    with pytest.raises(ValueError, match=message):
        Tile(**fields).check(SHAPE, Stage.FF)


def test_counts_add_up():
    counts = CoreCounts(*range(18))
    assert counts + counts == CoreCounts(*range(0, 36, 2))
    result = TileResult(*range(18), cycles=4, group_cycles=(4,), lane_busy_cycles=(4, 1), mac_slots=8)
    assert result + counts == CoreCounts(*range(0, 36, 2))
    assert result.skipped_macs == 5 + 6 + 7 + 8 + 9
    assert result.utilisation == 0.5
