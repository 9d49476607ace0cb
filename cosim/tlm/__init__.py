"""Transaction-level modelling after TLM-2.0 (IEEE 1666-2011).

Payload, sockets for blocking and non-blocking transport with conversions between them, payload event queues, temporal
decoupling, direct memory access, debug transport, an address-decoding interconnect, a checker of the base protocol.
"""

from ..kernel.errors import BindingError
from .bus import Arbitration, Bus
from .checker import ProtocolChecker, ProtocolError
from .dmi import DirectMemory, DmiAccess
from .event_queue import PeqWithCallback, PeqWithGet
from .payload import Command, Extension, GenericPayload, PayloadPool, Response
from .phase import Phase, Sync
from .quantum import GlobalQuantum, QuantumKeeper
from .router import Router
from .socket import (
    InitiatorSocket,
    MultiInitiatorSocket,
    MultiTargetSocket,
    PassthroughTargetSocket,
    TaggedInitiatorSocket,
    TaggedTargetSocket,
    TargetExport,
    TargetSocket,
)
from .store import UNWRITTEN

__all__ = [
    "UNWRITTEN",
    "Arbitration",
    "BindingError",
    "Bus",
    "Command",
    "DirectMemory",
    "DmiAccess",
    "Extension",
    "GenericPayload",
    "GlobalQuantum",
    "InitiatorSocket",
    "MultiInitiatorSocket",
    "MultiTargetSocket",
    "PassthroughTargetSocket",
    "PayloadPool",
    "PeqWithCallback",
    "PeqWithGet",
    "Phase",
    "ProtocolChecker",
    "ProtocolError",
    "QuantumKeeper",
    "Response",
    "Router",
    "Sync",
    "TaggedInitiatorSocket",
    "TaggedTargetSocket",
    "TargetExport",
    "TargetSocket",
]
