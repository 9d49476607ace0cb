"""Temporal decoupling: initiators that run ahead of simulated time, but not beyond a quantum."""

from __future__ import annotations

from collections.abc import Generator
from types import coroutine
from typing import Any

from ..kernel.simulator import Simulator
from ..kernel.time import whole


class GlobalQuantum:
    """The quantum that all keepers of a simulation share: they synchronise at its multiples. 0: at every step."""

    def __init__(self, simulator: Simulator, value: int = 0) -> None:
        self.simulator = simulator
        self.value = value

    @property
    def value(self) -> int:
        """The quantum in units of time."""
        return self._value

    @value.setter
    def value(self, value: int) -> None:
        self._value = whole(value, "quantum")
        if self._value < 0:
            raise ValueError(f"quantum: expected at least 0, got {value}")

    def compute_local_quantum(self) -> int:
        """The time from now to the next multiple of the quantum (a whole one at a multiple), or 0."""
        return self._value - self.simulator._now % self._value if self._value else 0


class QuantumKeeper:
    """The local time of one initiator, relative to simulated time.

    In a thread:  `keeper.inc(delay)`, then `if keeper.need_sync(): yield from keeper.sync()`.
    """

    def __init__(self, quantum: GlobalQuantum) -> None:
        self.quantum = quantum
        self.local_time = 0
        """How far the initiator is ahead of simulated time."""
        self._next_sync = 0
        self.reset()

    def inc(self, delay: int) -> None:
        """Run ahead by `delay`."""
        self.local_time += whole(delay, "delay")

    def set(self, local_time: int) -> None:
        """Be ahead by exactly that much: what a transport returned."""
        self.local_time = whole(local_time, "local_time")

    @property
    def current_time(self) -> int:
        """Simulated time plus local time."""
        return int(self.quantum.simulator._now) + self.local_time

    def reset(self) -> None:
        """Be at simulated time again; the next synchronisation is at the next multiple of the quantum."""
        self.local_time = 0
        self._next_sync = self.quantum.simulator._now + self.quantum.compute_local_quantum()

    def need_sync(self) -> bool:
        """Whether the initiator has run as far ahead as it may."""
        return self.current_time >= self._next_sync

    @coroutine
    def sync(self) -> Generator[Any, Any, None]:
        """Wait until simulated time has caught up."""
        yield self.local_time
        self.reset()
