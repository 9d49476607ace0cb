"""A controller that keeps its commands, as a memory model of the unfused fabric: for the checker."""

from __future__ import annotations

from .checker import Command
from .controller import Controller
from .rules import COMMANDS


class ObservedController:
    """Behaves as its controller's state does; `commands` are all that were issued, in order."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self.commands: list[Command] = []

    def submit(self, clk: int, tag: int, address: int, is_write: bool) -> bool:
        """See `Controller.submit`."""
        return self._controller.submit(clk, tag, address, is_write)

    def next(self) -> int:
        """See `Controller.next`."""
        return self._controller.next()

    def process(self, until: int) -> list[int]:
        """Process clocks up to `until`; tags of the bursts done, in order."""
        advanced = self._controller.advance(until, observe=True)
        for clk, command, *place, rank in advanced.commands.tolist():
            group, bank, row, column = (None if value < 0 else value for value in place)
            self.commands.append(Command(clk, COMMANDS[command], group, bank, row, rank, column))
        return [tag for tag, _ in advanced.done]
