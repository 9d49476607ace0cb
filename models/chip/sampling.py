"""Which training iterations are simulated, what each stands for, and how far the totals can be off for it.

Iterations with a pruning event and those without are apart, and each kind is cut into runs of consecutive iterations,
so that a sample follows the training from its dense start to its sparse end whatever is drawn. Exact arithmetic
throughout: an interval's bytes are the same everywhere.

Sources: stratified sampling with finite-population correction and degrees of freedom after Satterthwaite: Cochran,
"Sampling Techniques", 3rd edition, sections 5.3 to 5.5; successive differences for systematic samples: Wolter,
"Introduction to Variance Estimation", 2nd edition, section 8.2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from cosim.scenario import Spec

from ..numerics.streams import Stream

Count = Annotated[int, Field(ge=1)]

LEVEL = 0.95
# Quantile 0.975 of Student's t in thousandths, by degrees of freedom; between two entries the one before holds (wider).
_T = dict(
    zip(
        (*range(1, 21), 25, 30, 40, 60, 120, 1000),
        (
            *(12706, 4303, 3182, 2776, 2571, 2447, 2365, 2306, 2262, 2228, 2201, 2179, 2160, 2145, 2131, 2120, 2110),
            *(2101, 2093, 2086, 2060, 2042, 2021, 2000, 1980, 1962),
        ),
        strict=True,
    )
)


class SimulateSpec(Spec):
    """Which training iterations are simulated in detail; all of them train."""

    every: Count = Field(
        default=1, description="one of so many consecutive iterations (each with and without pruning event)"
    )
    choose: Literal["middle", "random"] = Field(
        default="middle", description="the middle one of `every`, or two of twice `every` at random"
    )
    seed: int = Field(
        default=0, ge=0, description="of the random choice, beside the scenario's: other values, other samples"
    )


@dataclass(frozen=True)
class Stratum:
    """So many iterations, of which these are simulated, in order. `systematic`: taken at even distances, not drawn."""

    size: int
    simulated: tuple[int, ...]
    systematic: bool = False


@dataclass(frozen=True)
class Sample:
    """The iterations that are simulated; `weights`: for how many iterations each stands, itself included."""

    strata: tuple[Stratum, ...]
    weights: Mapping[int, int]

    def __contains__(self, iteration: object) -> bool:
        return iteration in self.weights

    def total(self, values: Mapping[int, int]) -> int:
        """The estimate of the sum over the whole training, of a value of each simulated iteration."""
        return sum(weight * values[iteration] for iteration, weight in self.weights.items())

    def half_width(self, values: Mapping[int, int]) -> int | None:
        """Half of the total's 95 % interval, rounded up; 0 where everything is simulated, None where a stratum has one
        iteration of several, which says nothing of the others."""
        variance, spread = Fraction(0), Fraction(0)
        for stratum in self.strata:
            drawn = [values[iteration] for iteration in stratum.simulated]
            if len(drawn) == stratum.size:
                continue
            if len(drawn) == 1:
                return None
            part = stratum.size * Fraction(stratum.size - len(drawn), len(drawn)) * _variance(drawn, stratum.systematic)
            variance += part
            spread += part * part / (len(drawn) - 1)
        if not variance:
            return 0
        freedom = max(1, int(variance * variance / spread))
        quantile = _T[max(known for known in _T if known <= freedom)]
        square = variance * quantile * quantile / 1_000_000
        return math.isqrt(-(-square.numerator // square.denominator) - 1) + 1


def _variance(drawn: list[int], systematic: bool) -> Fraction:
    """Of the values of a stratum: from their mean, or from one to the next, which a trend does not inflate."""
    if systematic:
        squares = sum((after - before) ** 2 for before, after in itertools.pairwise(drawn))
        return Fraction(squares, 2 * (len(drawn) - 1))
    mean = Fraction(sum(drawn), len(drawn))
    return sum(((value - mean) ** 2 for value in drawn), Fraction(0)) / (len(drawn) - 1)


def choose(total: int, spec: SimulateSpec, prunes_in: Callable[[int], bool], *, seed: int) -> Sample:
    """The sample that `spec` describes of a training of `total` iterations.

    Unbiased where it is random: each iteration of a stratum is as likely as any other. A stratum that is left over at
    the end is drawn more densely, so that each of its iterations stands for a whole number.
    """
    strata: list[Stratum] = []
    weights: dict[int, int] = {}
    stream = Stream(seed, f"sampling/{spec.seed}")
    for event in (False, True):
        members = [index for index in range(total) if prunes_in(index) is event]
        if spec.choose == "middle" or spec.every == 1:
            parts = [members[first : first + spec.every] for first in range(0, len(members), spec.every)]
            taken = [part[len(part) // 2] for part in parts]
            weights.update(zip(taken, map(len, parts), strict=True))
            if members:
                strata.append(Stratum(len(members), tuple(taken), systematic=True))
            continue
        for first in range(0, len(members), 2 * spec.every):
            part = members[first : first + 2 * spec.every]
            if len(part) % 2 or len(part) == 2:
                # Simulated without being drawn: it stands for itself, and the others are an even number.
                certain = part[len(part) & ~1 :] or part
                part = part[: len(part) - len(certain)]
                strata += [Stratum(1, (index,)) for index in certain]
                weights.update(dict.fromkeys(certain, 1))
            if part:
                drawn = sorted(part[place] for place in stream.permutation(len(part))[:2])
                strata.append(Stratum(len(part), tuple(drawn)))
                weights.update(dict.fromkeys(drawn, len(part) // 2))
    return Sample(tuple(strata), dict(sorted(weights.items())))
