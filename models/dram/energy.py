"""DRAM energy from data sheet currents, in integers of femtojoules.

The method is Micron's (TN-40-07, TN-41-01), as in DRAMsim3: per command and device

    ACT and PRE  VDD (IDD0 tRC - IDD3N tRAS - IDD2N tRP)      RD  VDD (IDD4R - IDD3N) burst      WR likewise
    REF          VDD (IDD5 - IDD3N) tRFC                      background  VDD IDD3N, or IDD2N while no bank is open

summed over supplies and devices of a rank. A column command with auto-precharge costs what it costs without; its PRE
is in the ACT's part. While a rank is refreshed, its background is IDD3N. REFPB costs a bank's share of REF, an
assumption: few data sheets have a current of its own. Energy of input and output drivers is a part of its own, and 0
where a preset gives no current for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from .controller import Stats
from .presets import Preset

_ZEPTO_PER_FEMTO = 1_000_000  # uA x mV x ps = 1e-21 J


@dataclass(frozen=True)
class EnergyTable:
    """Energy per event, rounded to whole fJ (half up; a bank's share of a refresh down): the one source of every energy
    that is reported."""

    activate_precharge_fj: int
    read_fj: int
    write_fj: int
    refresh_fj: int
    refresh_bank_fj: int
    read_io_fj: int
    write_io_fj: int
    active_clock_fj: int
    precharged_clock_fj: int

    @classmethod
    def of(cls, preset: Preset) -> EnergyTable:
        """The table of a preset."""
        timing = preset.timing
        # A row cycle is charged with IDD0; what the banks draw anyway while open (tRAS) and closed (tRP) is background.
        cycle = {
            "activate_precharge_fj": [
                (timing["tRC"], "idd0_ua"),
                (-timing["tRAS"], "idd3n_ua"),
                (-timing["tRP"], "idd2n_ua"),
            ],
            "read_fj": [(timing["BL_CK"], "idd4r_ua"), (-timing["BL_CK"], "idd3n_ua")],
            "write_fj": [(timing["BL_CK"], "idd4w_ua"), (-timing["BL_CK"], "idd3n_ua")],
            "refresh_fj": [(timing["tRFC"], "idd5_ua"), (-timing["tRFC"], "idd3n_ua")],
            "read_io_fj": [(timing["BL_CK"], "io_read_ua")],
            "write_io_fj": [(timing["BL_CK"], "io_write_ua")],
            "active_clock_fj": [(1, "idd3n_ua")],
            "precharged_clock_fj": [(1, "idd2n_ua")],
        }
        energies = {name: _femtojoules(preset, terms) for name, terms in cycle.items()}
        return cls(**energies, refresh_bank_fj=energies["refresh_fj"] // preset.geometry.banks)


def _femtojoules(preset: Preset, terms: list[tuple[int, str]]) -> int:
    zeptojoules: int = sum(
        rail.voltage_mv * clocks * getattr(rail, current) for rail in preset.rails for clocks, current in terms
    )
    zeptojoules *= preset.devices * preset.t_ck_ps
    return (2 * zeptojoules + _ZEPTO_PER_FEMTO) // (2 * _ZEPTO_PER_FEMTO)


def energy_fj(preset: Preset, stats: Stats) -> dict[str, int]:
    """Energy by part: `activate_precharge`, `read`, `write`, `refresh`, `background`, `io`; in fJ, exact sums.

    Every ACT is charged with the PRE that ends it.
    """
    table = EnergyTable.of(preset)
    commands = stats.commands
    reads, writes = stats.columns
    return {
        "activate_precharge": commands["ACT"] * table.activate_precharge_fj,
        "read": reads * table.read_fj,
        "write": writes * table.write_fj,
        "refresh": commands["REF"] * table.refresh_fj + commands["REFPB"] * table.refresh_bank_fj,
        "background": (stats.active_clocks + stats.refreshing_clocks) * table.active_clock_fj
        + stats.precharged_clocks * table.precharged_clock_fj,
        "io": reads * table.read_io_fj + writes * table.write_io_fj,
    }
