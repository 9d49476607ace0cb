"""Pruning schedules: which weights become zero when, and what deciding it costs. They know no hardware."""

from .interface import CoarseUnit, PruneEvent, PruningSchedule, count_coarse_zeros
from .none import NoPruning

__all__ = ["CoarseUnit", "NoPruning", "PruneEvent", "PruningSchedule", "count_coarse_zeros"]
