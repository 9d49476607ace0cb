"""Sockets: how an initiator's calls reach a target.

`b_transport(payload, delay)` is a plain call. A target that does not wait returns the new annotated delay, an int; one
that waits returns a generator, to be run by the calling process, whose value is the new delay. So a transport that
does not wait costs one call:

    delay = socket.b_transport(payload, 0)
    if not isinstance(delay, int):
        delay = yield from delay
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from ..kernel.errors import BindingError
from ..kernel.module import Module
from .payload import GenericPayload

Delay = int | Generator[Any, Any, int]
BlockingTransport = Callable[[GenericPayload, int], Delay]
DebugTransport = Callable[[GenericPayload], int]


class TargetSocket:
    """The target's end: calls its `b_transport` and `transport_dbg` functions.

    `module` owns it; `peer` is the initiator socket bound to it, or None. Without a `transport_dbg` function, debug
    transport moves 0 bytes.
    """

    def __init__(
        self,
        module: Module,
        name: str,
        b_transport: BlockingTransport,
        transport_dbg: DebugTransport | None = None,
    ) -> None:
        self.module = module
        self.name = name
        self.full_name = f"{module.full_name}.{name}"
        self.peer: InitiatorSocket | None = None
        self.b_transport = b_transport
        self.transport_dbg: DebugTransport = transport_dbg or _no_debug


class InitiatorSocket:
    """The initiator's end. `module` owns it; `peer` is the target socket it is bound to, or None."""

    def __init__(self, module: Module, name: str) -> None:
        self.module = module
        self.name = name
        self.full_name = f"{module.full_name}.{name}"
        self.peer: TargetSocket | None = None
        self.b_transport: BlockingTransport = self._unbound_transport
        self.transport_dbg: DebugTransport = self._unbound_debug

    def bind(self, target: TargetSocket) -> None:
        """Connect to `target`; a socket is bound once (BindingError)."""
        if not isinstance(target, TargetSocket):
            raise BindingError(f"{self.full_name}: expected a target socket, got {type(target).__name__}")
        for socket in (self, target):
            if socket.peer is not None:
                raise BindingError(f"{socket.full_name} is bound already, to {socket.peer.full_name}")
        self.peer = target
        target.peer = self
        # Calls go straight to the target's functions: nothing stands between.
        self.b_transport = target.b_transport
        self.transport_dbg = target.transport_dbg

    def _unbound_transport(self, payload: GenericPayload, delay: int) -> Delay:
        raise BindingError(f"{self.full_name} is not bound")

    def _unbound_debug(self, payload: GenericPayload) -> int:
        raise BindingError(f"{self.full_name} is not bound")


def _no_debug(payload: GenericPayload) -> int:
    return 0
