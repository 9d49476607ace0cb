"""The memory controller of one channel: the C engine behind checked Python calls.

Clocks are the channel's own. What each policy does is documented in docs/dram.md; its words follow public simulators,
whose recorded results the tests reproduce command by command.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, ffi, lib

from .mapping import AddressMapping
from .presets import Preset
from .rules import COMMANDS, SCOPES
from .schedulers import Scheduler
from .schedulers import scheduler as scheduler_of

NEVER: int = lib.CS_NEVER

#: One command, as the C library writes it. `group` and `bank` are -1 for PREA and REF, `row` and `column` where a
#: command has none.
COMMAND_DTYPE = np.dtype(
    [
        ("clk", np.int64),
        ("command", np.int32),
        ("group", np.int32),
        ("bank", np.int32),
        ("row", np.int32),
        ("column", np.int32),
        ("rank", np.int32),
    ]
)
DONE_DTYPE = np.dtype([("tag", np.uint64), ("clk", np.int64)])

_FIELD_CODES = {"column": 0, "bank": 1, "group": 2, "row": 3, "rank": 4}


class Stats(NamedTuple):
    """Counts up to a clock; `active + precharged + refreshing` clocks, each summed over the ranks, are `clocks` times
    the number of ranks."""

    clocks: int
    active_clocks: int
    precharged_clocks: int
    refreshing_clocks: int
    commands: dict[str, int]
    reads: int
    writes: int
    forwarded_reads: int
    row_hits: int

    @property
    def columns(self) -> tuple[int, int]:
        """Read and write commands, with and without auto-precharge."""
        commands = self.commands
        return commands["RD"] + commands["RDA"], commands["WR"] + commands["WRA"]


class Advanced(NamedTuple):
    """What an advance did: (tag, clk) of finished requests in order, and the commands if asked for."""

    done: list[tuple[int, int]]
    commands: npt.NDArray[np.void]


class Replay(NamedTuple):
    """A replayed trace: `latencies[i]` is done - arrival of request i, `end_clk` the end of the last data burst."""

    end_clk: int
    latencies: npt.NDArray[np.int64]
    commands: npt.NDArray[np.void] | None
    stats: Stats


def c_config(preset: Preset, mapping: AddressMapping, scheduler: Scheduler) -> Any:
    """The `cs_dram_config` of a channel, for this wrapper and for other C parts that embed the engine.

    Raises ValueError if the standard has no such refresh, if refreshes leave no time for requests, or if the C library
    does not take it.
    """
    geometry, timing = preset.geometry, preset.timing
    if scheduler.refresh == "per-bank" and not preset.refreshes_banks:
        raise ValueError(f"{preset.name}: {preset.standard} has no per-bank refresh")
    least = scheduler.least_refresh_interval(preset)
    if 0 < timing["tREFI"] < least:
        raise ValueError(
            f"{preset.name}: tREFI {timing['tREFI']} leaves {scheduler.name} no time for requests between "
            f"{scheduler.refresh} refreshes; expected at least {least} clocks, or 0 for no refresh"
        )
    rules = preset.rules()
    if len(mapping.fields) > lib.CS_DRAM_MAX_FIELDS or len(rules) > lib.CS_DRAM_MAX_RULES:
        raise ValueError(
            f"{preset.name}: {len(mapping.fields)} fields of an address, {len(rules)} rules: expected at most "
            f"{lib.CS_DRAM_MAX_FIELDS} and {lib.CS_DRAM_MAX_RULES}"
        )
    config = ffi.new(
        "cs_dram_config *",
        {
            **scheduler.settings(),
            "ranks": geometry.ranks,
            "bank_groups": geometry.groups,
            "banks_per_group": geometry.banks_per_group,
            "burst_bytes": geometry.burst_bytes,
            "read_latency": timing["RL"],
            "write_latency": timing["WL"],
            "burst_clocks": timing["BL_CK"],
            "refresh_interval": timing["tREFI"],
            "field_count": len(mapping.fields),
            "fields": [(_FIELD_CODES[name], bits) for name, bits in reversed(mapping.fields)],
            "rule_count": len(rules),
            "rules": [
                (SCOPES.index(r.scope), COMMANDS.index(r.preceding), COMMANDS.index(r.following), r.window, r.clocks)
                for r in rules
            ],
        },
    )
    if lib.cs_dram_state_bytes(config, ffi.new("size_t *")) != lib.CS_OK:
        raise ValueError(f"{preset.name}: the controller does not take this configuration: {timing}, {scheduler}")
    return config


class Controller:
    """One channel and its controller, in clocks of the channel.

    Arrivals at clock k act from clock k + 1 on; advancing to k before or after makes no difference.
    """

    def __init__(self, preset: Preset, mapping: str | AddressMapping = "m1", scheduler: str | Scheduler = "fr-fcfs"):
        if isinstance(scheduler, str):
            scheduler = scheduler_of(scheduler)
        self.preset = preset
        self.mapping = preset.mapping(mapping) if isinstance(mapping, str) else mapping
        self.scheduler = scheduler
        self.config = c_config(preset, self.mapping, scheduler)
        size = ffi.new("size_t *")
        check("cs_dram_state_bytes", lib.cs_dram_state_bytes(self.config, size))
        self.state = np.zeros(-(-size[0] // 8), dtype=np.uint64)
        self._state = as_buffer(self.state, "uint64_t", np.uint64, "state", writable=True)
        self._bytes = self.state.nbytes
        check("cs_dram_init", lib.cs_dram_init(self._state, self._bytes, self.config))
        self._clk = ffi.new("int64_t *")
        self._counts = ffi.new("size_t[2]")
        self._done_array = np.zeros(256, dtype=DONE_DTYPE)
        self._done = ffi.cast("cs_done *", ffi.from_buffer(self._done_array, require_writable=True))

    @property
    def refreshes_per_interval(self) -> int:
        """Commands that refresh the whole channel once: of each rank, or of each bank."""
        geometry = self.preset.geometry
        return geometry.ranks * (geometry.banks if self.scheduler.refresh == "per-bank" else 1)

    def submit(self, clk: int, tag: int, address: int, is_write: bool) -> bool:
        """A request arrives at `clk`; False: not accepted (see `cs_dram_submit`), offer it at a later clock.

        Raises ValueError for an address outside the channel, KernelError if the engine is past `clk` or something
        happens before `clk` that was not advanced over.
        """
        try:
            status: int = lib.cs_dram_submit(self._state, self._bytes, clk, tag, address, int(is_write))
        except OverflowError:  # a number that is not one of the type
            status = lib.CS_EINVAL
        if status == lib.CS_OK:
            return True
        if status == lib.CS_FULL:
            return False
        if status == lib.CS_EINVAL:
            limit = self.preset.geometry.channel_bytes
            raise ValueError(
                f"clk {clk}, tag {tag}, address {address:#x}: expected a clock of 0 to 2^60, a tag of 0 to 2^64 - 1, "
                f"an address of 0 to {limit - 1:#x}"
            )
        check("cs_dram_submit", status)
        return False

    def next(self) -> int:
        """A clock before which nothing happens that matters to the outside; NEVER when idle."""
        check("cs_dram_next", lib.cs_dram_next(self._state, self._bytes, self._clk))
        return int(self._clk[0])

    def advance(self, until: int, *, stop: bool = False, observe: bool = False) -> Advanced:
        """Process everything at clocks <= `until`, or with `stop` up to the first clock at which requests are done.

        Commands are returned if `observe` is set; without it, idle time costs nothing.
        """
        done: list[tuple[int, int]] = []
        blocks: list[npt.NDArray[np.void]] = []
        block = np.zeros(1024 if observe else 0, dtype=COMMAND_DTYPE)
        commands = ffi.cast("cs_dram_command *", ffi.from_buffer(block)) if observe else ffi.NULL
        while True:
            status: int = lib.cs_dram_advance(
                self._state,
                self._bytes,
                until,
                int(stop),
                self._done,
                len(self._done_array),
                self._counts,
                commands,
                len(block),
                self._counts + 1,
            )
            if status not in (lib.CS_OK, lib.CS_FULL):
                check("cs_dram_advance", status)
            done.extend((int(tag), int(clk)) for tag, clk in self._done_array[: self._counts[0]].tolist())
            if observe:
                blocks.append(block[: self._counts[1]].copy())
            if status == lib.CS_OK:
                return Advanced(done, np.concatenate(blocks) if blocks else block)

    def stats(self, clk: int) -> Stats:
        """Counts and residencies as after an advance to `clk`. Raises KernelError if the engine is past it."""
        record = ffi.new("cs_dram_stats_record *")
        check("cs_dram_stats", lib.cs_dram_stats(self._state, self._bytes, clk, record))
        return Stats(
            record.clocks,
            record.active_clocks,
            record.precharged_clocks,
            record.refreshing_clocks,
            dict(zip(COMMANDS, record.commands, strict=True)),
            record.reads,
            record.writes,
            record.forwarded_reads,
            record.row_hits,
        )

    def replay(
        self,
        addresses: npt.NDArray[np.uint64],
        is_write: npt.NDArray[np.uint8],
        *,
        earliest: npt.NDArray[np.int64] | None = None,
        one_at_a_time: bool = False,
        observe: bool = False,
    ) -> Replay:
        """Replay a trace on a fresh controller, in C.

        Requests are offered in order, one per clock, from clock 0 on and not before `earliest[i]`; a full queue
        blocks. `one_at_a_time`: each is offered when the one before it is done. Raises ValueError for an address
        outside the channel, arrays of different lengths, or an end after clock 2^60.
        """
        if is_write.shape != addresses.shape or (earliest is not None and earliest.shape != addresses.shape):
            raise ValueError("addresses, is_write and earliest: expected the same length")
        latencies = np.zeros(len(addresses), dtype=np.int64)
        progress = ffi.new("cs_dram_progress *")
        blocks: list[npt.NDArray[np.void]] = []
        block = np.zeros(65536 if observe else 0, dtype=COMMAND_DTYPE)
        commands = ffi.cast("cs_dram_command *", ffi.from_buffer(block)) if observe else ffi.NULL
        arguments = (
            as_buffer(addresses, "uint64_t", np.uint64, "addresses"),
            as_buffer(is_write, "uint8_t", np.uint8, "is_write"),
            ffi.NULL if earliest is None else as_buffer(earliest, "int64_t", np.int64, "earliest"),
            len(addresses),
            int(one_at_a_time),
            as_buffer(latencies, "int64_t", np.int64, "latencies", writable=True),
        )
        while True:
            status: int = lib.cs_dram_replay(
                self._state, self._bytes, *arguments, commands, len(block), self._counts, progress
            )
            if status == lib.CS_EINVAL:
                at, limit = progress.submitted, self.preset.geometry.channel_bytes
                if at < len(addresses) and int(addresses[at]) >= limit:
                    raise ValueError(f"request {at}: address {int(addresses[at]):#x} is outside the channel")
                raise ValueError(f"request {at} of {len(addresses)}: the replay would end after clock 2^60")
            if status not in (lib.CS_OK, lib.CS_FULL):
                check("cs_dram_replay", status)
            if observe:
                blocks.append(block[: self._counts[0]].copy())
            if status == lib.CS_OK:
                break
        end_clk = progress.last_column
        return Replay(
            end_clk,
            latencies,
            np.concatenate(blocks) if observe else None,
            self.stats(max(end_clk, progress.clk)),
        )


def format_commands(commands: npt.NDArray[np.void]) -> bytes:
    """The commands as CSV: the header `clk,cmd,rank,bg,bank,row,col` and a line each, all ended by a newline."""
    pointer = ffi.cast("cs_dram_command *", ffi.from_buffer(np.ascontiguousarray(commands)))
    text = bytearray(1 << 20)
    position, used = ffi.new("size_t *"), ffi.new("size_t *")
    parts = [b"clk,cmd,rank,bg,bank,row,col\n"]
    status = lib.CS_FULL
    while status == lib.CS_FULL:
        status = lib.cs_dram_format(pointer, len(commands), position, ffi.from_buffer(text), len(text), used)
        parts.append(bytes(text[: used[0]]))
    check("cs_dram_format", status)
    return b"".join(parts)
