"""A checker of the base protocol's rules (IEEE 1666-2011, clause 15.2), to be put between two sockets."""

from __future__ import annotations

from .payload import GenericPayload
from .phase import Phase, Sync
from .socket import InitiatorSocket, NonBlockingResult


class ProtocolError(RuntimeError):
    """A rule of the base protocol is broken."""


_ORDER = (Phase.BEGIN_REQ, Phase.END_REQ, Phase.BEGIN_RESP, Phase.END_RESP)


class ProtocolChecker:
    """Watches the non-blocking calls through a bound initiator socket and raises ProtocolError at the first wrong one.

    Rules: the phases of a transaction come in order, END_REQ may be implied by BEGIN_RESP and then does not come any
    more; one request at a time is open, and one response; a transaction that is over is not used again without a new
    BEGIN_REQ; the forward path carries BEGIN_REQ and END_RESP, the backward path END_REQ and BEGIN_RESP; no delay is
    negative. `finish` checks that nothing is left open. Phases of a model's own are let through.
    """

    def __init__(self, socket: InitiatorSocket) -> None:
        target = socket.peer
        if target is None:
            raise ValueError(f"{socket.full_name} is not bound: there is nothing to check")
        self.name = socket.full_name
        self.transactions = 0
        self._state: dict[int, tuple[GenericPayload, Phase]] = {}
        self._requesting: GenericPayload | None = None
        self._responding: GenericPayload | None = None
        self._forward = socket.nb_transport_fw
        self._backward = target.nb_transport_bw
        socket.nb_transport_fw = self.nb_transport_fw
        target.nb_transport_bw = self.nb_transport_bw

    def nb_transport_fw(self, payload: GenericPayload, phase: Phase, delay: int) -> NonBlockingResult:
        """Checks a call and its answer, on the forward path."""
        self._call("forward", payload, phase, delay, (Phase.BEGIN_REQ, Phase.END_RESP))
        result = self._forward(payload, phase, delay)
        self._answer(payload, phase, result, (Phase.END_REQ, Phase.BEGIN_RESP))
        return result

    def nb_transport_bw(self, payload: GenericPayload, phase: Phase, delay: int) -> NonBlockingResult:
        """Checks a call and its answer, on the backward path."""
        self._call("backward", payload, phase, delay, (Phase.END_REQ, Phase.BEGIN_RESP))
        result = self._backward(payload, phase, delay)
        self._answer(payload, phase, result, (Phase.END_RESP,))
        return result

    def finish(self) -> None:
        """ProtocolError if a transaction has not ended."""
        for payload, phase in self._state.values():
            raise ProtocolError(f"{self.name}: {payload!r} has not ended; its last phase was {phase}")

    def _fail(self, payload: GenericPayload, phase: Phase, rule: str) -> None:
        raise ProtocolError(f"{self.name}: {phase} of {payload!r}: {rule}")

    def _call(self, path: str, payload: GenericPayload, phase: Phase, delay: int, allowed: tuple[Phase, ...]) -> None:
        if delay < 0:
            self._fail(payload, phase, f"negative delay {delay}")
        if phase not in _ORDER:
            return
        if phase not in allowed:
            self._fail(payload, phase, f"not on the {path} path")
        self._advance(payload, phase)

    def _answer(
        self, payload: GenericPayload, called: Phase, result: NonBlockingResult, allowed: tuple[Phase, ...]
    ) -> None:
        sync, phase, delay = result
        if delay < 0:
            self._fail(payload, phase, f"negative delay {delay} returned")
        if sync is Sync.COMPLETED or called is Phase.END_RESP:
            self._end(payload)
        elif sync is Sync.UPDATED and phase in _ORDER:
            if phase not in allowed:
                self._fail(payload, phase, f"returned for {called}")
            self._advance(payload, phase)

    def _advance(self, payload: GenericPayload, phase: Phase) -> None:
        entry = self._state.get(id(payload))
        before = None if entry is None else entry[1]
        if phase is Phase.BEGIN_REQ:
            if before is not None:
                self._fail(payload, phase, f"the transaction is under way, its last phase was {before}")
            if self._requesting is not None:
                self._fail(payload, phase, f"the request of {self._requesting!r} has not ended")
            self._requesting = payload
            self.transactions += 1
        elif before is None:
            self._fail(payload, phase, "the transaction has not begun, or is over")
        elif phase is Phase.END_REQ:
            if before is not Phase.BEGIN_REQ:
                self._fail(payload, phase, f"its last phase was {before}")
            self._requesting = None
        elif phase is Phase.BEGIN_RESP:
            if before not in (Phase.BEGIN_REQ, Phase.END_REQ):
                self._fail(payload, phase, f"its last phase was {before}")
            if self._responding is not None:
                self._fail(payload, phase, f"the response of {self._responding!r} has not ended")
            if self._requesting is payload:
                self._requesting = None
            self._responding = payload
        elif before is not Phase.BEGIN_RESP:
            self._fail(payload, phase, f"its last phase was {before}")
        if phase is Phase.END_RESP:
            self._end(payload)
        else:
            self._state[id(payload)] = (payload, phase)

    def _end(self, payload: GenericPayload) -> None:
        self._state.pop(id(payload), None)
        if self._requesting is payload:
            self._requesting = None
        if self._responding is payload:
            self._responding = None
