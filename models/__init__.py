"""The hardware and the workloads, installed as `cosim.models`.

From the leaves upward (imports go this way only): `tensors` (shapes, stages, zero masks), `numerics`, `energy`;
`sram`, `noc`, `dram`, then `fabric`, which links them; `dma`, `core`, `vector`, `pruning_unit`, the units that
work; `workload` and `pruning`, which know no hardware; `chip`, which knows all; `reproduce`, which runs chips against
published numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cosim.registry import Registry

__all__ = ["register"]


def register(registry: Registry) -> None:
    """Make the built-in models known to the framework; the entry point `builtin` of the group `cosim.models`."""
    from .chip.registration import register as register_chip  # noqa: PLC0415  (pydantic models, on use)
    from .reproduce.registration import register as register_claims  # noqa: PLC0415

    register_chip(registry)
    register_claims(registry)
