"""Modules: the hierarchy that gives every part of a design its name and its processes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from .channel import Elaborated
from .errors import ModuleInsertionError
from .event import Event
from .hierarchy import NamedObject, Node
from .method import Method
from .process import Process
from .thread import Thread


class Module(NamedObject, Elaborated):
    """A part of a design, below a simulator or another module.

    `name` is unique below the parent (ValueError) and holds neither dots nor blanks; `full_name` is the path from the
    top, joined by dots. ModuleInsertionError once the simulator has started: the hierarchy is complete then.
    """

    kind = "module"

    def __init__(self, parent: Node, name: str) -> None:
        if parent.simulator.elaborated:
            raise ModuleInsertionError(f"module {name!r} below {parent.full_name!r}: the design is elaborated already")
        super().__init__(parent, name)
        self._processes: dict[str, Process] = {}
        self.simulator._modules.append(self)

    def walk(self) -> Iterator[Module]:
        """This module, then all modules below it, in order of creation."""
        yield self
        for child in self.children.values():
            if isinstance(child, Module):
                yield from child.walk()

    # ---- processes ----------------------------------------------------------------------------------------

    def process(self, generator: Generator[Any, Any, Any], name: str | None = None, *, server: bool = False) -> Process:
        """Start a SimPy process. At a drained end it is reported as blocked, unless it is a `server`.

        `name` must be unique among the module's running processes (ValueError); without one it is the generator's,
        numbered if need be.
        """
        if name is None:
            base = name = getattr(generator, "__name__", type(generator).__name__)
            number = 0
            while name in self._processes:
                number += 1
                name = f"{base}_{number}"
        elif name in self._processes:
            raise ValueError(f"{self.full_name} has a process {name!r} already")
        process = Process(self.simulator, generator, name=name, module=self, server=server)
        self._processes[name] = process
        return process

    def processes(self) -> list[Process]:
        """The SimPy processes that have not ended, in order of creation."""
        return list(self._processes.values())

    def _forget_process(self, process: Process) -> None:
        del self._processes[process.name]

    def method(
        self,
        function: Callable[[], Any],
        name: str | None = None,
        *,
        sensitive: Iterable[Any] = (),
        dont_initialize: bool = False,
    ) -> Method:
        """A function that runs in the evaluate phase: at the start, and when something it is `sensitive` to happens."""
        return Method(self, function, name, sensitive=sensitive, dont_initialize=dont_initialize)

    def thread(
        self,
        function: Callable[[], Any],
        name: str | None = None,
        *,
        sensitive: Iterable[Any] = (),
        dont_initialize: bool = False,
        server: bool = False,
    ) -> Thread:
        """A generator function or async function that runs in the evaluate phase, from wait to wait."""
        return Thread(self, function, name, sensitive=sensitive, dont_initialize=dont_initialize, server=server)

    def clocked_thread(
        self,
        function: Callable[[], Any],
        edge: Any,
        name: str | None = None,
        *,
        reset: Any = None,
        reset_level: bool = True,
        asynchronous: bool = False,
        server: bool = True,
    ) -> Thread:
        """A thread that starts at the first `edge` (`clock.posedge_event`) and waits for the next one with a bare
        `yield`.

        While the signal `reset` has `reset_level`, it starts anew at every edge; if `asynchronous`, also at once when
        the reset becomes active.
        """
        thread = Thread(self, function, name, sensitive=(edge,), dont_initialize=True, server=server)
        if reset is not None:
            thread.reset_when(reset, reset_level, asynchronous=asynchronous)
        return thread

    def event(self, name: str | None = None) -> Event:
        """A new kernel event of this module."""
        return Event(self, name)
