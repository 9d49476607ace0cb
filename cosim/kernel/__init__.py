"""The simulation kernel: SimPy's event queue with SystemC's delta cycles inside and engines between the instants."""

from .clock_domain import ClockDomain
from .engine import Attachment, Engine, EngineError
from .errors import DeadlockError, ZeroTimeLoopError
from .module import Module
from .process import Process, Timeout
from .simulator import Simulator
from .time import NEVER

__all__ = [
    "NEVER",
    "Attachment",
    "ClockDomain",
    "DeadlockError",
    "Engine",
    "EngineError",
    "Module",
    "Process",
    "Simulator",
    "Timeout",
    "ZeroTimeLoopError",
]
