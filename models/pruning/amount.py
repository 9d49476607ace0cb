"""When and how much: the ramp, the rounds, and how a target for the whole network is shared out over its layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..tensors import ConvShape
from .schema import GradualSpec, RoundsSpec, SparsitySpec


class PruningError(ValueError):
    """A pruning description that does not fit its network; `args` are (text, path below the description)."""

    exit_code = 2

    def __init__(self, text: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(text, path)
        self.path = path

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Ramp:
    """Sparsity from 0 to a final value: final * (1 - (1 - t) ** 3), t from 0 at `begin` to 1 at `end`.

    Events are every `period` iterations after `begin`, and one at `end`, all in iterations.
    Source: Zhu and Gupta, "To prune, or not to prune", arXiv 1710.01878, section 3.
    """

    begin: int
    end: int
    period: int

    def is_event(self, iteration: int) -> bool:
        """Whether pruning happens in this iteration."""
        if not self.begin < iteration <= self.end:
            return False
        return (iteration - self.begin) % self.period == 0 or iteration == self.end

    def number(self, iteration: int) -> int:
        """How many events came before this one."""
        return -(-(iteration - self.begin) // self.period) - 1

    def fraction(self, iteration: int) -> float:
        """The share of the final sparsity that is due in this iteration, in [0, 1]."""
        if iteration >= self.end:
            return 1.0
        left = 1.0 - max(0, iteration - self.begin) / (self.end - self.begin)
        return 1.0 - left * left * left


def build_ramp(spec: GradualSpec, total_iterations: int) -> Ramp:
    """The ramp of a training of so many iterations; PruningError where it is too short for one event."""
    begin, end = int(spec.begin * total_iterations), int(spec.end * total_iterations)
    end = min(end, total_iterations - 1)
    if begin >= end:
        raise PruningError(f"{total_iterations} iterations leave no room for pruning from {spec.begin} to {spec.end}")
    return Ramp(begin, end, spec.period)


@dataclass(frozen=True)
class Rounds:
    """Pruning in few rounds, each of which prunes the same share of the weights that the one before it has left.

    `iterations` are those of the rounds, in order.
    """

    iterations: tuple[int, ...]

    def is_event(self, iteration: int) -> bool:
        """Whether a round ends in this iteration."""
        return iteration in self.iterations

    def sparsity(self, iteration: int, final: float) -> float:
        """What is due in this iteration, where `final` is due in the end: 1 - (1 - final) ** (round / rounds)."""
        done = sum(at <= iteration for at in self.iterations)
        if done == len(self.iterations):
            return final
        kept, share = 1.0, root(1.0 - final, len(self.iterations))
        for _ in range(done):
            kept *= share
        return 1.0 - kept


def root(value: float, degree: int) -> float:
    """The root of a number in [0, 1], of multiplications and comparisons alone, so that its bytes are the same
    everywhere."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        power = 1.0
        for _ in range(degree):
            power *= middle
        low, high = (middle, high) if power < value else (low, middle)
    return high


def build_rounds(spec: RoundsSpec, total_iterations: int) -> Rounds:
    """The rounds of a training of so many iterations, evenly from `begin` to `end`; PruningError where two would
    fall together."""
    begin, end = int(spec.begin * total_iterations), min(int(spec.end * total_iterations), total_iterations - 1)
    steps = max(1, spec.rounds - 1)
    at = [begin + (end - begin) * step // steps for step in range(spec.rounds)] if spec.rounds > 1 else [end]
    if len(set(at)) < len(at) or at[0] < 0:
        raise PruningError(
            f"{total_iterations} iterations leave no room for {spec.rounds} rounds from {spec.begin} to {spec.end}"
        )
    return Rounds(tuple(at))


def single_round(at: float, total_iterations: int) -> Rounds:
    """One round, after the share `at` of the training. PruningError where there is no iteration."""
    if total_iterations < 1:
        raise PruningError("no iterations leave no room for pruning")
    return Rounds((min(int(at * total_iterations), total_iterations - 1),))


def final_sparsities(spec: SparsitySpec, layers: Mapping[str, ConvShape]) -> dict[str, float]:
    """The final sparsity of every layer, so that the network as a whole has `spec.sparsity`.

    Layers named in `spec.layers` have their own; the others share the rest equally. PruningError for an unknown
    layer, or where the others would need less than none or more than all.
    """
    unknown = [name for name in spec.layers if name not in layers]
    if unknown:
        raise PruningError(
            f"pruning names layer {unknown[0]!r}; the network has: {', '.join(layers)}", ("layers", unknown[0])
        )
    sizes = {name: int(np.prod(shape.w_shape)) for name, shape in layers.items()}
    fixed = sum(spec.layers[name] * sizes[name] for name in layers if name in spec.layers)
    others = sum(sizes[name] for name in layers if name not in spec.layers)
    rest = spec.sparsity * sum(sizes.values()) - fixed
    if not others:
        return dict(spec.layers)
    share = rest / others
    if not 0.0 <= share <= 1.0:
        raise PruningError(
            f"a sparsity of {spec.sparsity} is not possible: "
            f"the layers without one of their own would need {share:.3f}",
            ("sparsity",),
        )
    return {name: spec.layers.get(name, share) for name in layers}
