"""Conversions between blocking and non-blocking transport, as SystemC's simple target socket makes them."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from ..kernel.errors import BindingError
from ..kernel.event import Event
from ..kernel.thread import Thread
from .event_queue import PeqWithGet
from .payload import GenericPayload
from .phase import Phase, Sync

if TYPE_CHECKING:
    from .socket import BlockingTransport, NonBlockingResult, NonBlockingTransport, TargetSocket


class NonBlockingAdapter:
    """Non-blocking calls for a target that has b_transport only: each transaction gets a thread that calls it.

    BEGIN_REQ is accepted; after the transport, BEGIN_RESP goes back, one response at a time.
    """

    def __init__(self, socket: TargetSocket, b_transport: BlockingTransport) -> None:
        self.socket = socket
        self.b_transport = b_transport
        self._responding: GenericPayload | None = None
        self._response_ended = Event.hidden(socket, "response_ended")

    def nb_transport_fw(self, payload: GenericPayload, phase: Phase, delay: int) -> NonBlockingResult:
        """The forward path of the target."""
        if phase is Phase.BEGIN_REQ:
            payload.acquire()
            Thread(self.socket, self._serve(payload, delay), self.socket.unique_name("request"))
            return Sync.ACCEPTED, phase, delay
        if phase is Phase.END_RESP:
            if self._responding is not payload:
                raise BindingError(f"{self.socket.full_name}: END_RESP of {payload!r}, which has no open response")
            self._responding = None
            self._response_ended.notify(delay)
            return Sync.COMPLETED, phase, delay
        raise BindingError(f"{self.socket.full_name}: phase {phase} on the forward path")

    def _serve(self, payload: GenericPayload, delay: int) -> Generator[Any, Any, None]:
        if delay:
            yield delay
        result = self.b_transport(payload, 0)
        delay = result if isinstance(result, int) else (yield from result)
        yield delay
        while self._responding is not None:
            yield self._response_ended
        self._responding = payload
        sync, phase, delay = self.socket.nb_transport_bw(payload, Phase.BEGIN_RESP, 0)
        if sync is Sync.COMPLETED or (sync is Sync.UPDATED and phase is Phase.END_RESP):
            if delay:
                yield delay
            self._responding = None
            self._response_ended.notify()
        payload.release()


class BlockingAdapter:
    """Blocking calls for a target that has nb_transport_fw only: the caller waits for the response.

    One request at a time: the next BEGIN_REQ waits for the END_REQ of the one before. A response is ended at once.
    """

    def __init__(self, socket: TargetSocket, nb_transport_fw: NonBlockingTransport) -> None:
        self.socket = socket
        self.nb_transport_fw = nb_transport_fw
        self.initiator_bw: NonBlockingTransport | None = None
        self._done: dict[int, Event] = {}  # by id of the payload, which lives as long as its b_transport
        self._queue = PeqWithGet(socket, "requests")
        self._requesting: GenericPayload | None = None
        self._request_ended = Event.hidden(socket, "request_ended")
        self._thread: Thread | None = None
        if not socket.simulator.elaborated:
            self._start()

    def _start(self) -> None:
        self._thread = Thread(self.socket, self._issue, "issue", server=True)

    def b_transport(self, payload: GenericPayload, delay: int) -> Generator[Any, Any, int]:
        """The blocking transport of the target."""
        if self._thread is None:
            self._start()
        done = self._done[id(payload)] = Event.hidden(self.socket, "done")
        self._queue.notify(payload, delay)
        try:
            yield done
        finally:
            del self._done[id(payload)]
        return 0

    def _issue(self) -> Generator[Any, Any, None]:
        while True:
            yield self._queue.event
            while (payload := self._queue.get()) is not None:
                sync, phase, delay = self.nb_transport_fw(payload, Phase.BEGIN_REQ, 0)
                if sync is Sync.COMPLETED:
                    self._done[id(payload)].notify(delay)
                elif phase is Phase.BEGIN_REQ:
                    self._requesting = payload
                    yield self._request_ended
                    self._requesting = None
                elif phase is Phase.END_REQ:
                    yield delay
                else:
                    yield delay
                    _, _, delay = self.nb_transport_fw(payload, Phase.END_RESP, 0)
                    self._done[id(payload)].notify(delay)

    def nb_transport_bw(self, payload: GenericPayload, phase: Phase, delay: int) -> NonBlockingResult:
        """The backward path that the target calls."""
        done = self._done.get(id(payload))
        if done is None:
            if self.initiator_bw is None:
                raise BindingError(f"{self.socket.full_name}: the initiator has no nb_transport_bw")
            return self.initiator_bw(payload, phase, delay)
        if phase is Phase.END_REQ:
            self._request_ended.notify(0)
            return Sync.ACCEPTED, phase, delay
        if phase is Phase.BEGIN_RESP:
            if self._requesting is payload:
                self._request_ended.notify(0)
            done.notify(delay)
            return Sync.COMPLETED, phase, delay
        raise BindingError(f"{self.socket.full_name}: phase {phase} on the backward path")
