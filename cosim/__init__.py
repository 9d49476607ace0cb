"""cosim: an event-driven, SystemC-style co-simulator of sparse DNN-training chips.

What lives here is the framework and knows no hardware: the simulation kernel, TLM, tracing, scenario files,
reports and the command line. The hardware and the workloads are in `cosim.models`.
"""

from ._install import check_installation

__version__ = "0.1.0"

# Before anything else is imported: a stale installation must not fail in some other, baffling way.
check_installation(__version__)

from .kernel import (  # noqa: E402
    NEVER,
    Clock,
    ClockDomain,
    DeadlockError,
    Engine,
    Event,
    EventQueue,
    Export,
    Fifo,
    In,
    InOut,
    Module,
    Mutex,
    Out,
    Port,
    Process,
    Semaphore,
    Signal,
    Simulator,
    ZeroTimeLoopError,
    wait,
)

__all__ = [
    "NEVER",
    "Clock",
    "ClockDomain",
    "DeadlockError",
    "Engine",
    "Event",
    "EventQueue",
    "Export",
    "Fifo",
    "In",
    "InOut",
    "Module",
    "Mutex",
    "Out",
    "Port",
    "Process",
    "Semaphore",
    "Signal",
    "Simulator",
    "ZeroTimeLoopError",
    "__version__",
    "wait",
]
