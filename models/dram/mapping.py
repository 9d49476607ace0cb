"""Address mappings as lists of bit fields.

A mapping lists what the address bits above the offset within one burst select, from the most to the least significant;
a name may occur more than once (its parts are joined in the same order). Widths follow from a preset's geometry where
a field occurs once, and are given where it is split.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import NamedTuple

FIELDS = ("column", "bank", "group", "row", "rank")


class Geometry(NamedTuple):
    """Sizes of one channel; a column is one burst. All are powers of two (ValueError from `field_bits`)."""

    groups: int
    banks_per_group: int
    rows: int
    columns: int
    burst_bytes: int
    ranks: int = 1

    @property
    def banks(self) -> int:
        """Of one rank."""
        return self.groups * self.banks_per_group

    @property
    def row_bytes(self) -> int:
        """Of one row of one bank."""
        return self.columns * self.burst_bytes

    @property
    def channel_bytes(self) -> int:
        """Of all ranks."""
        return self.ranks * self.banks * self.rows * self.row_bytes

    def field_bits(self) -> dict[str, int]:
        """Address bits of each field."""
        for name, size in self._asdict().items():
            if size < 1 or size & (size - 1):
                raise ValueError(f"{name}: expected a power of two, got {size}")
        sizes = {
            "column": self.columns,
            "bank": self.banks_per_group,
            "group": self.groups,
            "row": self.rows,
            "rank": self.ranks,
        }
        return {name: size.bit_length() - 1 for name, size in sizes.items()}


class Field(NamedTuple):
    """`bits` consecutive address bits."""

    name: str
    bits: int


@dataclass(frozen=True)
class AddressMapping:
    """Bit fields from the most to the least significant."""

    fields: tuple[Field, ...]
    burst_bytes: int

    @classmethod
    def of(cls, order: tuple[str, ...], geometry: Geometry) -> AddressMapping:
        """The mapping `order` for a geometry; an entry is a field's name, or "name:bits" where it is split.

        Raises ValueError if the bits of a field do not add up to what the geometry has.
        """
        wanted = geometry.field_bits()
        fields = []
        for entry in order:
            name, colon, bits = entry.partition(":")
            if name not in wanted or (colon and not bits.isdecimal()):
                raise ValueError(f"{entry!r}: expected one of {', '.join(FIELDS)}, or such a name with `:bits`")
            fields.append(Field(name, int(bits) if colon else wanted[name]))
        for name, width in wanted.items():
            mapped = sum(field.bits for field in fields if field.name == name)
            if mapped != width:
                raise ValueError(f"mapping {order}: {name} has {width} address bits, {mapped} are mapped")
        return cls(tuple(fields), geometry.burst_bytes)

    def decode(self, address: int) -> dict[str, int]:
        """Rank, row, bank, group and column of a byte address. Raises ValueError outside the channel."""
        rest = address // self.burst_bytes
        value = dict.fromkeys(FIELDS, 0)
        filled = dict.fromkeys(FIELDS, 0)
        for name, bits in reversed(self.fields):
            value[name] |= (rest & ((1 << bits) - 1)) << filled[name]
            filled[name] += bits
            rest >>= bits
        if rest or address < 0:
            raise ValueError(f"address {address:#x} is outside the channel")
        return value

    def encode(self, value: MappingType[str, int]) -> int:
        """The byte address of a burst; fields that are not named are 0."""
        left = {name: value.get(name, 0) for name in FIELDS}
        line, shift = 0, 0
        for name, bits in reversed(self.fields):
            line |= (left[name] & ((1 << bits) - 1)) << shift
            left[name] >>= bits
            shift += bits
        if any(left.values()):
            raise ValueError(f"{dict(value)}: too large for the mapping")
        return line * self.burst_bytes
