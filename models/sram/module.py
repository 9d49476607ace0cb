"""Memories for SimPy processes: ask for words, wait for the event."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from simpy.events import Event

from cosim import ClockDomain, Module, Simulator

from .energy import SramEnergy
from .engine import SramEngine
from .memory import MemoryConfig

__all__ = ["Sram", "WordCounts"]


@dataclass(slots=True)
class WordCounts:
    """Words of finished accesses to one memory."""

    reads: int = 0
    writes: int = 0

    def spent_fj(self, energy: SramEnergy) -> int:
        """Energy of these accesses."""
        return self.reads * energy.read_fj + self.writes * energy.write_fj


@dataclass(frozen=True, slots=True)
class _Access:
    client: int
    memory: int
    port: int
    tag: int
    first_word: int
    words: int
    write: bool
    event: Event


class Sram(Module):
    """Named memories shared by named clients. `yield sram.access("dma", 0, 64)` waits until the last of the words.

    What is asked for in one instant enters in order of (client, memory, port), whoever called first; clients are in
    the order given here. What finds no room among `max_jobs` waits for it, oldest first.
    """

    def __init__(
        self,
        parent: Simulator | Module,
        name: str,
        memories: Mapping[str, MemoryConfig],
        clients: Sequence[str],
        clock: ClockDomain,
        *,
        max_jobs: int = 1024,
        ideal: bool = False,
    ) -> None:
        super().__init__(parent, name)
        if len(set(clients)) != len(clients):
            raise ValueError(f"clients {', '.join(clients)}: expected different names")
        self.memories = dict(memories)
        self.clients = tuple(clients)
        self.words = {memory: WordCounts() for memory in memories}
        self.engine = SramEngine(
            self.full_name, list(memories.values()), len(clients), clock, self._done, max_jobs=max_jobs, ideal=ideal
        )
        self._attachment = self.simulator.attach(self.engine, self.full_name, polled=False)
        self._client_index = {client: index for index, client in enumerate(clients)}
        self._memory_names = list(memories)
        self._tags = count()
        self._posted: list[_Access] = []
        self._waiting: deque[_Access] = deque()
        self._under_way: dict[int, _Access] = {}

    def access(
        self,
        client: str,
        first_word: int,
        words: int,
        *,
        memory: str | None = None,
        write: bool = False,
        port: int = 0,
    ) -> Event:
        """Read or write words of a memory (by default the first); the event happens at the last grant.

        Accesses of one client, memory and `port` in one instant enter in order of the calls. Raises ValueError for
        names that are not here and words that the memory does not have.
        """
        if client not in self._client_index:
            raise ValueError(f"{self.full_name}: client {client!r}: expected one of {', '.join(self.clients)}")
        name = self._memory_names[0] if memory is None else memory
        if name not in self.memories:
            raise ValueError(f"{self.full_name}: memory {name!r}: expected one of {', '.join(self.memories)}")
        self.memories[name].check_range(first_word, words)
        access = _Access(
            self._client_index[client],
            self._memory_names.index(name),
            port,
            next(self._tags),
            first_word,
            words,
            write,
            self.simulator.event(),
        )
        self._posted.append(access)
        self.simulator.request_update(self)
        return access.event

    def _now_ps(self) -> int:
        return int(self.simulator.now)

    def update(self) -> None:
        """Let the accesses of this instant queue at the banks."""
        self._posted.sort(key=lambda access: (access.client, access.memory, access.port, access.tag))
        self._waiting.extend(self._posted)
        self._posted.clear()
        while self._waiting and self.engine.under_way < self.engine.max_jobs:
            access = self._waiting.popleft()
            self._under_way[access.tag] = access
            self.engine.submit(
                self._now_ps(), access.tag, access.memory, access.client, access.first_word, access.words
            )
        self._attachment.wake()

    def waiting_clocks(self) -> dict[str, int]:
        """By client: clocks, summed over banks, in which it had accesses pending at a bank and got none."""
        _, waiting = self.engine.banks.stats()
        totals = sum(part.sum(axis=0) for part in waiting)
        return {client: int(totals[index]) for client, index in self._client_index.items()}

    def _done(self, tag: int) -> None:
        access = self._under_way.pop(tag)
        counts = self.words[self._memory_names[access.memory]]
        if access.write:
            counts.writes += access.words
        else:
            counts.reads += access.words
        access.event.succeed()
        if self._waiting:
            self.simulator.request_update(self)
