"""How a tensor of an ONNX graph lies over a layer's output: axes, each a product of walks over it.

Exporters write attention as a chain of reshapes and transpositions, in which the channels come apart into heads and the
heads join the images. Here no element moves: an axis is a tuple of factors, outermost first, and a factor says by what
step it walks through the layer's images, positions or channels. What a chain does in the end is then read off its axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Of = Literal["images", "positions", "channels"]


class Factor(NamedTuple):
    """`size` steps of `step` through the images, positions (row-major) or channels of a layer's output."""

    of: Of
    size: int
    step: int


Axis = tuple[Factor, ...]
Axes = tuple[Axis, ...]


def joined(factors: Sequence[Factor]) -> Axis:
    """The same walk in the fewest factors: those of size 1 left out, neighbours that go on in step made one."""
    found: list[Factor] = []
    for of, size, step in factors:
        if size == 1:
            continue
        goes_on = bool(found) and (found[-1].of, found[-1].step) == (of, size * step)
        found.append(Factor(of, found.pop().size * size if goes_on else size, step))
    return tuple(found)


def size_of(axis: Axis) -> int:
    """Elements along an axis."""
    return math.prod(factor.size for factor in axis)


def sizes(axes: Axes) -> tuple[int, ...]:
    """The tensor's shape."""
    return tuple(size_of(axis) for axis in axes)


def image_axes(images: int, height: int, width: int, channels: int) -> Axes:
    """(n, c, h, w)."""
    walks = (Factor("images", images, 1), Factor("channels", channels, 1))
    return tuple(joined([f]) for f in (*walks, Factor("positions", height, width), Factor("positions", width, 1)))


def token_axes(images: int, tokens: int, channels: int) -> Axes:
    """(n, tokens, c)."""
    walks = (Factor("images", images, 1), Factor("positions", tokens, 1), Factor("channels", channels, 1))
    return tuple(joined([f]) for f in walks)


def flat_axes(images: int, channels: int) -> Axes:
    """(n, c)."""
    return (joined([Factor("images", images, 1)]), joined([Factor("channels", channels, 1)]))


def reshaped(axes: Axes, shape: Sequence[int]) -> Axes:
    """Other axes over the same elements in the same order. ValueError where a new axis would cut through a factor."""
    if math.prod(shape) != math.prod(sizes(axes)):
        raise ValueError(f"{list(sizes(axes))} into {list(shape)}")
    left = [factor for axis in axes for factor in axis]
    made: list[Axis] = []
    for size in shape:
        taken: list[Factor] = []
        wanted = size
        while wanted > 1:
            of, whole, step = left.pop(0)
            part = math.gcd(wanted, whole)
            if part < whole and part < wanted:
                raise ValueError(f"{list(sizes(axes))} into {list(shape)} cuts through its {of}")
            if part < whole:
                left.insert(0, Factor(of, whole // part, step))
                step *= whole // part
            taken.append(Factor(of, part, step))
            wanted //= part
        made.append(joined(taken))
    return tuple(made)


@dataclass(frozen=True)
class View:
    """A tensor that is the output of layer `layer`, or a part of it, times `scale`."""

    layer: str
    axes: Axes
    channel: int = 0
    position: int = 0
    """The first of each; others than 0 only after a selection."""
    scale: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor."""
        return sizes(self.axes)

    @property
    def factors(self) -> Axis:
        """Of all axes, in order."""
        return tuple(factor for axis in self.axes for factor in axis)

    def on(self, layer: str, channels: int | None = None) -> View:
        """The same axes over the output of another layer that has as many positions; `channels` for the last axis."""
        axes = self.axes
        if channels is not None:
            axes = (*axes[:-1], joined([Factor("channels", channels, 1)]))
        return View(layer, axes)

    def selected(self, axis: int, start: int, size: int) -> View:
        """Of one axis `size` elements from `start`. ValueError for images, or where the axis is no single walk."""
        (factor,) = self.axes[axis] or (Factor("channels", 1, 1),)
        if factor.of == "images" and size != factor.size:
            raise ValueError("takes images apart")
        axes = (*self.axes[:axis], joined([factor._replace(size=size)]), *self.axes[axis + 1 :])
        first = {"channels": self.channel, "positions": self.position}
        if factor.of in first:
            first[factor.of] += start * factor.step
        return replace(self, axes=axes, channel=first["channels"], position=first["positions"])

    def covers(self, of: Of, size: int) -> bool:
        """Whether all of a layer's positions or channels are there, each once."""
        start = self.channel if of == "channels" else self.position
        walks = sorted((factor for factor in self.factors if factor.of == of), key=lambda factor: -factor.step)
        return start == 0 and joined(walks) == joined([Factor(of, size, 1)])
