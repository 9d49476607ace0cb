"""Wave files: values of signals over time, in the VCD format, through the pyvcd library (extra `trace`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..kernel.logic import LogicVector
from ..kernel.signal import Signal

if TYPE_CHECKING:
    from ..kernel.simulator import Simulator


class VcdTrace:
    """Writes what it was told to `trace` to a VCD file.

    A value is written once for an instant, the last one, at the moment when time moves on; so the instant at which the
    trace is closed is not in the file. Tracing changes no result. Use as a context manager, or `close` it.
    """

    def __init__(self, simulator: Simulator, file: Path | IO[str]) -> None:
        self.simulator = simulator
        self._own = isinstance(file, Path)
        self._file: IO[str] = file.open("w", encoding="utf-8", newline="\n") if isinstance(file, Path) else file
        self._traced: list[tuple[str, Callable[[], Any], int | None]] = []
        self._last: list[Any] = []
        self._variables: list[Any] = []
        self._writer: Any = None
        self._closed = False
        simulator.observe_time(self._sample)

    def trace(
        self, source: Signal[Any] | Callable[[], Any], name: str | None = None, *, width: int | None = None
    ) -> None:
        """Trace a signal, or what a function of no arguments returns, under `name` (dots are scopes).

        bool, LogicVector, int (of `width` bits, 32 if not given) and float values. RuntimeError once time has moved.
        """
        if self._writer is not None:
            raise RuntimeError("a trace can only be extended before time moves")
        if isinstance(source, Signal):
            self._traced.append((name or source.full_name, source.read, width))
        elif name is None:
            raise ValueError("a function that is traced needs a name")
        else:
            self._traced.append((name, source, width))

    def _sample(self, now: int) -> None:
        if self._writer is None:
            self._begin()
            return
        for index, (_, read, _) in enumerate(self._traced):
            value = read()
            if value != self._last[index]:
                self._last[index] = value
                self._writer.change(self._variables[index], now, _vcd_value(value))

    def _begin(self) -> None:
        from vcd import VCDWriter  # noqa: PLC0415 (an optional dependency, imported on use)

        # The date would make every file different.
        self._writer = VCDWriter(
            self._file, timescale=str(self.simulator.resolution), date="", init_timestamp=self.simulator.now
        )
        for name, read, width in self._traced:
            value = read()
            kind, size = _vcd_type(value, width)
            scope, _, last = name.rpartition(".")
            self._last.append(value)
            self._variables.append(
                self._writer.register_var(scope or "top", last, kind, size=size, init=_vcd_value(value))
            )

    def close(self) -> None:
        """Finish the file."""
        if self._closed:
            return
        self._closed = True
        self.simulator.unobserve_time(self._sample)
        if self._writer is None:
            self._begin()
        self._writer.close()
        if self._own:
            self._file.close()

    def __enter__(self) -> VcdTrace:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _vcd_type(value: Any, width: int | None) -> tuple[str, int]:
    if isinstance(value, bool):
        return "wire", 1
    if isinstance(value, LogicVector):
        return "wire", len(value)
    if isinstance(value, float):
        return "real", 64
    if isinstance(value, int):
        return ("integer", 32) if width is None else ("wire", width)
    raise TypeError(f"cannot trace {value!r}: expected bool, int, float or LogicVector")


def _vcd_value(value: Any) -> Any:
    return value.text.lower() if isinstance(value, LogicVector) else value
