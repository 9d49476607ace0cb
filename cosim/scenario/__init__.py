"""Scenario files: the schema's base classes, the loader, and the run with its folder.

`load_scenario(file)` reads a file and everything it refers to, or raises ScenarioError with all that is wrong, each
with its place; `run_scenario(loaded, out)` runs it, `run_sweep(loaded, out)` one that has a `sweep:`. What a scenario
can be is registered in `cosim.registry`. The base classes for schemas are `ScenarioSpec` and `Spec`; quantities with
units are in `cosim.quantity`.
"""

from .checkpoint import Checkpoint, CheckpointError, Every, RunInterrupted, State
from .context import Progress, RunContext
from .errors import Position, Problem, ScenarioError
from .folder import RunFolderError
from .loader import (
    LoadedComponent,
    LoadedScenario,
    load_component,
    load_described,
    load_entries,
    load_scenario,
)
from .result import RunResult
from .runner import run_scenario
from .spec import InputFile, Registered, ScenarioSpec, Spec, misfit, misfits
from .sweep import Parameter, Sweep, SweepPoint, sweep_points
from .sweep_result import PointFailure, PointResult, SweepResult
from .sweep_runner import SweepInterrupted, run_sweep

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "Every",
    "InputFile",
    "LoadedComponent",
    "LoadedScenario",
    "Parameter",
    "PointFailure",
    "PointResult",
    "Position",
    "Problem",
    "Progress",
    "Registered",
    "RunContext",
    "RunFolderError",
    "RunInterrupted",
    "RunResult",
    "ScenarioError",
    "ScenarioSpec",
    "Spec",
    "State",
    "Sweep",
    "SweepInterrupted",
    "SweepPoint",
    "SweepResult",
    "load_component",
    "load_described",
    "load_entries",
    "load_scenario",
    "misfit",
    "misfits",
    "run_scenario",
    "run_sweep",
    "sweep_points",
]
