"""Where in the planes non-zeros lie: in clumps, as in the feature maps of photographs.

A statistical workload asks for it with `planes:` (a `PlanesSpec`): left out, every element lies where it is drawn;
`planes: {}` takes `persistence` and `common` as fitted to VGG16; either can be given. It moves activations (`x`) of
planes of more than one row and column; weights, gradients, tokens and linear layers stay. docs/workloads.md says what
it was fitted to.

An element is non-zero where a random height is among the lowest of its channel and image: as many of them as are
non-zero without this, so that the count of every channel and image stays what it was and only places change. A height
is the sum of octaves: a field that is constant on squares of 1, 2, 4, ... pixels, up to half the plane or more, each
square's height uniform, the squares' corner random. The variance of an octave is `persistence` times that of the next
finer one: 1 is a plane without a scale of its own, as images are. Of each octave the share `common` is the same for all
channels: a place where one channel has much, others have, too.

The finest octave of a channel's own is what decides without clustering. So with `persistence` 0 and `common` 0 the
masks are bit for bit the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..numerics.streams import Stream
from ..pruning.interface import Mask
from .schema import PlanesSpec

Float64Array = npt.NDArray[np.float64]


def clustered(masks: Sequence[Mask], noise: Float64Array, planes: PlanesSpec, stream: Stream) -> tuple[Mask, ...]:
    """The masks (n, h, w, c) with their non-zeros moved within image and channel; nested ones stay nested.

    `noise`, of the same shape and in [0, 1), decides among neighbours: the low ones are non-zero. Counts of each image
    and channel stay; what is drawn depends on `stream`, `planes` and the shape alone.
    """
    images, rows, columns, channels = noise.shape
    moved = [np.empty(mask.shape, dtype=np.bool_) for mask in masks]
    shares = octaves(planes.persistence, rows, columns)
    for image in range(images):
        heights = (noise[image] - 0.5) * np.sqrt((1.0 - planes.common) * shares[0])
        _add_octaves(heights, (1.0 - planes.common) * shares, stream, 1)
        if planes.common > 0.0:
            shared = np.zeros((rows, columns, 1))
            _add_octaves(shared, planes.common * shares, stream, 0)
            heights += shared
        # The place of each element in its channel's order: equal heights in the order of the places.
        by_channel = np.ascontiguousarray(heights.reshape(rows * columns, channels).T)
        order = np.argsort(by_channel, axis=1, kind="stable")
        places = np.empty_like(order)
        np.put_along_axis(places, order, np.arange(rows * columns)[None, :], axis=1)
        for mask, result in zip(masks, moved, strict=True):
            counts = mask[image].sum(axis=(0, 1))
            result[image] = (places < counts[:, None]).T.reshape(rows, columns, channels)
    return tuple(moved)


def octaves(persistence: float, rows: int, columns: int) -> Float64Array:
    """The share of the variance of each octave, the finest first; they sum to 1."""
    count = max(1, (max(rows, columns) - 1).bit_length())
    shares = np.empty(count)
    share, total = 1.0, 0.0
    for octave in range(count):
        shares[octave] = share
        total += share
        share *= persistence
    return np.asarray(shares / total)


def _add_octaves(heights: Float64Array, variances: Float64Array, stream: Stream, first: int) -> None:
    rows, columns, channels = heights.shape
    for octave in range(first, len(variances)):
        if variances[octave] == 0.0:
            continue
        side = 1 << octave
        top, left = (int(word % np.uint64(side)) for word in stream.words(2))
        lattice = ((rows + top - 1) // side + 1, (columns + left - 1) // side + 1, channels)
        squares = (stream.uniform(int(np.prod(lattice))) - 0.5).reshape(lattice) * np.sqrt(variances[octave])
        of_row, of_column = (np.arange(rows) + top) // side, (np.arange(columns) + left) // side
        heights += squares[of_row[:, None], of_column[None, :]]
