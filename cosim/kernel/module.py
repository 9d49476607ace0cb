"""Modules: the hierarchy that gives every part of a design its name."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from .process import Process

if TYPE_CHECKING:
    from .simulator import Simulator


class Module:
    """A part of a design, below a simulator or another module.

    `name` is unique below the parent (ValueError) and holds neither dots nor blanks; `full_name` is the path from the
    top, joined by dots.
    """

    def __init__(self, parent: Simulator | Module, name: str) -> None:
        if not name or "." in name or any(character.isspace() for character in name):
            raise ValueError(f"a module's name must hold neither dots nor blanks, got {name!r}")
        if name in parent.children:
            raise ValueError(f"{parent.full_name or 'the simulator'} has a module {name!r} already")
        self.parent = parent
        self.simulator: Simulator = parent.simulator
        self.name = name
        self.full_name: str = f"{parent.full_name}.{name}" if parent.full_name else name
        self.children: dict[str, Module] = {}
        self._processes: dict[str, Process] = {}
        parent.children[name] = self

    def walk(self) -> Iterator[Module]:
        """This module, then all below it, in order of creation."""
        yield self
        for child in self.children.values():
            yield from child.walk()

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
        """The processes that have not ended, in order of creation."""
        return list(self._processes.values())

    def _forget_process(self, process: Process) -> None:
        del self._processes[process.name]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.full_name}>"
