"""The planar tiling that SCNN and DCNN share.

The plane is cut into tiles, as even as possible, one of each processing element (PE). Parashar et al., ISCA 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..tensors import ConvShape, Stage
from .operands import Operands

Span = tuple[int, int]

MAX_PES = 1 << 16
"""Processing elements; the published core has 64. Each takes a part of the layer with arrays of its own."""


@dataclass(frozen=True)
class PlanarTiling:
    """The PEs, and the output channels that they work on between two barriers.

    ValueError for a value below 1, and for more than `MAX_PES` PEs.
    """

    pe_rows: int
    pe_columns: int
    group: int

    def __post_init__(self) -> None:
        at_least_one(self, ("pe_rows", "pe_columns", "group"))
        if self.pes > MAX_PES:
            raise ValueError(
                f"pe_rows and pe_columns must give at most {MAX_PES} processing elements, got {self.pe_rows} x "
                f"{self.pe_columns} = {self.pes}"
            )

    @property
    def pes(self) -> int:
        """Processing elements."""
        return self.pe_rows * self.pe_columns

    def spans(self, size: int, pes: int, parts: int = 1) -> list[list[Span]]:
        """By part, the range of each PE along one side that has a place at all; empty ones where its tile has fewer
        places than parts."""
        tiles = _even((0, size), min(pes, size))
        cut = [_even(tile, parts) for tile in tiles]
        return [[pieces[part] for pieces in cut] for part in range(parts)]


def _even(span: Span, parts: int) -> list[Span]:
    begin, size = span[0], span[1] - span[0]
    return [(begin + size * i // parts, begin + size * (i + 1) // parts) for i in range(parts)]


def up(size: int, parts: int) -> int:
    """The largest of so many parts."""
    return -(-size // parts)


def at_least_one(what: Any, names: tuple[str, ...]) -> None:
    """Raise ValueError where one of the attributes is below 1."""
    for name in names:
        if getattr(what, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(what, name)}")


def check_planar(shape: ConvShape, stage: Stage, operands: Operands) -> None:
    """Raise ValueError for what SCNN and DCNN are not modelled for, and for operands that do not fit."""
    if stage is not Stage.FF:
        raise ValueError(f"SCNN and DCNN are modelled for inference: stage ff, not {stage}")
    if shape.stride != 1 or shape.groups != 1:
        raise ValueError(f"modelled for stride 1 and groups 1, got {shape.stride} and {shape.groups}")
    operands.check(shape, stage)
