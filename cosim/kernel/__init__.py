"""The simulation kernel: SimPy's event queue with SystemC's delta cycles inside and engines between the instants."""

from .channel import PrimitiveChannel
from .clock import Clock
from .clock_domain import ClockDomain
from .engine import Attachment, Engine, EngineError
from .errors import (
    BindingError,
    BindInterfaceError,
    ChannelInsertionError,
    CompleteBindingError,
    DeadlockError,
    ElaborationError,
    ExportInterfaceError,
    FifoPortError,
    GetInterfaceError,
    ModuleInsertionError,
    MultipleDriverError,
    PortInsertionError,
    StoppedError,
    ZeroTimeLoopError,
)
from .event import AndList, Event, OrList, Wait, wait
from .event_queue import EventQueue
from .fifo import Fifo
from .hierarchy import NamedObject
from .join import Join, fork
from .logic import Logic, LogicVector, ResolvedSignal
from .method import Method
from .module import Module
from .mutex import Mutex, Semaphore
from .port import BindingPolicy, Export, In, InOut, Out, Port
from .process import Process, Timeout
from .report import Action, ReportError, Reports, ReportType, Severity, SimulationWarning, Verbosity
from .resolution import TimeResolution
from .sc_process import ProcessKilled, ProcessReset, ScProcess
from .scheduler import Status, StopMode
from .signal import Buffer, Signal, WriterPolicy
from .simulator import Simulator
from .thread import Thread
from .time import NEVER

__all__ = [
    "NEVER",
    "Action",
    "AndList",
    "Attachment",
    "BindInterfaceError",
    "BindingError",
    "BindingPolicy",
    "Buffer",
    "ChannelInsertionError",
    "Clock",
    "ClockDomain",
    "CompleteBindingError",
    "DeadlockError",
    "ElaborationError",
    "Engine",
    "EngineError",
    "Event",
    "EventQueue",
    "Export",
    "ExportInterfaceError",
    "Fifo",
    "FifoPortError",
    "GetInterfaceError",
    "In",
    "InOut",
    "Join",
    "Logic",
    "LogicVector",
    "Method",
    "Module",
    "ModuleInsertionError",
    "MultipleDriverError",
    "Mutex",
    "NamedObject",
    "OrList",
    "Out",
    "Port",
    "PortInsertionError",
    "PrimitiveChannel",
    "Process",
    "ProcessKilled",
    "ProcessReset",
    "ReportError",
    "ReportType",
    "Reports",
    "ResolvedSignal",
    "ScProcess",
    "Semaphore",
    "Severity",
    "Signal",
    "SimulationWarning",
    "Simulator",
    "Status",
    "StopMode",
    "StoppedError",
    "Thread",
    "TimeResolution",
    "Timeout",
    "Verbosity",
    "Wait",
    "WriterPolicy",
    "ZeroTimeLoopError",
    "fork",
    "wait",
]
