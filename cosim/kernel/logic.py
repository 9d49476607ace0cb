"""Four-valued logic, and signals that resolve several drivers."""

from __future__ import annotations

from typing import Any, ClassVar

from .hierarchy import Node
from .signal import Signal, WriterPolicy

_AND = {"00": "0", "01": "0", "0X": "0", "11": "1", "1X": "X", "XX": "X"}
_OR = {"00": "0", "01": "1", "0X": "X", "11": "1", "1X": "1", "XX": "X"}
_XOR = {"00": "0", "01": "1", "0X": "X", "11": "0", "1X": "X", "XX": "X"}
_RESOLVED = {
    frozenset("0"): "0", frozenset("1"): "1", frozenset("Z"): "Z", frozenset("X"): "X",
    frozenset("01"): "X", frozenset("0Z"): "0", frozenset("1Z"): "1",
}  # fmt: skip


class LogicVector:
    """An immutable string of 0, 1, Z and X, most significant first; & | ^ ~ treat Z as X (IEEE 1666, sc_lv)."""

    __slots__ = ("text",)

    def __init__(self, text: str | LogicVector) -> None:
        text = str(text).upper()
        if not text or set(text) - set("01ZX"):
            raise ValueError(f"expected a string of 0, 1, Z and X, got {text!r}")
        self.text = text

    def _combine(self, other: LogicVector, table: dict[str, str]) -> LogicVector:
        if len(self) != len(other):
            raise ValueError(f"expected the same width, got {len(self)} and {len(other)}")
        pairs = zip(self.text.replace("Z", "X"), other.text.replace("Z", "X"), strict=True)
        return type(self)("".join(table["".join(sorted(pair))] for pair in pairs))

    def __and__(self, other: LogicVector) -> LogicVector:
        return self._combine(other, _AND)

    def __or__(self, other: LogicVector) -> LogicVector:
        return self._combine(other, _OR)

    def __xor__(self, other: LogicVector) -> LogicVector:
        return self._combine(other, _XOR)

    def __invert__(self) -> LogicVector:
        return type(self)(self.text.translate(str.maketrans("01Z", "10X")))

    def __len__(self) -> int:
        return len(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LogicVector) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


class Logic(LogicVector):
    """One bit of 0, 1, Z or X."""

    __slots__ = ()

    def __init__(self, text: str | LogicVector) -> None:
        super().__init__(text)
        if len(self.text) != 1:
            raise ValueError(f"expected one of 0, 1, Z and X, got {self.text!r}")


def resolve(drivers: list[str]) -> str:
    """The value of a wire: Z yields to everything, different values are X."""
    value = "Z"
    for driver in drivers:
        value = "X" if "X" in (value, driver) else _RESOLVED[frozenset((value, driver))]
    return value


class ResolvedSignal(Signal[LogicVector]):
    """A signal of `width` bits with any number of writers, each driving what it wrote last."""

    kind: ClassVar[str] = "signal_resolved"

    def __init__(self, parent: Node, name: str | None = None, width: int = 1) -> None:
        if width < 1:
            raise ValueError(f"width: expected at least 1, got {width}")
        make = Logic if width == 1 else LogicVector
        super().__init__(parent, name, make("X" * width), writer_policy=WriterPolicy.UNCHECKED)
        self.width = width
        self._drivers: dict[Any, LogicVector] = {}

    def write(self, value: LogicVector | str) -> None:
        """Drive `value` from now on, as the current process."""
        value = LogicVector(value)
        if len(value) != self.width:
            raise ValueError(f"signal {self.full_name}: expected {self.width} bits, got {value}")
        self._drivers[self.simulator._current or self.simulator._active_proc] = value
        self.request_update()

    def update(self) -> None:
        """Resolve all drivers."""
        columns = zip(*(value.text for value in self._drivers.values()), strict=True)
        self._new = type(self._value)("".join(resolve(list(column)) for column in columns))
        super().update()
