"""From a built design to one that runs: callbacks, binding, the start of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channel import PrimitiveChannel
from .port import Port

if TYPE_CHECKING:
    from .channel import Elaborated
    from .simulator import Simulator


def elaborate(simulator: Simulator) -> None:
    """End elaboration and initialise: afterwards the first evaluation phase can run.

    `before_end_of_elaboration` may add modules, ports and channels, which get the callback in a further pass. Then
    ports are bound, the hierarchy is closed, and processes are made runnable: methods, then threads, in order of
    creation.
    """
    called: set[int] = set()
    while True:
        # The order is Accellera's: ports from the last, then exports, channels, modules.
        passed = [part for part in simulator._elaborated_parts() if id(part) not in called]
        if not passed:
            break
        called.update(map(id, passed))
        for part in passed:
            part.before_end_of_elaboration()
    for port in simulator._ports:
        port._resolve()
    for export in simulator._exports:
        _ = export.channel
    for port in reversed(simulator._ports):
        for channel in port._resolve():
            if isinstance(channel, PrimitiveChannel) and isinstance(port, Port):
                channel.register_port(port)
    simulator.elaborated = True
    _call(simulator._elaborated_parts(), "end_of_elaboration")
    _call(simulator._elaborated_parts(), "start_of_simulation")
    processes = list(simulator._sc_processes)
    for process in processes:
        process._hook_static()
    updates = list(simulator._updates)
    simulator._updates.clear()
    for channel in reversed(updates):
        channel.update()
    for process in processes:
        if not process.terminated:
            simulator._start_process(process)
    deltas = list(simulator._deltas)
    simulator._deltas.clear()
    for entry in reversed(deltas):
        entry._fire()


def _call(parts: list[Elaborated], name: str) -> None:
    for part in parts:
        getattr(part, name)()
