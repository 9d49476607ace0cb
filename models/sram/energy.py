"""What an SRAM access costs, by capacity, width, node and cell: CACTI 7's numbers as data. Integers of femtojoules.

One bank, one read-write port, plain RAM, no ECC, 360 K, ED^2 optimum, conservative wires (HewlettPackard/cacti
1ffd8dfb, own runs). 28 nm is CACTI's interpolation between its 32 and 22 nm tables, at the ITRS supply of each cell
type. These are ITRS models, not a foundry compiler: a factor of two either way is normal.

* Between tabulated capacities values are linear in the capacity; below the smallest they stay at its value (an
  upper bound).
* A width between two tabulated ones is linear in the width; below the narrowest a whole narrowest word is accessed.
* A word wider than the widest tabulated, or a bank larger than the largest, is refused: build it of several banks.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from .memory import MemoryConfig

__all__ = ["CELLS", "SramEnergy"]

SOURCE = "CACTI 7 (HewlettPackard/cacti 1ffd8dfb, 2017-06-19), own runs"
_KIB = 1024
_CAPACITIES = (8, 16, 32, 64, 128, 256)  # KiB

# (node_nm, cell) -> width in bits -> (read, write) in tenths of a picojoule, by capacity.
_ACCESS: dict[tuple[int, str], dict[int, tuple[tuple[int, int], ...]]] = {
    (65, "hp"): {
        64: ((88, 115), (167, 153), (249, 224), (484, 299), (560, 376), (708, 523)),
        128: ((111, 205), (154, 344), (291, 401), (563, 514), (704, 654), (974, 924)),
    },
    (65, "lop"): {
        64: ((59, 65), (112, 89), (138, 114), (246, 164), (300, 217), (402, 320)),
        128: ((74, 115), (140, 151), (199, 226), (323, 276), (423, 376), (695, 529)),
    },
    (65, "lstp"): {
        64: ((111, 147), (210, 201), (301, 287), (470, 373), (593, 496), (1006, 731)),
        128: ((145, 261), (193, 428), (363, 511), (702, 674), (912, 883), (1412, 1217)),
        256: ((213, 489), (261, 819), (488, 959), (941, 1236), (1362, 1656), (2289, 2232)),
    },
    (28, "hp"): {
        64: ((23, 27), (44, 35), (54, 45), (96, 64), (117, 84), (156, 124)),
    },
    (28, "lop"): {
        64: ((18, 14), (21, 17), (27, 22), (45, 32), (57, 44), (88, 62)),
        128: ((17, 24), (32, 30), (42, 40), (65, 55), (92, 74), (130, 112)),
        256: ((23, 45), (43, 56), (60, 88), (104, 101), (145, 142), (226, 189)),
    },
    (28, "lstp"): {
        64: ((26, 31), (44, 40), (62, 54), (95, 77), (124, 107), (198, 153)),
        128: ((33, 56), (62, 72), (86, 96), (147, 131), (196, 180), (317, 249)),
        256: ((47, 106), (89, 135), (115, 209), (226, 246), (313, 355), (498, 466)),
    },
}
# Leakage of the 64-bit memories in nanowatts, by capacity in KiB.
_LEAKAGE: dict[tuple[int, str], dict[int, int]] = {
    (65, "lstp"): {8: 3_000, 32: 11_000, 128: 42_000, 256: 79_000},
    (28, "lstp"): {8: 3_000, 32: 9_000, 128: 35_000, 256: 65_000},
}

CELLS = tuple(_ACCESS)
"""(node_nm, cell) of every table: hp high performance, lop low operating power, lstp low standby power."""


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


@dataclass(frozen=True, slots=True)
class SramEnergy:
    """Energies of one bank of `capacity_bytes` with words of `word_bits`.

    Raises ValueError for a node, cell, width or capacity that the tables do not cover.
    """

    capacity_bytes: int
    word_bits: int
    node_nm: int = 28
    cell: str = "lstp"

    def __post_init__(self) -> None:
        if (self.node_nm, self.cell) not in _ACCESS:
            known = ", ".join(f"{node} nm {cell}" for node, cell in CELLS)
            raise ValueError(f"{self.node_nm} nm {self.cell}: no such table; there are {known}")
        widest = max(self._table)
        if not 1 <= self.word_bits <= widest:
            raise ValueError(
                f"word_bits {self.word_bits}: expected 1 to {widest} at {self.node_nm} nm {self.cell}; build "
                "wider words of several banks side by side"
            )
        if not 1 <= self.capacity_bytes <= _CAPACITIES[-1] * _KIB:
            raise ValueError(
                f"capacity_bytes {self.capacity_bytes}: expected 1 to {_CAPACITIES[-1] * _KIB}; build larger "
                "memories of several banks"
            )

    @classmethod
    def of_bank(cls, memory: MemoryConfig, node_nm: int = 28, cell: str = "lstp") -> SramEnergy:
        """The energies of one bank of a memory."""
        return cls(-(-memory.bytes // memory.banks), memory.word_bits, node_nm, cell)

    @property
    def source(self) -> str:
        """Where the numbers are from. The supply is CACTI's ITRS value of the cell type, which the tables do not
        state."""
        return f"{SOURCE}; {self.node_nm} nm {self.cell}, ITRS supply, 360 K"

    @property
    def read_fj(self) -> int:
        """One read of a word."""
        return self._access(0)

    @property
    def write_fj(self) -> int:
        """One write of a word."""
        return self._access(1)

    @property
    def leakage_nw(self) -> int | None:
        """Leakage, or None where none is tabulated (all but lstp)."""
        table = _LEAKAGE.get((self.node_nm, self.cell))
        if table is None:
            return None
        capacities = sorted(table)
        weight, low, high = _between([capacity * _KIB for capacity in capacities], self.capacity_bytes)
        a, b = table[capacities[low]], table[capacities[high]]
        return _half_up(a * (weight[1] - weight[0]) + b * weight[0], weight[1])

    @property
    def _table(self) -> dict[int, tuple[tuple[int, int], ...]]:
        return _ACCESS[self.node_nm, self.cell]

    def _access(self, kind: int) -> int:
        widths = sorted(self._table)
        (w, w_of), w_low, w_high = _between(widths, self.word_bits)
        (c, c_of), c_low, c_high = _between([capacity * _KIB for capacity in _CAPACITIES], self.capacity_bytes)
        narrow, wide = self._table[widths[w_low]], self._table[widths[w_high]]
        at_narrow = narrow[c_low][kind] * (c_of - c) + narrow[c_high][kind] * c
        at_wide = wide[c_low][kind] * (c_of - c) + wide[c_high][kind] * c
        # Tenths of a picojoule to femtojoules.
        return _half_up(100 * (at_narrow * (w_of - w) + at_wide * w), w_of * c_of)


def _between(keys: list[int], at: int) -> tuple[tuple[int, int], int, int]:
    """((part, of), low, high): `at` lies part / of of the way from keys[low] to keys[high]; below all keys at the
    first."""
    if at <= keys[0]:
        return (0, 1), 0, 0
    high = bisect_left(keys, at)
    return (at - keys[high - 1], keys[high] - keys[high - 1]), high - 1, high
