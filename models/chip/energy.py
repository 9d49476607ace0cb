"""What a chip's actions cost: made of the table's elements by the chip's own widths, at its node and supply.

An energy is exact until it is rounded, once, to whole femtojoules (halves upwards): the sum over an action's elements
of width x element's energy x scaling.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ..energy import ACTIONS, ELEMENTS, MAC_FORMATS, SRAM, Level, half_up, nanometres
from ..sram.energy import SramEnergy
from .spec import ChipSpec

Levels = Mapping[str, Level]
"""Element (or `sram`) -> where in its range it is taken; what is not named is nominal."""


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


def action_form(spec: ChipSpec, action: str) -> dict[str, Fraction]:
    """What an action costs at the chip's node and supply, as a linear form: element -> fJ for each fJ of the element in
    the table (`sram`: for each 100 % of the table), before any rounding.

    Raises KeyError for an unknown action, ValueError for a supply that energies cannot be scaled to.
    """
    table = spec.energy
    if action.startswith("sram."):
        _, kind, what = action.split(".")
        memory = {_kind(path): one for path, one in spec.memories().items()}[kind]
        bank = SramEnergy.of_bank(memory.config(spec.storage.word), nanometres(table.sram.node), table.sram.cell)
        return {SRAM: (bank.read_fj if what == "read" else bank.write_fj) * table.sram.factor(table.node, spec.voltage)}
    return {
        element: width * table.elements[element].factor(table.node, spec.voltage)
        for element, width in recipes(spec)[action].items()
    }


def _kind(path: tuple[str, ...]) -> str:
    """Of a memory, as actions call it: `input` of core.input_memory, `pruning` of pruning_unit.memory."""
    return path[-1].removesuffix("_memory") if path[0] == "core" else path[0].removesuffix("_unit")


def element_fj(spec: ChipSpec, element: str, level: Level) -> Fraction:
    """An element's energy in fJ (of memories: share of the table) somewhere in its range, as its table has it."""
    if element == SRAM:
        return spec.energy.sram.share(level)
    return Fraction(spec.energy.elements[element].at(level))


def table_fj(spec: ChipSpec, levels: Levels | None = None) -> dict[str, int]:
    """Femtojoules by action, in the order of ACTIONS, at the chip's supply.

    Raises ValueError for a supply that energies cannot be scaled to, and for an unknown element in `levels`.
    """
    levels = levels or {}
    for element in levels:
        if element not in ELEMENTS and element != SRAM:
            raise ValueError(f"unknown element {element!r}")
    energies = {}
    for action in ACTIONS:
        form = action_form(spec, action)
        parts = (part * element_fj(spec, e, levels.get(e, Level.NOMINAL)) for e, part in form.items())
        energies[action] = half_up(sum(parts, Fraction(0)))
    return energies
