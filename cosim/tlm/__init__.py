"""Transaction-level modelling after TLM-2.0 (IEEE 1666-2011): payload, sockets, address-decoding interconnect."""

from .payload import Command, GenericPayload, Response
from .router import Router
from .socket import BindingError, InitiatorSocket, TargetSocket

__all__ = [
    "BindingError",
    "Command",
    "GenericPayload",
    "InitiatorSocket",
    "Response",
    "Router",
    "TargetSocket",
]
