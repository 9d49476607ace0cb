"""Transaction-level modelling after TLM-2.0 (IEEE 1666-2011): payload, sockets, address-decoding interconnect."""

from ..kernel.errors import BindingError
from .payload import Command, GenericPayload, Response
from .router import Router
from .socket import InitiatorSocket, TargetSocket

__all__ = [
    "BindingError",
    "Command",
    "GenericPayload",
    "InitiatorSocket",
    "Response",
    "Router",
    "TargetSocket",
]
