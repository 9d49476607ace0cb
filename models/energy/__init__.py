"""Energy: counts times a table, in integers of femtojoules."""

from .table import ACTIONS, EnergyEntry, EnergyTableSpec, MissingEnergyError, energy_fj

__all__ = ["ACTIONS", "EnergyEntry", "EnergyTableSpec", "MissingEnergyError", "energy_fj"]
