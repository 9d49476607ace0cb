"""Makes schedules of their descriptions, and registers the built-in ones as anybody's are registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosim.registry import Registry, registry
from cosim.scenario import Spec

from ..tensors import ConvShape
from .activation import ActivationPruning
from .coarse_fine import CoarseFinePruning, StochasticCoarseFinePruning
from .gradual import GradualPruning
from .interface import CoarseUnit, InputPruning, PruningSchedule
from .lottery_ticket import LotteryTicketPruning
from .magnitude import MagnitudePruning
from .n_of_m import NOfMPruning
from .random_weights import RandomPruning
from .rigl import RiglPruning
from .schema import (
    FAMILY,
    ActivationSpec,
    CoarseFineSpec,
    GradualMagnitudeSpec,
    LotteryTicketSpec,
    MagnitudeSpec,
    NOfMSpec,
    NoPruningSpec,
    OneShotSpec,
    RandomSpec,
    RiglSpec,
    StochasticCoarseFineSpec,
)

Layers = Mapping[str, ConvShape]


def build_pruning(spec: Spec, layers: Layers, total_iterations: int, *, seed: int) -> PruningSchedule:
    """The schedule that `spec` describes, for these layers and this length of training.

    What is random in it comes from `seed`, in streams of its own. Raises PruningError where the description does not
    fit the layers or the training, and TypeError for a description that nobody has registered.
    """
    for component in registry().components(FAMILY).values():
        if component.model is type(spec) and component.factory is not None:
            schedule: PruningSchedule = component.factory(spec, layers, total_iterations, seed=seed)
            return schedule
    raise TypeError(f"no schedule is registered for a {type(spec).__name__}")


def _none(spec: NoPruningSpec, layers: Layers, total_iterations: int, *, seed: int) -> PruningSchedule:
    return PruningSchedule(CoarseUnit(spec.unit.channels_out, spec.unit.channels_in))


def _seedless(schedule: Any) -> Any:
    """For schedules in which nothing is random."""

    def build(spec: Any, layers: Layers, total_iterations: int, *, seed: int) -> PruningSchedule:
        built: PruningSchedule = schedule(spec, layers, total_iterations)
        return built

    return build


def _activation(spec: ActivationSpec, layers: Layers, total_iterations: int, *, seed: int) -> PruningSchedule:
    weights = build_pruning(spec.weights, layers, total_iterations, seed=seed)
    pruned = int(spec.share * spec.tile + 0.5)
    return ActivationPruning(weights, InputPruning(spec.tile, pruned), int(spec.begin * total_iterations))


def register(known: Registry) -> None:
    """Make the built-in schedules known: NAME in `pruning: {schedule: NAME}`."""
    known.component(FAMILY, "none", NoPruningSpec, _none)
    known.component(FAMILY, "one_shot", OneShotSpec, _seedless(MagnitudePruning))
    known.component(FAMILY, "magnitude", MagnitudeSpec, _seedless(MagnitudePruning))
    known.component(FAMILY, "gradual", GradualMagnitudeSpec, _seedless(GradualPruning))
    known.component(FAMILY, "random", RandomSpec, RandomPruning)
    known.component(FAMILY, "n_of_m", NOfMSpec, _seedless(NOfMPruning))
    known.component(FAMILY, "rigl", RiglSpec, RiglPruning)
    known.component(FAMILY, "lottery_ticket", LotteryTicketSpec, _seedless(LotteryTicketPruning))
    known.component(FAMILY, "cfp", CoarseFineSpec, _seedless(CoarseFinePruning))
    known.component(FAMILY, "scfp", StochasticCoarseFineSpec, StochasticCoarseFinePruning)
    known.component(FAMILY, "activation", ActivationSpec, _activation)
