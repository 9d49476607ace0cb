"""Energy tables: what each action costs, with its source. Energy is counts times table; no action is free."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from cosim.quantity import EnergyFj
from cosim.scenario import Spec, misfit

ACTIONS = {
    "core.mac": "a multiply-accumulate in a lane",
    "core.scan": "a lane looks at one block of the operands' bitmaps",
    "core.jump": "a jump over coarse-zero blocks",
    "core.queue_move": "an index enters or leaves a lane's queue",
    "core.buffer_write": "an input block enters a group's broadcast buffer",
    "core.buffer_read": "a lane reads a block from it",
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
    "static.cycle": "leakage and clock of the whole chip, per cycle of its clock",
}
"""Every action that a chip counts, and what it is."""


class MissingEnergyError(KeyError):
    """An action was counted that the table does not know; `args` are (action,)."""

    def __str__(self) -> str:
        return f"no energy is given for '{self.args[0]}'"


class EnergyEntry(Spec):
    """One action's energy and where it comes from."""

    energy: EnergyFj = Field(description="energy of one action")
    source: str = Field("", description="where it is published, and how it was converted")
    assumed: str = Field("", description="not published: why this value")

    @model_validator(mode="after")
    def _one(self) -> EnergyEntry:
        if bool(self.source) == bool(self.assumed):
            raise ValueError("give either a source or the reason of an assumption")
        return self


class EnergyTableSpec(Spec):
    """An energy table: all actions, at one technology node and voltage."""

    node: str = Field(description="technology")
    voltage: str = Field(description="supply at which the values hold")
    actions: dict[str, EnergyEntry] = Field(description="action -> energy")

    @model_validator(mode="after")
    def _complete(self) -> EnergyTableSpec:
        for action in self.actions:
            if action not in ACTIONS:
                raise misfit(f"unknown action; known are {', '.join(ACTIONS)}", "actions", action)
        missing = [action for action in ACTIONS if action not in self.actions]
        if missing:
            raise misfit(f"no energy is given for {', '.join(missing)}", "actions")
        return self


def energy_fj(table: EnergyTableSpec, counts: Mapping[str, int]) -> dict[str, int]:
    """Energy by action, in the order of the counts. Raises MissingEnergyError for an action without an entry."""
    result: dict[str, int] = {}
    for action, count in counts.items():
        if action not in table.actions:
            raise MissingEnergyError(action)
        result[action] = count * table.actions[action].energy
    return result
