"""Packet files: CSV, plain or gzipped, one packet a line, as network simulators' traces are exchanged.

The first line names the columns. Read are `id`, `src`, `dst`, `flits` and `created`, in any order; other columns
are left alone, but `injected`, `head_out` and `tail_out`, when all are there, are kept as a recorded run to compare
with.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.files import read_lines, write_whole

from .mesh import MeshConfig

__all__ = ["PacketFileError", "Packets", "read_packets", "write_packets"]

_GIVEN = ("id", "src", "dst", "flits", "created")
_RECORDED = ("injected", "head_out", "tail_out")
# Far above any sensible file, far below what overflows clocks when added up.
_MAX_CLOCK = 2**52
_MAX_FLITS = 2**20


class PacketFileError(ValueError):
    """A packet file is not what it should be. The text is `file:line:column: what was expected`."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Packets:
    """Packets in order of (created, id): int64 arrays of one length. `recorded` are the clocks of a recorded run,
    rows (injected, head_out, tail_out), or None."""

    id: npt.NDArray[np.int64]
    src: npt.NDArray[np.int64]
    dst: npt.NDArray[np.int64]
    flits: npt.NDArray[np.int64]
    created: npt.NDArray[np.int64]
    recorded: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return int(self.id.size)


def read_packets(path: Path, mesh: MeshConfig) -> Packets:
    """The packets of a file, in order of (created, id).

    Raises PacketFileError, naming file, line and column, for the first line that is not a packet of this mesh; OSError
    if the file cannot be read.
    """
    lines = read_lines(path, PacketFileError)
    header = next(lines, None)
    if header is None:
        raise PacketFileError(f"{path}:1:1: expected a line of column names, got an empty file")
    names = [name.strip() for name in header.split(",")]
    for name in _GIVEN:
        if names.count(name) != 1:
            raise PacketFileError(
                f"{path}:1:1: expected the columns {','.join(_GIVEN)} once each, but '{name}' is there "
                f"{names.count(name)} times"
            )
    recorded = all(names.count(name) == 1 for name in _RECORDED)
    wanted = [*_GIVEN, *(_RECORDED if recorded else ())]
    bounds = {
        "id": (0, 2**62),
        "src": (0, mesh.nodes - 1),
        "dst": (0, mesh.nodes - 1),
        "flits": (1, _MAX_FLITS),
        "created": (0, _MAX_CLOCK),
    }
    columns = [(names.index(name), *bounds.get(name, (0, 2**62))) for name in wanted]
    rows = [_row(path, number, line, names, columns) for number, line in enumerate(lines, start=2)]
    table = np.array(rows, np.int64).reshape(len(rows), len(wanted))
    _check_ids(path, table[:, 0])
    table = table[np.lexsort((table[:, 0], table[:, 4]))]
    ids, src, dst, flits, created, *clocks = np.ascontiguousarray(table.T)
    return Packets(ids, src, dst, flits, created, np.stack(clocks) if recorded else None)


def _row(path: Path, number: int, line: str, names: list[str], columns: list[tuple[int, int, int]]) -> list[int]:
    fields = line.split(",")
    if len(fields) != len(names):
        raise PacketFileError(f"{path}:{number}:1: expected {len(names)} fields, got {len(fields)}")
    row = []
    for index, low, high in columns:
        text = fields[index].strip()
        value = int(text) if text.isdecimal() and len(text) < 20 else -1
        if not low <= value <= high:
            column = sum(len(field) + 1 for field in fields[:index]) + 1
            raise PacketFileError(
                f"{path}:{number}:{column}: {names[index]}: expected a whole number from {low} to {high}, got {text!r}"
            )
        row.append(value)
    return row


def _check_ids(path: Path, ids: npt.NDArray[np.int64]) -> None:
    order = np.argsort(ids, kind="stable")
    again = order[1:][ids[order[1:]] == ids[order[:-1]]]
    if again.size:
        line = int(again.min())
        raise PacketFileError(f"{path}:{line + 2}:1: id: expected every id once, {ids[line]} was there before")


def write_packets(path: Path, packets: Packets, clocks: npt.NDArray[Any], mesh: MeshConfig) -> None:
    """Write packets with their clocks, rows (injected, head_out, tail_out), and the routers on their way; gzipped
    if the name ends in .gz. Equal packets give equal bytes; the file is there as a whole or not at all."""
    text = io.StringIO()
    text.write(",".join([*_GIVEN, *_RECORDED, "routers"]) + "\n")
    columns = [packets.id, packets.src, packets.dst, packets.flits, packets.created, *clocks]
    for values in zip(*(column.tolist() for column in columns), strict=True):
        text.write(",".join(map(str, values)) + f",{mesh.hops(values[1], values[2]) + 1}\n")
    data = text.getvalue().encode("ascii")
    write_whole(path, data)
