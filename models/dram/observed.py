"""A controller that keeps its commands, as a memory model of the unfused fabric: for the checker."""

from __future__ import annotations

from .checker import Command
from .controller import Controller
from .rules import COMMANDS, RANK_COMMANDS


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
        for record in advanced.commands:
            name = COMMANDS[int(record["command"])]
            of_bank = name not in RANK_COMMANDS
            row = int(record["row"])
            self.commands.append(
                Command(
                    int(record["clk"]),
                    name,
                    int(record["group"]) if of_bank else None,
                    int(record["bank"]) if of_bank else None,
                    row if of_bank and row >= 0 else None,
                    int(record["rank"]),
                )
            )
        return [tag for tag, _ in advanced.done]
