"""What a flit costs on its way: buffers, crossbar, allocation, wires. Integers of femtojoules, each with its source.

The numbers are Noxim's (bin/power.yaml), which its maintainer places in 45 nm CMOS (davidepatti/noxim issue 122);
the source states no supply voltage. Its rows are for buffers of 8 flits.

* Between the tabulated flit widths (32, 64, 128 bits) values are linear in the width, outside they are proportional
  to it.
* Wire energy is linear in the length between the tabulated ones (0.5, 1, 2, 3 mm), proportional below 0.5 mm, and
  proportional to the 3 mm value beyond.
* Scaling to another node or supply, by (node / 45 nm) x (V / 1 V)^2, is an assumption, not sourced, and marked as such.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from .state import NetworkCounts

__all__ = ["EnergyEntry", "NocEnergy"]

_NODE_NM = 45
_NOMINAL_MV = 1000
_SOURCE = "Noxim bin/power.yaml, 45 nm CMOS by its maintainer (noxim issue 122)"

# Femtojoules per flit, by flit width in bits.
_BUFFER_WRITE = {32: 1030, 64: 2080, 128: 4000}
_BUFFER_READ = {32: 830, 64: 1580, 128: 3000}
_CROSSBAR = {32: 220, 64: 400, 128: 800}
_ROUTING_AND_SELECTION = {32: 110, 64: 110, 128: 110}
# Attojoules per bit, by length in micrometres.
_WIRE = {500: 25_000, 1000: 48_800, 2000: 96_300, 3000: 143_000}


@dataclass(frozen=True, slots=True)
class EnergyEntry:
    """One action's energy. `voltage_mv` is None where the source states none; `assumed` says what is not sourced."""

    action: str
    energy_fj: int
    node_nm: int
    voltage_mv: int | None
    source: str
    assumed: str = ""


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _interpolate(table: dict[int, int], at: int) -> tuple[int, int]:
    """(numerator, denominator) of the value at `at`; linear between entries, proportional outside."""
    keys = sorted(table)
    if at <= keys[0]:
        return table[keys[0]] * at, keys[0]
    if at >= keys[-1]:
        return table[keys[-1]] * at, keys[-1]
    high = bisect_left(keys, at)
    a, b = keys[high - 1], keys[high]
    return table[a] * (b - at) + table[b] * (at - a), b - a


@dataclass(frozen=True, slots=True)
class NocEnergy:
    """Energies of a network with flits of `flit_bits` and `link_um` of wire between routers, `node_link_um` between a
    router and its node (0: they touch).

    `node_nm` and `voltage_mv` other than the source's scale every entry, and mark it as assumed. Raises ValueError for
    a width, node or supply below 1 and a length below 0.
    """

    flit_bits: int
    link_um: int
    node_link_um: int = 0
    node_nm: int = _NODE_NM
    voltage_mv: int | None = None

    def __post_init__(self) -> None:
        for name, low in (("flit_bits", 1), ("link_um", 0), ("node_link_um", 0), ("node_nm", 1)):
            if getattr(self, name) < low:
                raise ValueError(f"{name} {getattr(self, name)}: expected at least {low}")
        if self.voltage_mv is not None and self.voltage_mv < 1:
            raise ValueError(f"voltage_mv {self.voltage_mv}: expected at least 1")

    def entries(self) -> dict[str, EnergyEntry]:
        """Energy of each action, by name: buffer_write, buffer_read, crossbar, allocation (routing and selection;
        the source gives it per flit), link, node_link."""
        per_flit = {
            "buffer_write": _interpolate(_BUFFER_WRITE, self.flit_bits),
            "buffer_read": _interpolate(_BUFFER_READ, self.flit_bits),
            "crossbar": _interpolate(_CROSSBAR, self.flit_bits),
            "allocation": _interpolate(_ROUTING_AND_SELECTION, min(max(self.flit_bits, 32), 128)),
            "link": self._wire(self.link_um),
            "node_link": self._wire(self.node_link_um),
        }
        return {action: self._entry(action, *value) for action, value in per_flit.items()}

    def _wire(self, length_um: int) -> tuple[int, int]:
        numerator, denominator = _interpolate(_WIRE, length_um)
        return numerator * self.flit_bits, denominator * 1000

    def _entry(self, action: str, numerator: int, denominator: int) -> EnergyEntry:
        notes = []
        if self.node_nm != _NODE_NM:
            numerator, denominator = numerator * self.node_nm, denominator * _NODE_NM
            notes.append(f"scaled by {self.node_nm}/{_NODE_NM}, the ratio of nodes")
        if self.voltage_mv is not None:
            numerator, denominator = numerator * self.voltage_mv**2, denominator * _NOMINAL_MV**2
            notes.append(
                f"scaled by the square of {self.voltage_mv} mV / {_NOMINAL_MV} mV, the source stating no supply"
            )
        energy = _half_up(numerator, denominator)
        return EnergyEntry(action, energy, self.node_nm, self.voltage_mv, _SOURCE, "; ".join(notes))

    def flit_hop_fj(self) -> int:
        """One flit through one router and the link to the next."""
        entries = self.entries()
        actions = ("buffer_write", "buffer_read", "crossbar", "allocation", "link")
        return sum(entries[action].energy_fj for action in actions)

    def spent_fj(self, counts: NetworkCounts) -> dict[str, int]:
        """Energy by action of what has happened in a network."""
        entries = self.entries()
        events = {
            "buffer_write": counts.buffer_writes,
            "buffer_read": counts.buffer_reads,
            # A copy for a passed node is driven beside the flit itself: read once, led twice.
            "crossbar": counts.buffer_reads + counts.flits_copied,
            "allocation": counts.buffer_reads,
            "link": counts.mesh_hops,
            "node_link": counts.flits_injected + counts.flits_ejected + counts.flits_copied,
        }
        return {action: count * entries[action].energy_fj for action, count in events.items()}
