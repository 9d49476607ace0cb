"""One layer on a chip, with each assumed parameter of the chip at its other plausible values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import ValidationError

from ..chip import ChipSpec
from ..dram.spec import MemorySpec
from ..workload.schema import StatisticalLayer
from .densities import SurfacePoint
from .effects import PRUNING_UNIT, group_of
from .layer_points import layer_point
from .points import Point
from .record import AssumptionRecord
from .variants import Variant, variants

__all__ = ["LayerVariants"]


@dataclass
class LayerVariants:
    """`names`: chips of the record whose assumptions the chip makes."""

    chip: ChipSpec
    record: AssumptionRecord
    names: tuple[str, ...]
    memory: MemorySpec
    layer: StatisticalLayer
    seed: int
    _made: dict[tuple[str, SurfacePoint], Point | None] = field(default_factory=dict)

    @cached_property
    def found(self) -> list[Variant]:
        """The variants, without those of the pruning unit, which has nothing to do here."""
        every = variants(self.chip, self.record, self.names)
        return [one for one in every if group_of(one.parameter) != PRUNING_UNIT]

    def point(self, at: SurfacePoint, chip: ChipSpec | None = None) -> Point | None:
        """The layer on the chip or on a variant; None where it does not fit."""
        chip = chip or self.chip
        key = (chip.model_dump_json(), at)
        if key not in self._made:
            try:
                self._made[key] = layer_point(chip, self.memory, self.layer, at, self.seed)
            except ValidationError:
                self._made[key] = None
        return self._made[key]

    def points(self, *densities: SurfacePoint) -> Iterator[Point]:
        """Of the chip and of all variants, at each of the densities, where all of them fit."""
        for chip in (self.chip, *(one.chip for one in self.found)):
            if chip is not None:
                those = [self.point(at, chip) for at in densities]
                if None not in those:
                    yield from (point for point in those if point is not None)
