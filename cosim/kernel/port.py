"""Ports and exports: how modules reach channels that others bind them to."""

from __future__ import annotations

import enum
from typing import Any, ClassVar, Generic, TypeVar

from .channel import Bindable, Elaborated
from .errors import (
    BindInterfaceError,
    CompleteBindingError,
    ExportInterfaceError,
    GetInterfaceError,
    PortInsertionError,
)
from .event import Event
from .hierarchy import NamedObject, Node

T = TypeVar("T")


class BindingPolicy(enum.Enum):
    """How many channels a port must have at the end of elaboration."""

    ONE_OR_MORE = "one or more"
    ZERO_OR_MORE = "zero or more"
    ALL = "all"


class Port(NamedObject, Bindable, Generic[T]):
    """A module's access to a channel outside: attributes of the port are those of the first channel bound to it.

    Bind it to a channel, to a port of the module above, or to an export. `interface` is the class that a channel must
    be an instance of, or None. At most `maximum` channels (0: any number), at least as `policy` says
    (CompleteBindingError).
    """

    kind = "port"
    name_base = "port"
    writes: ClassVar[bool] = False

    def __init__(
        self,
        parent: Node,
        name: str | None = None,
        interface: type | None = None,
        *,
        maximum: int = 1,
        policy: BindingPolicy = BindingPolicy.ONE_OR_MORE,
    ) -> None:
        if parent.simulator.elaborated:
            raise PortInsertionError(f"port {name!r} below {parent.full_name!r}: the design is elaborated already")
        super().__init__(parent, name)
        self.interface = interface
        self.maximum = maximum
        self.policy = policy
        self._bound: list[Any] = []
        self._channels: list[T] | None = None
        self.simulator._ports.append(self)

    def bind(self, channel: Any) -> None:
        """Bind to a channel, a port or an export. BindInterfaceError if it does not fit, or after elaboration."""
        if self.simulator.elaborated:
            raise BindInterfaceError(f"port {self.full_name}: cannot be bound after elaboration")
        if channel is self or any(channel is other for other in self._bound):
            raise BindInterfaceError(f"port {self.full_name}: is bound to {channel!r} already")
        if not isinstance(channel, Port | Export):
            self._check_interface(channel)
        self._bound.append(channel)

    __call__ = bind

    def _check_interface(self, channel: Any) -> None:
        if self.interface is not None and not isinstance(channel, self.interface):
            raise BindInterfaceError(
                f"port {self.full_name}: {channel!r} does not have the interface {self.interface.__name__}"
            )

    def _resolve(self) -> list[T]:
        """The channels behind ports and exports; checks their number. Called at the end of elaboration."""
        if self._channels is not None:
            return self._channels
        channels: list[Any] = []
        for item in self._bound:
            if isinstance(item, Port):
                found = item._resolve()
            elif isinstance(item, Export):
                found = [item.channel]
            else:
                found = [item]
            for channel in found:
                self._check_interface(channel)
                if any(channel is other for other in channels):
                    raise BindInterfaceError(f"port {self.full_name}: is bound to {channel!r} already")
                channels.append(channel)
        count = len(channels)
        if count == 0 and self.policy is not BindingPolicy.ZERO_OR_MORE:
            raise CompleteBindingError(f"port {self.full_name}: is not bound")
        if self.maximum and count > self.maximum:
            raise CompleteBindingError(f"port {self.full_name}: {count} channels exceed its maximum of {self.maximum}")
        if self.policy is BindingPolicy.ALL and self.maximum and count < self.maximum:
            raise CompleteBindingError(
                f"port {self.full_name}: {count} channels are bound, {self.maximum} are required"
            )
        self._channels = channels
        return channels

    def __len__(self) -> int:
        return len(self._channels if self._channels is not None else self._bound)

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, index: int) -> T:
        return self._reach()[index]

    def _reach(self) -> list[T]:
        channels = self._channels
        if channels is None:
            # Before the end of elaboration a port reaches what is bound to it directly.
            channels = [item for item in self._bound if not isinstance(item, Port | Export)]
        if not channels:
            raise GetInterfaceError(f"port {self.full_name}: is not bound")
        return channels

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._reach()[0], name)

    def finder(self, event: str) -> EventFinder:
        """To be sensitive to the event of that name of a channel that is bound later."""
        return EventFinder(self, event)

    @property
    def default_events(self) -> list[Any]:
        """The default events of all channels, for static sensitivity; none of a port that is left unbound."""
        return [getattr(channel, "default_event", None) for channel in self._channels or ()]


class In(Port[T]):
    """A port that reads a signal."""

    kind = "in"

    @property
    def default_event(self) -> Event:
        """The signal's change."""
        event: Event = self._reach()[0].default_event  # type: ignore[attr-defined]
        return event

    @property
    def pos(self) -> EventFinder:
        """To be sensitive to the rising edge of a signal that is bound later."""
        return EventFinder(self, "posedge_event")

    @property
    def neg(self) -> EventFinder:
        """To be sensitive to the falling edge of a signal that is bound later."""
        return EventFinder(self, "negedge_event")


class Out(In[T]):
    """A port that writes a signal, and may read it."""

    kind = "out"
    writes = True

    def initialize(self, value: T) -> None:
        """Have `value` written to the signal at the end of elaboration, when the port is bound."""
        if self._channels is not None:
            self.write(value)
        else:
            self._initial = (value,)

    def end_of_elaboration(self) -> None:
        """Write the initial value, if there is one. Whoever overrides this calls it."""
        if self._initial is not None:
            self.write(self._initial[0])
            self._initial = None

    _initial: tuple[T] | None = None


class InOut(Out[T]):
    """A port that reads and writes a signal."""

    kind = "inout"


class EventFinder:
    """An event of a port's channels, looked up when the port is bound."""

    def __init__(self, port: Port[Any], name: str) -> None:
        self.port = port
        self.name = name

    @property
    def default_event(self) -> Event:
        """The event meant."""
        event: Event = getattr(self.port, self.name)
        return event

    @property
    def default_events(self) -> list[Event]:
        """The events of all channels of the port."""
        return [getattr(channel, self.name) for channel in self.port._channels or ()]


class Export(NamedObject, Elaborated, Generic[T]):
    """A module's offer of a channel inside to ports outside."""

    kind = "export"

    def __init__(self, parent: Node, name: str | None = None, interface: type | None = None) -> None:
        if parent.simulator.elaborated:
            raise PortInsertionError(f"export {name!r} below {parent.full_name!r}: the design is elaborated already")
        super().__init__(parent, name)
        self.interface = interface
        self._bound: Any = None
        self.simulator._exports.append(self)

    def bind(self, channel: Any) -> None:
        """Offer a channel or another export's. BindInterfaceError if it does not fit or is one too many."""
        if self.simulator.elaborated:
            raise BindInterfaceError(f"export {self.full_name}: cannot be bound after elaboration")
        if self._bound is not None:
            raise BindInterfaceError(f"export {self.full_name}: is bound already")
        if self.interface is not None and not isinstance(channel, Export) and not isinstance(channel, self.interface):
            raise BindInterfaceError(
                f"export {self.full_name}: {channel!r} does not have the interface {self.interface.__name__}"
            )
        self._bound = channel

    __call__ = bind

    @property
    def channel(self) -> T:
        """The channel offered. ExportInterfaceError if there is none."""
        bound = self._bound
        if bound is None:
            raise ExportInterfaceError(f"export {self.full_name}: is bound to nothing")
        channel: T = bound.channel if isinstance(bound, Export) else bound
        return channel

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.channel, name)
