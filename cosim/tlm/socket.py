"""Sockets: how an initiator's calls reach a target, and back.

`b_transport(payload, delay)` is a plain call. A target that does not wait returns the new annotated delay, an int; one
that waits returns a generator, to be run by the calling process, whose value is the new delay. So a transport that
does not wait costs one call:

    delay = socket.b_transport(payload, 0)
    if not isinstance(delay, int):
        delay = yield from delay

`socket.transport(payload, 0)` is these three lines as a generator or awaitable.

`nb_transport_fw(payload, phase, delay)` and `nb_transport_bw` never wait; they return (sync, phase, delay).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from types import coroutine
from typing import TYPE_CHECKING, Any, ClassVar

from ..kernel.channel import Bindable
from ..kernel.errors import BindingError, CompleteBindingError
from ..kernel.hierarchy import NamedObject
from .dmi import DirectMemory
from .payload import GenericPayload
from .phase import Phase, Sync

if TYPE_CHECKING:
    from ..kernel.module import Module

Delay = int | Generator[Any, Any, int]
BlockingTransport = Callable[[GenericPayload, int], Delay]
NonBlockingResult = tuple[Sync, Phase, int]
NonBlockingTransport = Callable[[GenericPayload, Phase, int], NonBlockingResult]
DebugTransport = Callable[[GenericPayload], int]
GetDirectMemory = Callable[[GenericPayload], tuple[bool, DirectMemory]]
InvalidateDirectMemory = Callable[[int, int], None]


class Socket(NamedObject):
    """What both ends share: `module` owns the socket."""

    def __init__(self, module: Module, name: str) -> None:
        super().__init__(module, name)
        self.module: Module = module

    def _check_free(self, peer: Socket | None) -> None:
        if peer is not None:
            raise BindingError(f"{self.full_name} is bound already, to {peer.full_name}")


class TargetSocket(Socket):
    """The target's end: calls the target's functions.

    `peer` is the initiator socket bound to it, or None. At least one of `b_transport` and `nb_transport_fw` is given;
    the other is made of it (cosim.tlm.adapters). Without a `transport_dbg` function debug transport moves 0 bytes,
    without a `get_direct_mem_ptr` function direct access is refused. `nb_transport_bw` and `invalidate_direct_mem_ptr`
    call the initiator.
    """

    kind: ClassVar[str] = "target_socket"
    _converts: ClassVar[bool] = True

    def __init__(
        self,
        module: Module,
        name: str,
        b_transport: BlockingTransport | None = None,
        transport_dbg: DebugTransport | None = None,
        *,
        nb_transport_fw: NonBlockingTransport | None = None,
        get_direct_mem_ptr: GetDirectMemory | None = None,
    ) -> None:
        super().__init__(module, name)
        from .adapters import BlockingAdapter, NonBlockingAdapter  # noqa: PLC0415 (they need sockets)

        if b_transport is None and nb_transport_fw is None:
            raise BindingError(f"{self.full_name}: a target needs b_transport or nb_transport_fw")
        self.peer: InitiatorSocket | None = None
        self.transport_dbg: DebugTransport = transport_dbg or _no_debug
        self.get_direct_mem_ptr: GetDirectMemory = get_direct_mem_ptr or _no_direct_memory
        self.nb_transport_bw: NonBlockingTransport = self._unbound_backward
        self.invalidate_direct_mem_ptr: InvalidateDirectMemory = _ignore_invalidation
        self._adapter: BlockingAdapter | None = None
        if not self._converts:
            b_transport = b_transport or self._not_offered
            nb_transport_fw = nb_transport_fw or self._not_offered
        if b_transport is None:
            assert nb_transport_fw is not None
            self._adapter = BlockingAdapter(self, nb_transport_fw)
            b_transport = self._adapter.b_transport
        if nb_transport_fw is None:
            nb_transport_fw = NonBlockingAdapter(self, b_transport).nb_transport_fw
        self.b_transport: BlockingTransport = b_transport
        self.nb_transport_fw: NonBlockingTransport = nb_transport_fw

    def accept(self, initiator: InitiatorSocket) -> TargetSocket:
        """The target socket that `initiator` gets when it binds to this one: this one."""
        self._check_free(self.peer)
        self.peer = initiator
        self._take_backward(initiator)
        return self

    def _take_backward(self, initiator: InitiatorSocket) -> None:
        backward = initiator._nb_transport_bw
        adapter = self._adapter
        if adapter is not None:
            # Its own transactions end in the adapter, those of a non-blocking initiator go on to it.
            adapter.initiator_bw = backward
            backward = adapter.nb_transport_bw
        if backward is not None:
            self.nb_transport_bw = backward
        if initiator._invalidate is not None:
            self.invalidate_direct_mem_ptr = initiator._invalidate

    def _unbound_backward(self, payload: GenericPayload, phase: Phase, delay: int) -> NonBlockingResult:
        raise BindingError(f"{self.full_name}: no initiator with nb_transport_bw is bound")

    def _not_offered(self, *_: Any) -> Any:
        raise BindingError(f"{self.full_name}: not offered by the target, and the socket converts nothing")


class PassthroughTargetSocket(TargetSocket):
    """A target socket without conversions: a transport that the target does not offer is an error when it is called."""

    _converts = False


class TaggedTargetSocket(TargetSocket):
    """A target socket whose functions get `tag` as first argument, so that several sockets can share them."""

    def __init__(
        self,
        module: Module,
        name: str,
        tag: Any,
        b_transport: Callable[[Any, GenericPayload, int], Delay] | None = None,
        transport_dbg: Callable[[Any, GenericPayload], int] | None = None,
        *,
        nb_transport_fw: Callable[[Any, GenericPayload, Phase, int], NonBlockingResult] | None = None,
        get_direct_mem_ptr: Callable[[Any, GenericPayload], tuple[bool, DirectMemory]] | None = None,
    ) -> None:
        self.tag = tag
        super().__init__(
            module,
            name,
            _tagged(b_transport, tag),
            _tagged(transport_dbg, tag),
            nb_transport_fw=_tagged(nb_transport_fw, tag),
            get_direct_mem_ptr=_tagged(get_direct_mem_ptr, tag),
        )


class TargetExport(Socket, Bindable):
    """A module's target socket that leads to one of its parts: `bind` it to that, before or after the initiator comes.

    CompleteBindingError at the end of elaboration if it is not bound.
    """

    kind: ClassVar[str] = "target_socket"

    def __init__(self, module: Module, name: str) -> None:
        super().__init__(module, name)
        self.target: TargetSocket | MultiTargetSocket | TargetExport | None = None
        self._waiting: list[InitiatorSocket] = []
        if not self.simulator.elaborated:
            self.simulator._ports.append(self)

    def bind(self, target: TargetSocket | MultiTargetSocket | TargetExport) -> None:
        """Lead to `target`, a socket of a part; once (BindingError)."""
        self._check_free(self.target)
        if not isinstance(target, TargetSocket | MultiTargetSocket | TargetExport):
            raise BindingError(f"{self.full_name}: expected a target socket, got {type(target).__name__}")
        self.target = target
        waiting, self._waiting = self._waiting, []
        for initiator in waiting:
            initiator._connect(self.accept(initiator))

    def accept(self, initiator: InitiatorSocket) -> TargetSocket | None:
        """The target socket that `initiator` gets, or None: later."""
        if self.target is None:
            self._waiting.append(initiator)
            return None
        return self.target.accept(initiator)

    def _resolve(self) -> list[Any]:
        if self.target is None:
            raise CompleteBindingError(f"{self.full_name} is not bound")
        return []


class InitiatorSocket(Socket, Bindable):
    """The initiator's end. `peer` is the target socket it is bound to, or None.

    CompleteBindingError at the end of elaboration if it is not bound. `nb_transport_bw` and `invalidate_direct_mem_ptr`
    are called by the target. A part's socket may be bound to one of the module around it, which then has no functions
    of its own and leads to where that is bound.
    """

    kind: ClassVar[str] = "initiator_socket"

    def __init__(
        self,
        module: Module,
        name: str,
        *,
        nb_transport_bw: NonBlockingTransport | None = None,
        invalidate_direct_mem_ptr: InvalidateDirectMemory | None = None,
    ) -> None:
        super().__init__(module, name)
        self.peer: TargetSocket | None = None
        self._bound_to: Socket | None = None
        self._inner: InitiatorSocket | None = None
        self._nb_transport_bw = nb_transport_bw
        self._invalidate = invalidate_direct_mem_ptr
        self.b_transport: BlockingTransport = self._unbound
        self.nb_transport_fw: NonBlockingTransport = self._unbound
        self.transport_dbg: DebugTransport = self._unbound
        self.get_direct_mem_ptr: GetDirectMemory = self._unbound
        if not self.simulator.elaborated:
            self.simulator._ports.append(self)

    def bind(self, target: TargetSocket | MultiTargetSocket | TargetExport | InitiatorSocket) -> None:
        """Connect to `target`, or to an initiator socket of the module around; once (BindingError)."""
        if not isinstance(target, TargetSocket | MultiTargetSocket | TargetExport | InitiatorSocket):
            raise BindingError(f"{self.full_name}: expected a target socket, got {type(target).__name__}")
        self._check_free(self._bound_to)
        if isinstance(target, InitiatorSocket):
            target._adopt(self)
            self._bound_to = target
            self._connect(target.peer)
        else:
            socket = target.accept(self)
            self._bound_to = socket or target
            self._connect(socket)

    @coroutine
    def transport(self, payload: GenericPayload, delay: int = 0) -> Generator[Any, Any, int]:
        """`b_transport` for a process that does not care who waits: `delay = yield from socket.transport(payload)`.

        In an async function `await`. The value is the delay that is still to be waited.
        """
        result = self.b_transport(payload, delay)
        return result if isinstance(result, int) else (yield from result)

    def _adopt(self, inner: InitiatorSocket) -> None:
        """Speak for the socket of a part: what comes back goes to it."""
        self._check_free(self._inner if self._inner is not inner else None)
        if not inner.module.full_name.startswith(f"{self.module.full_name}."):
            raise BindingError(f"{inner.full_name}: {self.full_name} is not of a module around it")
        if self._inner is None and (self._nb_transport_bw or self._invalidate):
            raise BindingError(f"{self.full_name} has functions of its own and cannot lead on {inner.full_name}")
        self._inner = inner
        self._nb_transport_bw = inner._nb_transport_bw
        self._invalidate = inner._invalidate
        if isinstance(self._bound_to, InitiatorSocket):
            self._bound_to._adopt(self)
        elif self.peer is not None:
            self.peer._take_backward(self)

    def _connect(self, socket: TargetSocket | None) -> None:
        if socket is None:
            return
        self.peer = socket
        # Calls go straight to the target's functions: nothing stands between.
        self.b_transport = socket.b_transport
        self.nb_transport_fw = socket.nb_transport_fw
        self.transport_dbg = socket.transport_dbg
        self.get_direct_mem_ptr = socket.get_direct_mem_ptr
        if self._inner is not None:
            self._inner._connect(socket)

    def _resolve(self) -> list[Any]:
        if self.peer is None:
            raise CompleteBindingError(f"{self.full_name} is not bound")
        return []

    def _unbound(self, *_: Any) -> Any:
        raise BindingError(f"{self.full_name} is not bound")


class TaggedInitiatorSocket(InitiatorSocket):
    """An initiator socket whose functions get `tag` as first argument, so that several sockets can share them."""

    def __init__(
        self,
        module: Module,
        name: str,
        tag: Any,
        *,
        nb_transport_bw: Callable[[Any, GenericPayload, Phase, int], NonBlockingResult] | None = None,
        invalidate_direct_mem_ptr: Callable[[Any, int, int], None] | None = None,
    ) -> None:
        self.tag = tag
        super().__init__(
            module,
            name,
            nb_transport_bw=_tagged(nb_transport_bw, tag),
            invalidate_direct_mem_ptr=_tagged(invalidate_direct_mem_ptr, tag),
        )


class MultiTargetSocket(Socket):
    """A target's end for any number of initiators: its functions get the number of the initiator as first argument.

    `sockets[i]` is the end of initiator i, in order of binding: its `nb_transport_bw` calls that initiator.
    """

    kind: ClassVar[str] = "multi_target_socket"

    def __init__(
        self,
        module: Module,
        name: str,
        b_transport: Callable[[int, GenericPayload, int], Delay] | None = None,
        transport_dbg: Callable[[int, GenericPayload], int] | None = None,
        *,
        nb_transport_fw: Callable[[int, GenericPayload, Phase, int], NonBlockingResult] | None = None,
        get_direct_mem_ptr: Callable[[int, GenericPayload], tuple[bool, DirectMemory]] | None = None,
    ) -> None:
        super().__init__(module, name)
        self._functions = (b_transport, transport_dbg, nb_transport_fw, get_direct_mem_ptr)
        self.sockets: list[TargetSocket] = []

    def accept(self, initiator: InitiatorSocket) -> TargetSocket:
        """A new end for `initiator`."""
        index = len(self.sockets)
        b_transport, debug, nb_transport_fw, direct = self._functions
        socket = TaggedTargetSocket(
            self.module,
            f"{self.name}_{index}",
            index,
            b_transport,
            debug,
            nb_transport_fw=nb_transport_fw,
            get_direct_mem_ptr=direct,
        )
        self.sockets.append(socket)
        return socket.accept(initiator)


class MultiInitiatorSocket(Socket):
    """An initiator's end for any number of targets: `sockets[i]` leads to target i, in order of binding.

    The backward functions get the number of the target as first argument.
    """

    kind: ClassVar[str] = "multi_initiator_socket"

    def __init__(
        self,
        module: Module,
        name: str,
        *,
        nb_transport_bw: Callable[[int, GenericPayload, Phase, int], NonBlockingResult] | None = None,
        invalidate_direct_mem_ptr: Callable[[int, int, int], None] | None = None,
    ) -> None:
        super().__init__(module, name)
        self._functions = (nb_transport_bw, invalidate_direct_mem_ptr)
        self.sockets: list[InitiatorSocket] = []

    def bind(self, target: TargetSocket | MultiTargetSocket | TargetExport) -> InitiatorSocket:
        """Connect to one more target; returns the socket that leads to it."""
        index = len(self.sockets)
        backward, invalidate = self._functions
        socket = TaggedInitiatorSocket(
            self.module, f"{self.name}_{index}", index, nb_transport_bw=backward, invalidate_direct_mem_ptr=invalidate
        )
        socket.bind(target)
        self.sockets.append(socket)
        return socket


def _tagged(function: Callable[..., Any] | None, tag: Any) -> Callable[..., Any] | None:
    return None if function is None else partial(function, tag)


def _no_debug(payload: GenericPayload) -> int:
    return 0


def _no_direct_memory(payload: GenericPayload) -> tuple[bool, DirectMemory]:
    return False, DirectMemory()


def _ignore_invalidation(start: int, end: int) -> None:
    pass
