"""A memory as a module: requests as SimPy events, a TLM target socket, data, counts and energy."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simpy.events import Event

from cosim import ClockDomain, Module, Simulator
from cosim.tlm import GenericPayload, Response, TargetSocket
from cosim.tlm.store import ByteStore

from .controller import Controller, Stats
from .energy import energy_fj
from .engine import DramEngine
from .presets import Preset
from .schedulers import Scheduler

__all__ = ["Memory"]


class Memory(Module):
    """One DRAM channel with its controller.

    `submit` gives the event of a request for one burst. The TLM target `socket` takes payloads of any length,
    moves one burst after the other, and holds data; bytes that were never written read as zero, which is reported
    (`cosim.tlm.UNWRITTEN`, an info unless the simulator's `reports` say otherwise). The timing is
    that of the bursts; the data of a payload moves when its last burst is done. Requests of one instant are taken in
    the order of their `port`, then in that of the calls of that port.
    """

    def __init__(
        self,
        parent: Simulator | Module,
        name: str,
        preset: Preset,
        mapping: str = "m1",
        scheduler: str | Scheduler = "fr-fcfs",
        clock: ClockDomain | None = None,
    ) -> None:
        super().__init__(parent, name)
        self.preset = preset
        self.controller = Controller(preset, mapping, scheduler)
        self.clock = clock or ClockDomain(f"{self.full_name}.clock", preset.t_ck_ps)
        self._store = ByteStore(preset.geometry.channel_bytes)
        self.socket = TargetSocket(self, "socket", self._b_transport, self._store.move)
        self._engine = DramEngine(self.full_name, self.controller, self.clock, self._done)
        self._attachment = self.simulator.attach(self._engine, polled=False)
        self._posted: list[tuple[int, int, int, bool]] = []  # port, tag, address, is_write
        self._events: dict[int, Event] = {}
        self._next_tag = 0

    @property
    def burst_bytes(self) -> int:
        """Bytes of one request."""
        return self.preset.geometry.burst_bytes

    @property
    def capacity_bytes(self) -> int:
        """Bytes of the channel."""
        return self.preset.geometry.channel_bytes

    def submit(self, address: int, is_write: bool, *, port: int = 0) -> Event:
        """A request for the burst at `address`; the event happens when its data has been moved.

        Raises ValueError for an address outside the channel.
        """
        if not 0 <= address < self.capacity_bytes:
            raise ValueError(
                f"{self.full_name}: address {address:#x}: expected 0 <= address < {self.capacity_bytes:#x}"
            )
        event: Event = self.simulator.event()
        tag = self._next_tag
        self._next_tag += 1
        self._events[tag] = event
        self._posted.append((port, tag, address, is_write))
        self.simulator.request_update(self)
        return event

    def update(self) -> None:
        """Take the requests of this instant."""
        # Sorting is stable: within a port the order of the calls stays.
        posted, self._posted = sorted(self._posted, key=lambda request: request[0]), []
        for _, tag, address, is_write in posted:
            self._engine.submit(int(self.simulator.now), tag, address, is_write)
        self._attachment.wake()

    def _done(self, tag: int, time_ps: int) -> None:
        self._events.pop(tag).succeed(time_ps)

    def stats(self) -> Stats:
        """Counts and residencies up to now, idle refreshes included."""
        return self.controller.stats(self.clock.cycle_at_or_before(int(self.simulator.now)))

    def energy_fj(self) -> dict[str, int]:
        """Energy up to now by part, in fJ (see `energy.energy_fj`).

        An ideal memory issues no commands and has background only.
        """
        return energy_fj(self.preset, self.stats())

    # ---- TLM ----------------------------------------------------------------------------------------------

    def _b_transport(self, payload: GenericPayload, delay: int) -> int | Generator[Any, Any, int]:
        refusal = self._store.refusal(payload)
        if refusal is None:
            return self._transport(payload, delay)
        payload.response = refusal
        return delay

    def _transport(self, payload: GenericPayload, delay: int) -> Generator[Any, Any, int]:
        if delay > 0:
            yield self.simulator.timeout(delay)
        size = self.burst_bytes
        first = payload.address // size
        last = (payload.address + len(payload.data) - 1) // size
        yield self.simulator.all_of([self.submit(line * size, payload.is_write) for line in range(first, last + 1)])
        self._store.serve(payload, self.simulator.reports, self.full_name)
        payload.response = Response.OK
        return 0
