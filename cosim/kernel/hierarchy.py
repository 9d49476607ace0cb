"""Named objects: everything in a design has a place in one tree, and a path of names to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakValueDictionary

from .report import NAME_CHARACTERS, NAME_EXISTS

if TYPE_CHECKING:
    from .event import Event
    from .simulator import Simulator


class Node:
    """What objects can be made below: the simulator, a module, a process."""

    simulator: Simulator
    full_name: str
    children: dict[str, NamedObject]
    # Weak: events are made and dropped all the time, and are in the tree only to be found.
    child_events: WeakValueDictionary[str, Event]

    def _init_node(self) -> None:
        self.children = {}
        self.child_events = WeakValueDictionary()
        self._name_numbers: dict[str, int] = {}

    def unique_name(self, base: str) -> str:
        """`base_0`, `base_1`, ...: a name that no object below has, never given twice."""
        while True:
            number = self._name_numbers.get(base, 0)
            self._name_numbers[base] = number + 1
            name = f"{base}_{number}"
            if name not in self.children and name not in self.child_events:
                return name

    def _checked_name(self, name: str | None, kind: str) -> str:
        """The name a new object gets; ValueError for a bad one, unless reports make that a warning."""
        if name is None:
            return self.unique_name(kind)
        owner = self.full_name or "the simulator"
        if not name or "." in name or any(character.isspace() for character in name):
            self.simulator.reports.report(
                NAME_CHARACTERS, f"a {kind}'s name must hold neither dots nor blanks, got {name!r}", ValueError
            )
            name = "".join("_" if character == "." or character.isspace() else character for character in name) or "_"
        if name in self.children or name in self.child_events:
            self.simulator.reports.report(NAME_EXISTS, f"{owner} has a {kind} {name!r} already", ValueError)
            name = self.unique_name(name)
        return name

    def path_of(self, name: str) -> str:
        """The full name of the object `name` below this one."""
        return f"{self.full_name}.{name}" if self.full_name else name


class NamedObject(Node):
    """An object of the design: `name` below `parent`, `full_name` from the top, parts joined by dots.

    Names are unique below a parent and hold neither dots nor blanks (ValueError); without a name, `kind` and a number.
    """

    kind: ClassVar[str] = "object"
    name_base: ClassVar[str | None] = None
    """What objects without a name are called, if not `kind`."""

    def __init__(self, parent: Node, name: str | None) -> None:
        self._init_node()
        self.simulator = parent.simulator
        self.parent = parent
        self.name = parent._checked_name(name, self.name_base or self.kind)
        self.full_name = parent.path_of(self.name)
        parent.children[self.name] = self

    def walk_objects(self) -> Iterator[NamedObject]:
        """This object, then all below it, in order of creation."""
        yield self
        for child in tuple(self.children.values()):
            yield from child.walk_objects()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.full_name}>"
