"""The weight pruning unit: what it sees pass by, what it must fetch, and how long it computes."""

from .plan import FREE_PASSES, PruningPlan, plan_event

__all__ = ["FREE_PASSES", "PruningPlan", "plan_event"]
