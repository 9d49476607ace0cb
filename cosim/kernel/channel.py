"""The base of channels: things with an update phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import ChannelInsertionError
from .hierarchy import NamedObject, Node

if TYPE_CHECKING:
    from .port import Port


class Elaborated:
    """The four callbacks of everything in the hierarchy; they do nothing unless overridden."""

    def before_end_of_elaboration(self) -> None:
        """The design is built; modules, ports and channels may still be added."""

    def end_of_elaboration(self) -> None:
        """All ports are bound."""

    def start_of_simulation(self) -> None:
        """The first evaluation phase comes next."""

    def end_of_simulation(self) -> None:
        """The simulation was stopped."""


class Bindable(Elaborated):
    """What must be bound when elaboration ends: ports and sockets."""

    def _resolve(self) -> list[Any]:
        """The channels it is bound to; CompleteBindingError for the wrong number of them."""
        raise NotImplementedError


class PrimitiveChannel(NamedObject, Elaborated):
    """A channel: call `request_update()`, and `update()` is called once in the next update phase."""

    kind = "prim_channel"

    def __init__(self, parent: Node, name: str | None = None) -> None:
        if parent.simulator.elaborated:
            raise ChannelInsertionError(
                f"channel {name!r} below {parent.full_name!r}: the design is elaborated already"
            )
        super().__init__(parent, name)
        self.simulator._channels.append(self)

    def request_update(self) -> None:
        """Have `update()` called in the next update phase, once."""
        self.simulator._updates[self] = None

    def update(self) -> None:
        """The update phase: no process runs meanwhile."""

    def register_port(self, port: Port[Any]) -> None:
        """Called once for every port that is bound to the channel, at the end of elaboration; may refuse it."""
