"""Energy tables: what the elements of a chip cost, each with its node, supply, source and uncertainty.

A chip counts *actions* (a block scanned, a word read); an action is made of *elements* (so many flip-flop bits, a
memory access), of which the table says what they cost, at a node and supply of their own. `models/chip/energy.py`
makes a chip's actions of them. No action is free, and none is without an entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.quantity import EnergyFj, Millivolts
from cosim.scenario import Spec, misfit

from .scaling import SUPPLY_MV, energy_factor

Node = Literal["65 nm", "45 nm", "32 nm"]
Percent = Annotated[int, Field(ge=1, le=1000, strict=True)]

ACTIONS = {
    "core.mac": "a multiply-accumulate in a lane",
    "core.operand_fetch": "a lane takes the two operands of a multiply-accumulate and keeps its sum",
    "core.bitmap_read": "a word of bitmaps enters the scanners' registers",
    "core.scan": "a lane looks at one block of the operands' bitmaps",
    "core.jump": "a jump over coarse-zero blocks",
    "core.queue_move": "an index enters or leaves a lane's queue",
    "core.buffer_write": "an input block, values and bitmap, enters a group's broadcast buffer",
    "core.buffer_read": "a lane reads a block's bitmap from it",
    "sram.input.read": "a word of a core's input memory",
    "sram.input.write": "a word of a core's input memory",
    "sram.weight.read": "a word of a core's weight memory",
    "sram.weight.write": "a word of a core's weight memory",
    "sram.output.read": "a word of a core's output memory",
    "sram.output.write": "a word of a core's output memory",
    "sram.aggregator.read": "a word of the aggregation core's memory",
    "sram.aggregator.write": "a word of the aggregation core's memory",
    "sram.vector.read": "a word of the vector unit's memory",
    "sram.vector.write": "a word of the vector unit's memory",
    "sram.pruning.read": "a word of the pruning unit's memory",
    "sram.pruning.write": "a word of the pruning unit's memory",
    "noc.flit_hop": "a flit through one router and the link behind it",
    "dma.request": "a request issued by a DMA channel",
    "aggregator.add": "an addition of partial sums",
    "vector.op": "an element operation of the vector unit",
    "pruning.mac": "a multiply-accumulate of the pruning unit (similarity)",
    "pruning.compare": "a compare of the pruning unit (magnitude)",
    "clock.core": "clock of a core, per cycle from a task's start to its end",
    "clock.aggregator": "clock of the aggregation core, per cycle of its tasks",
    "clock.vector": "clock of the vector unit, per cycle of its tasks",
    "clock.pruning": "clock of the pruning unit, per cycle of its tasks",
    "clock.top": "clock of controller, DMA and network, and control, per elapsed cycle",
    "leakage.core": "leakage of a core, per nanosecond",
    "leakage.aggregator": "leakage of the aggregation core, per nanosecond",
    "leakage.vector": "leakage of the vector unit, per nanosecond",
    "leakage.pruning": "leakage of the pruning unit, per nanosecond",
    "leakage.top": "leakage of everything else, per nanosecond",
}
"""Every action that a chip counts, and what it is."""

ELEMENTS = {
    "mac.fp8": "multiply-accumulate, FP8 operands",
    "mac.fp16": "multiply-accumulate, FP16 operands",
    "register.bit": "a bit read from or written to flip-flops (operands, sums, buffers)",
    "queue.bit": "a bit of an index entered into or taken from a queue",
    "scan.index": "an index of a block looked at: bitmaps combined, effectual indices found",
    "jump": "a run of coarse-zero blocks found and left",
    "compare": "a compare of two magnitudes",
    "adder.fp32": "FP32 addition",
    "vector.op": "an element operation",
    "address": "a request's address and bookkeeping",
    "noc.bit": "a bit through a router and the link behind it",
    "clock.core": "clock tree and registers of a core, a cycle",
    "clock.aggregator": "the same of the aggregation core",
    "clock.vector": "the same of the vector unit",
    "clock.pruning": "the same of the pruning unit",
    "clock.top": "the same of controller, DMA and network",
    "leakage.core": "a core, a nanosecond (1 fJ/ns = 1 uW)",
    "leakage.aggregator": "the aggregation core, a nanosecond",
    "leakage.vector": "the vector unit, a nanosecond",
    "leakage.pruning": "the pruning unit, a nanosecond",
    "leakage.top": "everything else, a nanosecond",
}
"""What a table gives energies of, beside its memories."""

ABSENT = ("scan.index", "queue.bit", "jump")
"""Elements of skipping: a core without it lacks them, and its table says so by 0 fJ. Nothing else is free."""

MAC_FORMATS = {8: "mac.fp8", 16: "mac.fp16"}
"""Width of a stored value in bits -> the element that is a multiply-accumulate of two of them."""

SRAM = "sram"
"""Name of the memories among the elements: they have one uncertainty together."""


class Level(StrEnum):
    """Where in its plausible range an energy is taken."""

    LOW = "low"
    NOMINAL = "nominal"
    HIGH = "high"


class MissingEnergyError(KeyError):
    """An action was counted that the table does not know; `args` are (action,)."""

    def __str__(self) -> str:
        return f"no energy is given for '{self.args[0]}'"


class Origin(Spec):
    """At which node and supply a value holds, and where it comes from."""

    node: Node = Field(description="technology of the value")
    voltage: Millivolts = Field(description="supply of the value")
    source: str = Field("", description="where it is published")
    assumed: str = Field("", description="not published: why this value")

    @model_validator(mode="after")
    def _one(self) -> Origin:
        if bool(self.source) == bool(self.assumed):
            raise ValueError("give either a source or the reason of an assumption")
        if not SUPPLY_MV[0] <= self.voltage <= SUPPLY_MV[1]:
            raise misfit(f"expected {SUPPLY_MV[0]} to {SUPPLY_MV[1]} mV, which energies can be scaled from", "voltage")
        return self

    def factor(self, node: Node, voltage_mv: int) -> Fraction:
        """From here to a chip's node and supply. Raises ValueError for a supply that it cannot be scaled to.

        Of leakage, too: for want of a published fit it is scaled like dynamic energy, an assumption (leakage goes with
        the supply otherwise, and with the temperature).
        """
        return energy_factor(nanometres(self.node), self.voltage, nanometres(node), voltage_mv)


class EnergyEntry(Origin):
    """One element's energy, the range in which it plausibly lies, and where it comes from."""

    energy: EnergyFj = Field(description="energy of one")
    low: EnergyFj = Field(description="least plausible energy")
    high: EnergyFj = Field(description="greatest plausible energy")

    @model_validator(mode="after")
    def _in_range(self) -> EnergyEntry:
        if not self.low <= self.energy <= self.high:
            raise misfit("low <= energy <= high does not hold", "energy")
        return self

    def at(self, level: Level) -> int:
        """The energy, in fJ, or an end of its range."""
        return {Level.LOW: self.low, Level.NOMINAL: self.energy, Level.HIGH: self.high}[level]


class SramEntry(Origin):
    """The memories: values by size and width come from the tables of `SramEnergy`, for one cell type."""

    cell: Literal["hp", "lop", "lstp"] = Field(description="transistors of CACTI's table: hp, lop, lstp")
    low_percent: Percent = Field(description="least plausible energy, in percent of the table's")
    high_percent: Percent = Field(description="greatest plausible energy, in percent of the table's")

    @model_validator(mode="after")
    def _in_range(self) -> SramEntry:
        if not self.low_percent <= 100 <= self.high_percent:
            raise misfit("low_percent <= 100 <= high_percent does not hold", "low_percent")
        return self

    def share(self, level: Level) -> Fraction:
        """Of the table's energy."""
        percent = {Level.LOW: self.low_percent, Level.NOMINAL: 100, Level.HIGH: self.high_percent}[level]
        return Fraction(percent, 100)


class EnergyTableSpec(Spec):
    """An energy table: all elements and the memories, and the node that they are scaled to."""

    node: Node = Field(description="technology of the chip")
    sram: SramEntry = Field(description="local memories")
    elements: dict[str, EnergyEntry] = Field(description="element -> energy")

    @model_validator(mode="after")
    def _complete(self) -> EnergyTableSpec:
        for element in self.elements:
            if element not in ELEMENTS:
                raise misfit(f"unknown element; known are {', '.join(ELEMENTS)}", "elements", element)
        for element, entry in self.elements.items():
            if entry.low == 0 and (entry.high or element not in ABSENT):
                least = "0 fJ, all three, of a core that lacks it, or more" if element in ABSENT else "more than 0 fJ"
                raise misfit(f"no action is free: expected {least}", "elements", element, "low")
        missing = [element for element in ELEMENTS if element not in self.elements]
        if missing:
            raise misfit(f"no energy is given for {', '.join(missing)}", "elements")
        return self


def nanometres(node: Node) -> int:
    """65 of '65 nm'."""
    return int(node.removesuffix(" nm"))


def half_up(value: Fraction) -> int:
    """The nearest whole number, halves upwards: how every scaled energy is rounded, once."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def energy_fj(table: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, int]:
    """Energy by action, in the order of the counts, from fJ by action. MissingEnergyError for one without an entry."""
    result: dict[str, int] = {}
    for action, count in counts.items():
        if action not in table:
            raise MissingEnergyError(action)
        result[action] = count * table[action]
    return result
