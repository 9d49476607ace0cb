"""Request traces as text: `R 0x40`, `W 0x80`, or with a clock `0x40 READ 12` (the form of DRAMsim3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cosim.files import read_lines

__all__ = ["RequestTrace", "TraceError", "read_requests"]

_KINDS = {"R": 0, "W": 1, "READ": 0, "WRITE": 1}
_WORD = re.compile(r"\S+")


class TraceError(ValueError):
    """A line of a trace cannot be read; the text is `file:line:column: what was expected`."""


@dataclass(frozen=True)
class RequestTrace:
    """Byte addresses, 1 for writes, and the clocks before which requests are not offered (None: no such bound)."""

    addresses: npt.NDArray[np.uint64]
    is_write: npt.NDArray[np.uint8]
    earliest: npt.NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.addresses)


def is_clock(text: str) -> bool:
    """Whether it is a whole number below 2^59: the engine goes to 2^60, and what comes last has to end before."""
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < 1 << 59


def read_requests(path: Path, *, channel_bytes: int | None = None, last_clk: int | None = None) -> RequestTrace:
    """Read a trace, gzipped or not. Blank lines and what follows a # are left out.

    Raises TraceError naming file, line and column; one form throughout, clocks must not decrease, addresses lie below
    `channel_bytes` and clocks are at most `last_clk` if given. OSError if the file cannot be read.
    """
    addresses: list[int] = []
    kinds: list[int] = []
    clocks: list[int] = []
    for number, line in enumerate(read_lines(path, TraceError), start=1):
        words = [(match.start() + 1, match.group()) for match in _WORD.finditer(line.partition("#")[0])]
        if not words:
            continue

        def fail(column: int, expected: str, got: str, number: int = number) -> TraceError:
            return TraceError(f"{path}:{number}:{column}: expected {expected}, got {got!r}")

        timed = words[0][1][:1].isdigit()
        if addresses and timed != bool(clocks):
            form = "`ADDRESS READ CLOCK`" if clocks else "`R ADDRESS`"
            raise fail(words[0][0], f"{form} as in the lines before", words[0][1])
        count = 3 if timed else 2
        if len(words) != count:
            column, got = words[count] if len(words) > count else (len(line) + 1, "the end of the line")
            form = "`0x40 READ 12` or `0x40 WRITE 12`" if timed else "`R 0x40` or `W 0x40`"
            raise fail(column, form, got)
        (kind_column, kind), (address_column, address) = (words[1], words[0]) if timed else (words[0], words[1])
        if kind not in _KINDS or (len(kind) > 1) != timed:
            raise fail(kind_column, "READ or WRITE" if timed else "R or W", kind)
        if not re.fullmatch(r"0x[0-9a-fA-F]{1,16}", address):
            raise fail(address_column, "an address such as 0x1f40", address)
        if channel_bytes is not None and int(address, 16) >= channel_bytes:
            raise fail(address_column, f"an address below {channel_bytes:#x}, the size of the channel", address)
        if timed:
            column, clock = words[2]
            if not is_clock(clock):
                raise fail(column, "a clock number below 2^59", clock)
            if clocks and int(clock) < clocks[-1]:
                raise fail(column, f"a clock not before {clocks[-1]}", clock)
            if last_clk is not None and int(clock) > last_clk:
                raise fail(column, f"a clock number up to {last_clk}: each refresh until then is told", clock)
            clocks.append(int(clock))
        addresses.append(int(address, 16))
        kinds.append(_KINDS[kind])
    return RequestTrace(
        np.array(addresses, dtype=np.uint64),
        np.array(kinds, dtype=np.uint8),
        np.array(clocks, dtype=np.int64) if clocks else None,
    )
