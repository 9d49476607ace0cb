"""Which output channels a core computes, and in which order they meet its lanes.

An allocator returns, for each core, its channels in lane order: the core cuts them into groups of `group` outputs that
run side by side and wait for their slowest (`Tile.channels`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..tensors import Stage
from .operands import Operands

Nonzeros = npt.NDArray[np.int64]


class ChannelAllocator(Protocol):
    """Spreads channels over cores and lanes; the same input gives the same answer, always."""

    def allocate(self, nonzeros: Nonzeros, cores: int, group: int) -> tuple[tuple[int, ...], ...]:
        """The channels of each core, in lane order: every channel 0 .. len(nonzeros) - 1 once.

        `nonzeros` is the work of each channel (`channel_nonzeros`). Raises ValueError for fewer than one core or lane.
        """
        ...


@dataclass(frozen=True)
class StaticOrder:
    """Channels in their order, in equal shares: the first cores get one more where they do not divide."""

    def allocate(self, nonzeros: Nonzeros, cores: int, group: int) -> tuple[tuple[int, ...], ...]:
        """See ChannelAllocator."""
        _check(cores, group)
        return _shares(np.arange(len(nonzeros)), cores)


@dataclass(frozen=True)
class RandomChannelAllocator:
    """A random permutation of the channels, in equal shares: breaks up neighbours that are pruned alike."""

    seed: int

    def allocate(self, nonzeros: Nonzeros, cores: int, group: int) -> tuple[tuple[int, ...], ...]:
        """See ChannelAllocator."""
        _check(cores, group)
        return _shares(np.random.default_rng(self.seed).permutation(len(nonzeros)), cores)


@dataclass(frozen=True)
class WeightSparsityBalancer:
    """Puts channels with alike numbers of non-zeros side by side, and gives every core its share of heavy ones.

    Assumption (the chip's own algorithm is not published): channels are sorted by non-zeros, most first, ties by index;
    cut into groups of `group`, so that the lanes of a barrier have nearly equal work; and the groups are dealt to the
    cores there and back (0, 1, ..., n-1, n-1, ..., 1, 0, 0, ...), so that the cores' sums are nearly equal.
    """

    def allocate(self, nonzeros: Nonzeros, cores: int, group: int) -> tuple[tuple[int, ...], ...]:
        """See ChannelAllocator."""
        _check(cores, group)
        ordered = np.argsort(-np.asarray(nonzeros), kind="stable").tolist()
        shares: list[list[int]] = [[] for _ in range(cores)]
        for turn, start in enumerate(range(0, len(ordered), group)):
            round_, place = divmod(turn, cores)
            shares[cores - 1 - place if round_ % 2 else place].extend(ordered[start : start + group])
        return tuple(tuple(share) for share in shares)


def channel_nonzeros(stage: Stage, operands: Operands) -> Nonzeros:
    """Non-zeros of the other operand per output channel: W per k (FF), W per c (BP; groups=1), dY per k (WG).

    Raises ValueError where the operand is missing.
    """
    mask = operands.dy if stage is Stage.WG else operands.w
    if mask is None:
        raise ValueError(f"stage {stage} needs the operand {'dy' if stage is Stage.WG else 'w'}")
    if stage is Stage.FF:
        return mask.counts(1)
    return np.asarray(mask.to_bool().sum(axis=(0, 1, 2), dtype=np.int64))


def _check(cores: int, group: int) -> None:
    if cores < 1 or group < 1:
        raise ValueError(f"expected at least one core and one lane a group, got {cores} and {group}")


def _shares(channels: npt.NDArray[np.int64], cores: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(share.tolist()) for share in np.array_split(channels, cores))
