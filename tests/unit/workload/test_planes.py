"""Non-zeros cluster in their planes as measured; their counts stay, and without clustering nothing moves."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.numerics.streams import Stream
from cosim.models.workload.masks import Draws
from cosim.models.workload.planes import clustered, octaves
from cosim.models.workload.schema import PlanesSpec
from studies.planes import unevenness
from studies.scnn import VGG16

PAGE = Path(__file__).parents[3] / "docs/workloads.md"
NONE = PlanesSpec(persistence=0.0, common=0.0)

# Layer: rows and columns, channels, density; of 8 x 8 tiles the variance of channels' densities and their covariance,
# as shares of the largest variance; the fullest tile over the mean one, and its deviation between photographs.
# Source: inputs of VGG16's layers for eight photographs (docs/workloads.md; studies/planes.py measures).
MEASURED = {
    "conv3_1": (56, 128, 0.659, 0.165, 0.0123, 1.13, 0.06),
    "conv3_2": (56, 256, 0.546, 0.250, 0.0180, 1.23, 0.08),
    "conv3_3": (56, 256, 0.505, 0.238, 0.0091, 1.23, 0.07),
    "conv4_1": (28, 256, 0.453, 0.292, 0.0305, 1.33, 0.21),
    "conv4_2": (28, 512, 0.350, 0.376, 0.0083, 1.31, 0.09),
    "conv4_3": (28, 512, 0.298, 0.390, 0.0089, 1.37, 0.09),
    "conv5_1": (14, 512, 0.233, 0.604, 0.0213, 1.65, 0.18),
    "conv5_2": (14, 512, 0.236, 0.675, 0.0114, 1.64, 0.08),
    "conv5_3": (14, 512, 0.198, 0.718, 0.0174, 1.82, 0.18),
}
SEEDS = 4


def drawn(shape, density, planes, seed=1, channels=None):
    return Draws(seed, 0.0, channels, planes).mask("layer", "x", shape, density)


def test_tiles_are_as_uneven_as_measured_and_as_the_documentation_says():
    found = {}
    for name, (size, channels, density, *_) in MEASURED.items():
        shape = (1, size, size, channels)
        masks = [drawn(shape, density, PlanesSpec(), seed, VGG16) for seed in range(SEEDS)]
        found[name] = np.mean([unevenness(mask[0], 8) for mask in masks], axis=0)
    for name, (*_, fullest, deviation) in MEASURED.items():
        assert found[name][2] == pytest.approx(fullest, abs=2 * deviation)
    real, model = np.array([of[3:6] for of in MEASURED.values()]).mean(axis=0), np.mean(list(found.values()), axis=0)
    assert model == pytest.approx(real, rel=0.15)
    assert table_of_the_documentation() == {size: row_of_plane(size, found) for size in (56, 28, 14)}


def row_of_plane(size, found):
    """Measured and drawn in turn: the means over the layers that read a plane of that size, as they are printed."""
    names = [name for name, of in MEASURED.items() if of[0] == size]
    pairs = zip(
        np.mean([MEASURED[name][3:6] for name in names], axis=0),
        np.mean([found[name] for name in names], axis=0),
        ("{:.3f}", "{:.3f}", "{:.2f}"),
        strict=True,
    )
    return [form.format(value) for *pair, form in pairs for value in pair]


def table_of_the_documentation():
    rows = re.findall(r"^\| (\d+) x \d+ \(conv\d\) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(size): cells.split(" | ") for size, cells in rows}


def test_apart_from_that_tiles_differ_as_independent_elements_do():
    own, common, fullest = unevenness(drawn((1, 56, 56, 256), 0.5, None)[0], 8)
    assert own == pytest.approx(1 / 49, rel=0.05)
    assert abs(common) < 0.0003
    assert fullest < 1.03


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 13), st.integers(1, 13), st.integers(1, 5)),
    densities=st.lists(st.floats(0, 1), min_size=1, max_size=3),
    persistence=st.floats(0, 4),
    common=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_counts_stay_and_nested_masks_stay_nested(shape, densities, persistence, common, seed):
    noise = Stream(seed, "noise").uniform(int(np.prod(shape))).reshape(shape)
    masks = [noise < density for density in sorted(densities)]
    planes = PlanesSpec(persistence=persistence, common=common)
    moved = clustered(masks, noise, planes, Stream(seed, "planes"))
    for before, after in zip(masks, moved, strict=True):
        assert (before.sum(axis=(1, 2)) == after.sum(axis=(1, 2))).all()
    for thin, dense in pairwise(moved):
        assert not (thin & ~dense).any()
    again = clustered(masks, noise, planes, Stream(seed, "planes"))
    assert all((one == other).all() for one, other in zip(moved, again, strict=True))
    assert all(
        (one == other).all() for one, other in zip(masks, clustered(masks, noise, NONE, Stream(0, "")), strict=True)
    )


def test_a_workload_moves_activations_alone_and_nothing_without_clustering():
    shape, densities = (2, 12, 12, 16), (0.3, 0.6)
    plain, still, moved, other = (
        Draws(seed, 0.5, None, planes) for seed, planes in ((1, None), (1, NONE), (1, PlanesSpec()), (2, PlanesSpec()))
    )
    before = plain.nested("a", "x", shape, densities, "/0")
    after = moved.nested("a", "x", shape, densities, "/0")
    for one, same, clumped in zip(before, still.nested("a", "x", shape, densities, "/0"), after, strict=True):
        assert (one == same).all()
        assert (one != clumped).any()
        assert (one.sum(axis=(1, 2)) == clumped.sum(axis=(1, 2))).all()
    assert (after[1] != other.nested("a", "x", shape, densities, "/0")[1]).any()
    assert (after[1] != moved.nested("a", "x", shape, densities, "/1")[1]).any()
    for tensor, of in (("dy", shape), ("x", (2, 1, 1, 64)), ("x", (2, 1, 64, 8))):
        assert (plain.mask("a", tensor, of, 0.4) == moved.mask("a", tensor, of, 0.4)).all()
    weights = ("a", ("input", 16), (8, 3, 3, 16), 0.4)
    assert (plain.weights(*weights) == moved.weights(*weights)).all()


def test_octaves_reach_half_the_plane():
    assert octaves(1.0, 14, 14).tolist() == [0.25] * 4
    assert octaves(2.0, 8, 3).tolist() == [1 / 7, 2 / 7, 4 / 7]
    assert octaves(0.0, 224, 224).tolist() == [1.0] + [0.0] * 7
    assert octaves(1.1, 1, 1).tolist() == [1.0]


def test_what_is_common_puts_all_channels_into_the_same_places():
    mask = drawn((1, 16, 16, 6), 0.5, PlanesSpec(persistence=1.0, common=1.0))[0]
    counts = mask.sum(axis=(0, 1))
    order = np.argsort(counts)
    for fewer, more in pairwise(order):
        assert not (mask[:, :, fewer] & ~mask[:, :, more]).any()


def test_a_known_placement():
    """Squares of 2 x 2 in a plane of 2 x 3, whose corner is where the stream says; low heights are non-zero."""
    stream = Stream(7, "known")
    top, left = (int(word % np.uint64(2)) for word in stream.words(2))
    assert octaves(3.0, 2, 3).tolist() == [0.25, 0.75]
    lattice = ((2 + top - 1) // 2 + 1, (3 + left - 1) // 2 + 1)
    squares = (stream.uniform(int(np.prod(lattice))) - 0.5).reshape(lattice)
    noise = np.array([[0.1, 0.9, 0.4], [0.6, 0.2, 0.7]])
    heights = [
        [(noise[i, j] - 0.5) * 0.25**0.5 + squares[(i + top) // 2, (j + left) // 2] * 0.75**0.5 for j in range(3)]
        for i in range(2)
    ]
    lowest = sorted(height for row in heights for height in row)[:3]
    (moved,) = clustered(
        [noise[None, :, :, None] < 0.5],
        noise[None, :, :, None],
        PlanesSpec(persistence=3.0, common=0.0),
        Stream(7, "known"),
    )
    assert moved[0, :, :, 0].tolist() == [[height in lowest for height in row] for row in heights]
