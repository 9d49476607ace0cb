"""Replay request traces through a DRAM controller, and check command traces against the standard's rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from cosim.cli.boundary import complain, mistakes_named
from cosim.files import check_outputs, write_whole

from .checker import MAX_POSTPONED, Checker, Report, read_commands
from .controller import Controller, Replay, format_commands
from .energy import energy_fj
from .presets import PRESETS, Preset, preset
from .schedulers import SCHEDULERS, Scheduler
from .schedulers import scheduler as scheduler_of
from .traces import RequestTrace, read_requests

__all__ = ["app"]

SCHEMA_VERSION = 1
_EXIT_VIOLATED = 1
_MODES = ("fast", "one")
_MOST_REFRESHES = 4_000_000

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Ranks = Annotated[int, typer.Option("--ranks", help="Ranks of the channel, a power of two.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("replay")
def replay_command(
    trace: Annotated[
        Path,
        typer.Argument(help="A file of lines `R 0x40`, `W 0x80` or `0x40 READ 12`, gzipped or not; - is not stdin."),
    ],
    preset_name: Annotated[str, typer.Option("--preset", help=f"One of {', '.join(PRESETS)}.")] = "ddr4_2400",
    mapping: Annotated[
        str, typer.Option("--mapping", help="Order of the address bits: m1 or m2, see docs/dram.md.")
    ] = "m1",
    scheduler: Annotated[str, typer.Option("--scheduler", help=f"One of {', '.join(SCHEDULERS)}.")] = "fr-fcfs",
    page: Annotated[
        str, typer.Option("--page", help="open, or closed: the last waiting access closes its row.")
    ] = "open",
    refresh: Annotated[
        str, typer.Option("--refresh", help="all-bank; or per-bank, where the standard has it.")
    ] = "all-bank",
    ranks: Ranks = 1,
    mode: Annotated[
        str, typer.Option("--mode", help="fast: one request per clock while there is room; one: one at a time.")
    ] = "fast",
    commands: Annotated[Path | None, typer.Option("--commands", help="Write every command as CSV (.gz).")] = None,
    latencies: Annotated[
        Path | None, typer.Option("--latencies", help="Write the clocks each read took, a line each.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay a request trace and say how long it took, what it cost and which commands it needed."""
    with mistakes_named("dram"):
        if mode not in _MODES:
            raise ValueError(f"--mode {mode!r}: expected one of {', '.join(_MODES)}")
        device = preset(preset_name).with_ranks(ranks)
        policy = replace(scheduler_of(scheduler), page=page, refresh=refresh)
        controller = Controller(device, mapping, policy)
        check_outputs({"--commands": commands, "--latencies": latencies}, {"the trace": trace})
        # Every refresh is a command: without a bound a wrong clock would fill memory and disk with them.
        last_clk = _MOST_REFRESHES * device.timing["tREFI"] // controller.refreshes_per_interval
        requests = read_requests(
            trace,
            channel_bytes=device.geometry.channel_bytes,
            last_clk=last_clk if commands is not None and not policy.ideal else None,
        )
        replay = controller.replay(
            requests.addresses,
            requests.is_write,
            earliest=requests.earliest,
            one_at_a_time=mode == "one",
            observe=commands is not None,
        )
        reads = replay.latencies[requests.is_write == 0]
        if commands is not None and replay.commands is not None:
            write_whole(commands, format_commands(replay.commands))
        if latencies is not None:
            write_whole(latencies, "".join(f"{clocks}\n" for clocks in reads.tolist()).encode())
    result = _summary(device, mapping, policy, mode, requests, replay, reads)
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        _print_replay(result)
    for path in (commands, latencies):
        if path is not None:
            complain(f"cosim: wrote {path}")


def _summary(
    device: Preset,
    mapping: str,
    policy: Scheduler,
    mode: str,
    requests: RequestTrace,
    replay: Replay,
    reads: npt.NDArray[np.int64],
) -> dict[str, Any]:
    stats = replay.stats
    columns = sum(stats.columns)
    ps = replay.end_clk * device.t_ck_ps
    moved = columns * device.geometry.burst_bytes
    busy = columns * device.timing["BL_CK"]
    return {
        "schema_version": SCHEMA_VERSION,
        "preset": device.name,
        "mapping": mapping,
        "scheduler": "ideal" if policy.ideal else policy.name,
        "page": policy.page,
        "refresh": policy.refresh,
        "ranks": device.geometry.ranks,
        "mode": mode,
        "requests": len(requests),
        "reads": stats.reads,
        "writes": stats.writes,
        "forwarded_reads": stats.forwarded_reads,
        "end_clk": replay.end_clk,
        "end_ps": ps,
        "bandwidth_bytes_per_s": moved * 10**12 // ps if ps else 0,
        "bus_utilisation": round(busy / replay.end_clk, 4) if replay.end_clk else 0.0,
        "commands": stats.commands,
        "row_hits": stats.row_hits,
        "read_latency_clk": _latency(reads),
        "clocks": {
            "active": stats.active_clocks,
            "precharged": stats.precharged_clocks,
            "refreshing": stats.refreshing_clocks,
        },
        "energy_fj": energy_fj(device, stats),
    }


def _latency(reads: npt.NDArray[np.int64]) -> dict[str, float | int] | None:
    if reads.size == 0:
        return None
    ordered = np.sort(reads)
    count = reads.size
    return {
        "mean": round(int(reads.sum()) / count, 3),
        "min": int(ordered[0]),
        "p50": int(ordered[count // 2]),
        "p99": int(ordered[count * 99 // 100]),
        "max": int(ordered[-1]),
    }


def _print_replay(result: dict[str, Any]) -> None:
    energy = result["energy_fj"]
    total = sum(energy.values())
    print(f"{result['requests']} requests ({result['reads']} reads, {result['writes']} writes), {result['preset']}")
    print(f"end        clock {result['end_clk']}, {result['end_ps'] / 1000:.1f} ns")
    if result["requests"] and not result["end_clk"]:
        print("bandwidth  endless")
    else:
        print(
            f"bandwidth  {result['bandwidth_bytes_per_s'] / 1e9:.3f} GB/s, {result['bus_utilisation']:.1%} of the bus"
        )
    print(f"commands   {_counts(result['commands'])}")
    latency = result["read_latency_clk"]
    if latency is not None:
        print("latency    " + "  ".join(f"{name} {value}" for name, value in latency.items()) + " clocks, of reads")
    print(f"energy     {total / 1e9:.3f} uJ: " + "  ".join(f"{name} {fj / 1e9:.3f}" for name, fj in energy.items()))


@app.command("check")
def check_command(
    preset_name: Annotated[str, typer.Argument(metavar="PRESET", help=f"One of {', '.join(PRESETS)}.")],
    commands: Annotated[
        Path, typer.Argument(help="A CSV file with clk,cmd,rank,bg,bank,row,col, gzipped or not; - is not stdin.")
    ],
    ranks: Ranks = 1,
    postponed: Annotated[
        int, typer.Option("--postponed", help="Refreshes that may be postponed or pulled in, from 0 on.")
    ] = MAX_POSTPONED,
    as_json: AsJson = False,
) -> None:
    """Check a command trace against every rule; status 1 if one is broken.

    The smallest slack of a rule is how many clocks later than allowed the closest command came.
    """
    with mistakes_named("dram"):
        if postponed < 0:
            raise ValueError(f"--postponed {postponed}: expected 0 or more")
        checker = Checker(preset(preset_name).with_ranks(ranks), max_postponed=postponed)
        report = checker.feed(read_commands(commands)).finish()
    if as_json:
        print(
            json.dumps(
                {
                    "schema_version": SCHEMA_VERSION,
                    "preset": preset_name,
                    "commands": report.counts,
                    "smallest_slack": dict(sorted(report.slack.items())),
                    "violations": dict(sorted(report.violations.items())),
                    "first": report.first,
                },
                indent=2,
            )
        )
    else:
        _print_report(report)
    if not report.ok:
        raise typer.Exit(_EXIT_VIOLATED)


def _print_report(report: Report) -> None:
    print(f"commands  {_counts(report.counts)}")
    print("smallest slack, in clocks:")
    for name, slack in sorted(report.slack.items()):
        broken = report.violations.get(name, 0)
        unit = ", in refreshes" if name in ("postponed refreshes", "refreshes pulled in") else ""
        print(f"{slack:8}  {name}{unit}" + (f"  broken {broken} times" if broken else ""))
    if report.first:
        print("the first two of each broken rule:")
    for line in report.first:
        print(line)


def _counts(commands: Mapping[str, int]) -> str:
    return "  ".join(f"{name} {count}" for name, count in commands.items() if count) or "none"
