"""Hypothesis strategies for users' own tests: scenarios near a given one, memory traffic, zero masks.

Needs the extra `testing` (Hypothesis). Everything shrinks towards the simplest: a scenario towards the one that was
given, traffic towards few, early, small, aligned reads, masks towards all or nothing.
"""

from .strategies import KEEP, Request, masks, scenarios, traffic

__all__ = ["KEEP", "Request", "masks", "scenarios", "traffic"]
