"""Energy: counts times a table, in integers of femtojoules; tables by element, scaled between nodes and supplies."""

from .scaling import energy_factor
from .table import (
    ACTIONS,
    ELEMENTS,
    MAC_FORMATS,
    SRAM,
    EnergyEntry,
    EnergyTableSpec,
    Level,
    MissingEnergyError,
    Node,
    SramEntry,
    energy_fj,
    half_up,
    nanometres,
)

__all__ = [
    "ACTIONS",
    "ELEMENTS",
    "MAC_FORMATS",
    "SRAM",
    "EnergyEntry",
    "EnergyTableSpec",
    "Level",
    "MissingEnergyError",
    "Node",
    "SramEntry",
    "energy_factor",
    "energy_fj",
    "half_up",
    "nanometres",
]
