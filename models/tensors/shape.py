"""Layer shapes and the three stages of training.

A linear layer is a convolution with h = w = r = s = 1, so every layer with weights has a `ConvShape`.
Axis names are the field's: n image, c input channel, h w input row and column, k output channel, r s filter
row and column, p q output row and column.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property


class Stage(enum.StrEnum):
    """Feed-forward, back-propagation of the error, weight gradient."""

    FF = "ff"
    BP = "bp"
    WG = "wg"


@dataclass(frozen=True)
class ConvShape:
    """The shape of one convolution (or linear layer) over a batch.

    Tensors: X and dX (n, h, w, c); W and dW (k, r, s, c // groups); Y and dY (n, p, q, k).
    Raises ValueError where a size is below 1, the padding is negative, the channels do not divide into the
    groups, or no output is left.
    """

    n: int
    c: int
    h: int
    w: int
    k: int
    r: int
    s: int
    stride: int = 1
    pad: int = 0
    groups: int = 1

    def __post_init__(self) -> None:
        for name in ("n", "c", "h", "w", "k", "r", "s", "stride", "groups"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.pad < 0:
            raise ValueError(f"pad must not be negative, got {self.pad}")
        if self.c % self.groups or self.k % self.groups:
            raise ValueError(f"c={self.c} and k={self.k} must both divide into {self.groups} groups")
        if self.p < 1 or self.q < 1:
            raise ValueError(f"a {self.r}x{self.s} filter leaves no output of a {self.h}x{self.w} input")

    @cached_property
    def p(self) -> int:
        """Output rows."""
        return (self.h + 2 * self.pad - self.r) // self.stride + 1

    @cached_property
    def q(self) -> int:
        """Output columns."""
        return (self.w + 2 * self.pad - self.s) // self.stride + 1

    @cached_property
    def x_shape(self) -> tuple[int, int, int, int]:
        """Shape of X and dX."""
        return (self.n, self.h, self.w, self.c)

    @cached_property
    def w_shape(self) -> tuple[int, int, int, int]:
        """Shape of W and dW."""
        return (self.k, self.r, self.s, self.c // self.groups)

    @cached_property
    def y_shape(self) -> tuple[int, int, int, int]:
        """Shape of Y and dY."""
        return (self.n, self.p, self.q, self.k)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of one stage without any skipping; padding positions are not counted.

        The same for FF, BP and WG: each is a sum over the same pairs of (x, w, y).
        """
        rows = sum(self._valid(self.h, self.p, offset) for offset in range(self.r))
        columns = sum(self._valid(self.w, self.q, offset) for offset in range(self.s))
        return self.n * rows * columns * (self.c // self.groups) * self.k

    def _valid(self, size: int, outputs: int, offset: int) -> int:
        """How many outputs see a real input, not padding, at this filter row or column."""
        return sum(0 <= output * self.stride + offset - self.pad < size for output in range(outputs))
