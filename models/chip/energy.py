"""What a chip's actions cost: made of the table's elements by the chip's own widths, at its node and supply.

An energy is exact until it is rounded, once, to whole femtojoules (halves upwards): the sum over an action's elements
of width x element's energy x scaling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ..energy import ACTIONS, ELEMENTS, MAC_FORMATS, SRAM, Level, half_up, nanometres
from ..sram.energy import SramEnergy
from .spec import ChipSpec

Levels = Mapping[str, Level]
"""Element (or `sram`) -> where in its range it is taken; what is not named is nominal."""


@dataclass(frozen=True)
class ActionEnergy:
    """One action: its energy in fJ, the elements that it is made of (element -> how many), and what is said of them."""

    fj: int
    made_of: Mapping[str, int]


def recipes(spec: ChipSpec) -> dict[str, dict[str, int]]:
    """Action -> how many of which elements, for all actions but those of memories."""
    core, storage = spec.core, spec.storage
    mac = {MAC_FORMATS[storage.value_bits]: 1}
    # An index names a place in the group's buffer of blocks.
    index_bits = max(1, (core.window * core.run_ahead - 1).bit_length())
    made: dict[str, dict[str, int]] = {
        "core.mac": mac,
        "core.operand_fetch": {"register.bit": 2 * storage.value_bits + storage.accumulator_bits},
        "core.bitmap_read": {"register.bit": storage.word},
        "core.scan": {"scan.index": core.window},
        "core.jump": {"jump": 1},
        "core.queue_move": {"queue.bit": index_bits},
        "core.buffer_write": {"register.bit": core.window * (storage.value_bits + 1)},
        "core.buffer_read": {"register.bit": core.window},
        "noc.flit_hop": {"noc.bit": spec.noc.flit},
        "dma.request": {"address": 1},
        "aggregator.add": {"adder.fp32": 1},
        "vector.op": {"vector.op": 1},
        "pruning.mac": mac,
        "pruning.compare": {"compare": 1},
    }
    made.update({action: {action: 1} for action in ACTIONS if action.startswith(("clock.", "leakage."))})
    return made


def action_energies(spec: ChipSpec, levels: Levels | None = None) -> dict[str, ActionEnergy]:
    """Every action of the chip, in the order of ACTIONS, at its supply.

    Raises ValueError for a supply that energies cannot be scaled to, and for an unknown element in `levels`.
    """
    levels = levels or {}
    for element in levels:
        if element not in ELEMENTS and element != SRAM:
            raise ValueError(f"unknown element {element!r}")
    table = spec.energy
    memories = {
        "input": spec.core.input_memory,
        "weight": spec.core.weight_memory,
        "output": spec.core.output_memory,
        "aggregator": spec.aggregator.memory,
        "vector": spec.vector.memory,
        "pruning": spec.pruning_unit.memory,
    }
    made = recipes(spec)
    result: dict[str, ActionEnergy] = {}
    for action in ACTIONS:
        if action.startswith("sram."):
            _, kind, what = action.split(".")
            bank = SramEnergy.of_bank(
                memories[kind].config(spec.storage.word), nanometres(table.sram.node), table.sram.cell
            )
            value = Fraction(bank.read_fj if what == "read" else bank.write_fj)
            value *= table.sram.share(levels.get(SRAM, Level.NOMINAL)) * table.sram.factor(table.node, spec.voltage)
            result[action] = ActionEnergy(half_up(value), {SRAM: 1})
            continue
        value = Fraction(0)
        for element, width in made[action].items():
            entry = table.elements[element]
            energy = entry.at(levels.get(element, Level.NOMINAL))
            value += width * energy * entry.factor(table.node, spec.voltage)
        result[action] = ActionEnergy(half_up(value), made[action])
    return result


def table_fj(spec: ChipSpec, levels: Levels | None = None) -> dict[str, int]:
    """Femtojoules by action."""
    return {action: energy.fj for action, energy in action_energies(spec, levels).items()}
