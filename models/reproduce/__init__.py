"""Published numbers, reproduced in the open: what is assumed, what is calibrated, what comes out, and what does not.

`record` is the record of assumptions that was fixed before any sparse point was run. A claim file (`schema`) names a
study; a study is made of points (`points`), single simulations that are run once and kept (`workers`), and evaluates
their results (`gain`, `throughput`, `same_workload`, `pruning`), with energies as linear forms of the table's elements
(`elements`).
`report`, `page`, `misses` and the plots (`surface`, `tornado`) show what came out; `cli` is `cosim reproduce`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .claims import load_claims, reproduce
    from .page import validation_page
    from .points import Point
    from .record import AssumedValue, AssumptionRecord, load_record
    from .schema import ClaimScenario
    from .workers import run_points

__all__ = [
    "AssumedValue",
    "AssumptionRecord",
    "ClaimScenario",
    "Point",
    "load_claims",
    "load_record",
    "reproduce",
    "run_points",
    "validation_page",
]

_HOMES = {
    "claims": ("load_claims", "reproduce"),
    "page": ("validation_page",),
    "points": ("Point",),
    "record": ("AssumedValue", "AssumptionRecord", "load_record"),
    "schema": ("ClaimScenario",),
    "workers": ("run_points",),
}


def __getattr__(name: str) -> Any:
    """Imported on use: `cosim reproduce` answers a wrong argument before the simulator is loaded."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f".{home}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
