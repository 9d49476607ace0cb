"""Makes a pruning schedule from its description."""

from __future__ import annotations

from .interface import CoarseUnit, PruningSchedule
from .none import NoPruning
from .schema import PruningSpec


def build_pruning(spec: PruningSpec) -> PruningSchedule:
    """The schedule that `spec` describes."""
    return NoPruning(CoarseUnit(spec.unit.channels_out, spec.unit.channels_in))
