"""What the parts of a training run's report share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Chip = Mapping[str, Any]
"""One chip of a summary."""

MJ = 1e12
"""fJ in a millijoule."""
MS = 1e9
"""ps in a millisecond."""


def percent(share: float | None) -> float | None:
    """A share of 1 as percent; what is not known stays so."""
    return None if share is None else 100 * share
