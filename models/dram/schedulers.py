"""Scheduling policies as small classes: what each can be set to. What each does is in docs/dram.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from cosim.clib import lib

from .presets import Preset


@dataclass(frozen=True)
class Scheduler:
    """What all policies have: places of the read and the write queue (1 to 64), the page policy, the kind of refresh.

    `page`: "open" leaves a row open; "closed" closes it with the last column command that waits for it (RDA, WRA).
    `refresh`: "all-bank" refreshes a rank at a time, "per-bank" a bank at a time while the others go on, for standards
    that have it. `ideal`: no DRAM at all, every request is done when it arrives.

    Raises ValueError for another page policy or kind of refresh.
    """

    code: ClassVar[int]
    name: ClassVar[str]

    read_queue: int = 32
    write_queue: int = 32
    page: str = "open"
    refresh: str = "all-bank"
    ideal: bool = False

    def __post_init__(self) -> None:
        if self.page not in ("open", "closed"):
            raise ValueError(f"page {self.page!r}: expected open or closed")
        if self.refresh not in ("all-bank", "per-bank"):
            raise ValueError(f"refresh {self.refresh!r}: expected all-bank or per-bank")

    def least_refresh_interval(self, preset: Preset) -> int:
        """The smallest tREFI, in clocks, at which requests are served: ranks, or with per-bank refresh banks, have
        their turns a refresh and one clock apart."""
        geometry, timing = preset.geometry, preset.timing
        if self.refresh == "per-bank":
            return geometry.ranks * geometry.banks * (timing["tRFCpb"] + 1)
        return geometry.ranks * (timing["tRFC"] + 1)

    def settings(self) -> dict[str, int]:
        """What the C library is told, by its names."""
        return {
            "policy": self.code,
            "ideal": int(self.ideal),
            "closed_page": int(self.page == "closed"),
            "refresh_per_bank": int(self.refresh == "per-bank"),
            "read_queue": self.read_queue,
            "write_queue": self.write_queue,
            # Of other policies: the C library wants them sensible.
            "write_high": 1,
            "bank_queue": 1,
            "row_hits": 1,
        }


@dataclass(frozen=True)
class FrFcfs(Scheduler):
    """The oldest request whose command can issue, as in Ramulator 2.1.

    Write mode is entered with `write_high` writes waiting and left with `write_low` or fewer while reads wait.
    """

    code = lib.CS_DRAM_FR_FCFS
    name = "fr-fcfs"

    write_high: int = 26
    write_low: int = 6

    def settings(self) -> dict[str, int]:
        return {**super().settings(), "write_high": self.write_high, "write_low": self.write_low}


@dataclass(frozen=True)
class FrFcfsRamulator1(FrFcfs):
    """As in Ramulator 1.0: the write mode is updated in every clock, and no bank is kept open for an active request."""

    code = lib.CS_DRAM_FR_FCFS_RAMULATOR1
    name = "fr-fcfs-ramulator1"

    write_low: int = 5


@dataclass(frozen=True)
class BankRoundRobin(Scheduler):
    """A queue per bank, served in turn, as in DRAMsim3.

    `bank_queue` places per bank (1 to 16); writes move there when more than `drain_over` wait and the banks' queues
    are empty; a wanted row may be closed after `row_hits` column commands.
    """

    code = lib.CS_DRAM_BANK_ROUND_ROBIN
    name = "bank-round-robin"

    bank_queue: int = 8
    drain_over: int = 8
    row_hits: int = 4

    def least_refresh_interval(self, preset: Preset) -> int:
        """Here a refresh that becomes pending stops requests whose row was just opened for them, and closes it: they
        would never be served if the next refresh were always due before their column command.

        So between a refresh that came as late as may be (a row was opened or written right before it was due, and all
        banks are closed one by one) and the next one there is time for an ACT and a column command of each bank.
        """
        geometry, timing = preset.geometry, preset.timing
        open_for = max(timing["tRAS"], timing["WL"] + timing["BL_CK"] + timing["tWR"], timing["tRTP"])
        late = open_for + geometry.banks * timing.get("tPPD", 1) + timing["tRP"]
        served = timing["tRCD"] + 2 * geometry.banks
        refresh = timing["tRFCpb" if self.refresh == "per-bank" else "tRFC"]
        return max(super().least_refresh_interval(preset), refresh + late + served)

    def settings(self) -> dict[str, int]:
        own = {"bank_queue": self.bank_queue, "drain_over": self.drain_over, "row_hits": self.row_hits}
        return {**super().settings(), **own}


#: The schedulers by name, configured as the simulators were whose results they reproduce; `ideal` is none at all.
SCHEDULERS: Mapping[str, Scheduler] = MappingProxyType(
    {
        **{policy.name: policy() for policy in (FrFcfs, FrFcfsRamulator1, BankRoundRobin)},
        "ideal": FrFcfs(ideal=True),
    }
)


def scheduler(name: str) -> Scheduler:
    """The scheduler called `name`. Raises ValueError naming those there are."""
    if name not in SCHEDULERS:
        raise ValueError(f"no DRAM scheduler {name!r}; there are {', '.join(SCHEDULERS)}")
    return SCHEDULERS[name]
