"""Task graphs and the units that execute them: what happens in which order, and where the time went.

A `TaskGraph` is complete before it runs: every task names its unit, what it depends on and its work. A `Unit` is a
SimPy process that executes its tasks strictly in program order. `critical_path` says what a wait was for.
"""

from .critical_path import longest_path_ps, time_by_reason
from .graph import Kind, Task, TaskGraph
from .unit import CycleUnit, Unit

__all__ = ["CycleUnit", "Kind", "Task", "TaskGraph", "Unit", "longest_path_ps", "time_by_reason"]
