"""Presets: geometry, timing in clocks, currents, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from cosim.clib import lib

from .mapping import AddressMapping, Geometry
from .rules import ResolvedRule, resolve
from .standards import STANDARDS

MAX_RANKS: int = lib.CS_DRAM_MAX_RANKS
MAX_BANKS: int = lib.CS_DRAM_MAX_BANKS


class Rail(NamedTuple):
    """Currents that one device draws from one supply, in microamperes, by their names in the data sheets.

    `io_read_ua` and `io_write_ua` flow only while data is on the bus (output drivers, input termination).
    """

    name: str
    voltage_mv: int
    idd0_ua: int = 0
    idd2n_ua: int = 0
    idd3n_ua: int = 0
    idd4r_ua: int = 0
    idd4w_ua: int = 0
    idd5_ua: int = 0
    io_read_ua: int = 0
    io_write_ua: int = 0


@dataclass(frozen=True)
class Preset:
    """One channel of DRAM. `timing` is in clocks of `t_ck_ps`; `mappings` name orders of bit fields.

    Raises ValueError for a standard that there is not, a negative timing, or more banks than the controller has places
    for.
    """

    name: str
    standard: str
    device: str
    t_ck_ps: int
    geometry: Geometry
    timing: Mapping[str, int]
    mappings: Mapping[str, tuple[str, ...]]
    devices: int
    rails: tuple[Rail, ...]
    timing_source: str
    current_source: str
    assumptions: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.standard not in STANDARDS:
            raise ValueError(f"{self.name}: no standard {self.standard!r}; there are {', '.join(STANDARDS)}")
        for name, clocks in self.timing.items():
            if clocks < 0:
                raise ValueError(f"{self.name}: {name} {clocks}: expected 0 clocks or more")
        banks = self.geometry.ranks * self.geometry.banks
        if banks > MAX_BANKS:
            raise ValueError(f"{self.name}: {banks} banks: expected at most {MAX_BANKS} in all ranks")

    def rules(self) -> tuple[ResolvedRule, ...]:
        """The standard's rows in clocks of this preset."""
        return resolve(STANDARDS[self.standard], self.timing)

    def mapping(self, name: str) -> AddressMapping:
        """The address mapping called `name`. Raises KeyError naming those there are."""
        if name not in self.mappings:
            raise KeyError(f"{self.name}: no address mapping {name!r}; there are {', '.join(self.mappings)}")
        return AddressMapping.of(self.mappings[name], self.geometry)

    def with_ranks(self, ranks: int) -> Preset:
        """A copy with `ranks` such ranks in the channel, the rank's address bits right below those of the row.

        Raises ValueError unless `ranks` is a power of two that the controller has places for.
        """
        if ranks < 1 or ranks & (ranks - 1) or ranks > MAX_RANKS or ranks * self.geometry.banks > MAX_BANKS:
            raise ValueError(
                f"{self.name}: {ranks} ranks: expected a power of two up to {MAX_RANKS}, and at most {MAX_BANKS} banks "
                f"of which each rank has {self.geometry.banks}"
            )
        mappings = {}
        for name, order in self.mappings.items():
            without = tuple(field for field in order if field != "rank")
            at = without.index("row") + 1
            mappings[name] = (*without[:at], "rank", *without[at:]) if ranks > 1 else without
        return replace(self, geometry=self.geometry._replace(ranks=ranks), mappings=MappingProxyType(mappings))

    @property
    def refreshes_banks(self) -> bool:
        """Whether the standard has a refresh of single banks."""
        return any(rule.following == "REFPB" for rule in STANDARDS[self.standard])

    def with_timing(self, **clocks: int) -> Preset:
        """A copy with other timings. Raises KeyError for a name the preset does not have."""
        for name in clocks:
            if name not in self.timing:
                raise KeyError(f"{self.name}: no timing {name!r}; there are {', '.join(self.timing)}")
        return replace(self, timing=MappingProxyType({**self.timing, **clocks}))


# No standard says it: drivers of two ranks must not meet on the bus, and simulators take one or two clocks.
_RANK_SWITCH = "the data bus stands still for tCS 2 clocks between ranks"

# fmt: off
_ALL = (
    Preset(
        name="ddr4_2400",
        standard="DDR4",
        device="8 Gb x8, 8 devices as 64 bit, 1 rank; DDR4-2400 17-17-17",
        t_ck_ps=833,
        geometry=Geometry(groups=4, banks_per_group=4, rows=65536, columns=128, burst_bytes=64),
        timing=MappingProxyType({
            "BL_CK": 4, "RL": 17, "WL": 12,
            "tRCD": 17, "tRP": 17, "tRAS": 39, "tRC": 56, "tRRD_S": 4, "tRRD_L": 6, "tFAW": 26,
            "tCCD_S": 4, "tCCD_L": 6, "tWTR_S": 3, "tWTR_L": 9, "tWR": 18, "tRTP": 9, "tRTW": 11,
            "tRFC": 420, "tREFI": 9360, "tCS": 2,
        }),
        mappings=MappingProxyType({
            "m1": ("row", "bank", "group", "column"),
            "m2": ("row", "bank", "column", "group"),
        }),
        devices=8,
        rails=(Rail("VDD", 1200, 48_000, 34_000, 43_000, 135_000, 123_000, 250_000),),
        timing_source="JESD79-4: speed bin 2400R, tRFC1 350 ns of an 8 Gb device, tREFI 7.8 us",
        current_source="DDR4_2400_8x8 of gem5, the same as DRAMsim3's DDR4_8Gb_x8_2400; core only, no termination",
        assumptions=(_RANK_SWITCH,),
    ),
    Preset(
        name="ddr3_1600",
        standard="DDR3",
        device="4 Gb x8, 8 devices as 64 bit, 1 rank; DDR3-1600 11-11-11",
        t_ck_ps=1250,
        geometry=Geometry(groups=1, banks_per_group=8, rows=65536, columns=128, burst_bytes=64),
        timing=MappingProxyType({
            "BL_CK": 4, "RL": 11, "WL": 8,
            "tRCD": 11, "tRP": 11, "tRAS": 28, "tRC": 39, "tRRD_S": 5, "tFAW": 24,
            "tCCD_S": 4, "tWTR_S": 6, "tWR": 12, "tRTP": 6, "tRTW": 9,
            "tRFC": 208, "tREFI": 6240, "tCS": 2,
        }),
        mappings=MappingProxyType({
            "m1": ("row", "bank", "column"),
            "m2": ("row", "column", "bank"),
        }),
        devices=8,
        rails=(Rail("VDD", 1500, 55_000, 32_000, 38_000, 157_000, 125_000, 235_000),),
        timing_source="JESD79-3: speed bin 1600K, tRFC 260 ns of a 4 Gb device, tREFI 7.8 us",
        current_source="DDR3_1600_8x8 of gem5 (Micron 4 Gb data sheet); core only, no termination",
        assumptions=(_RANK_SWITCH,),
    ),
    Preset(
        name="lpddr4_3200",
        standard="LPDDR4",
        device="8 Gb die, 4 Gb x16 channel, two channels in lockstep as 32 bit; LPDDR4-3200",
        t_ck_ps=625,
        geometry=Geometry(groups=1, banks_per_group=8, rows=32768, columns=64, burst_bytes=64),
        timing=MappingProxyType({
            "BL_CK": 8, "RL": 35, "WL": 18,
            "tRCD": 29, "tRP": 27, "tRPab": 32, "tRAS": 68, "tRC": 95, "tRRD_S": 16, "tFAW": 64,
            "tCCD_S": 8, "tWTR_S": 17, "tWR": 28, "tRTP": 14, "tRTW": 26, "tPPD": 4,
            "tRFC": 288, "tREFI": 6247, "tRFCpb": 144, "tCS": 2,
        }),
        mappings=MappingProxyType({
            "m1": ("row", "bank", "column"),
            "m2": ("row", "column", "bank"),
        }),
        devices=2,
        rails=(
            Rail("VDD1", 1800, 3_500, 2_000, 2_250, 2_250, 2_250, 10_000),
            Rail("VDD2", 1100, 45_000, 27_000, 30_000, 275_000, 210_000, 90_000),
            Rail("VDDQ", 1100, io_read_ua=150_000, io_write_ua=55_000),
        ),
        timing_source="JESD209-4: LPDDR4-3200, RL 32 + tDQSCK 3, tRFCab 180 ns and tRFCpb 90 ns of a 4 Gb channel, "
        "tREFI 3.904 us",
        current_source="JEDEC_8Gb_LPDDR4-3200_16bit of DRAMSys; representative, not a data sheet",
        assumptions=(
            "every command takes one clock of the command bus; latencies are adjusted for it, as in Ramulator 1",
            _RANK_SWITCH,
            "a per-bank refresh keeps tRRD to an ACT and does not count in tFAW; its energy is a bank's share of the "
            "all-bank refresh's",
        ),
    ),
)
# fmt: on

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _ALL})


def preset(name: str) -> Preset:
    """The preset called `name`. Raises KeyError naming those there are."""
    if name not in PRESETS:
        raise KeyError(f"no DRAM preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]
