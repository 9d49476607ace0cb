"""Replay packet files through a mesh network, and sweep its latency over load."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import textwrap
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from cosim.cli.boundary import complain, mistakes_named
from cosim.clib import lib
from cosim.files import check_outputs, write_whole

from .mesh import ALLOCATORS, MeshConfig
from .packets import Packets, read_packets, write_packets
from .replay import Replay, replay
from .sweep import SATURATED, LoadPoint, Sweep, sweep
from .traffic import PATTERNS

__all__ = ["app"]

SCHEMA_VERSION = 1
_EXIT_DIFFERENT = 1

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Mesh = Annotated[str, typer.Option("--mesh", help="Columns x rows, e.g. 4x4 or 8x2.")]
Vcs = Annotated[int, typer.Option("--vcs", help=f"Virtual channels per link, 1 to {lib.CS_NOC_MAX_VCS}.")]
Buffer = Annotated[
    int, typer.Option("--buffer", help=f"Flits of buffer per virtual channel, 1 to {lib.CS_NOC_MAX_DEPTH}.")
]
RoutingDelay = Annotated[int, typer.Option("--routing-delay", help="1: a clock for routing; 0: none.")]
CreditDelay = Annotated[
    int,
    typer.Option(
        "--credit-delay",
        help=f"Extra clocks until a router may use a credit, 0 to {lib.CS_NOC_MAX_CREDIT_DELAY}.",
    ),
]
Speculative = Annotated[
    bool, typer.Option("--speculative", help="A head bids for the switch in the clock in which it asks for a VC.")
]
InputSpeedup = Annotated[
    int, typer.Option("--input-speedup", help="Lines from an input into the switch, shared out over its VCs; 1 to 8.")
]
VcAllocator = Annotated[str, typer.Option("--vc-allocator", help=f"One of {', '.join(ALLOCATORS)}.")]
SwAllocator = Annotated[str, typer.Option("--sw-allocator", help=f"Of the switch: one of {', '.join(ALLOCATORS)}.")]
HoldSwitch = Annotated[
    bool, typer.Option("--hold-switch-for-packet", help="An input keeps its output while flits of a packet follow.")
]
TailCredit = Annotated[
    bool, typer.Option("--wait-for-tail-credit", help="A VC is used again when the last packet's credits are back.")
]
StFinalDelay = Annotated[int, typer.Option("--st-final-delay", help="Clocks in the crossbar, 1 to 4.")]
VcAllocDelay = Annotated[int, typer.Option("--vc-alloc-delay", help="Clocks of VC allocation, 1 to 8.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


# What the user calls the fields of a mesh, where that is not the field's name with dashes.
_OPTIONS = {"depth": "buffer"}
_ROUTER = [field for field in dataclasses.fields(MeshConfig) if field.name not in ("columns", "rows", "ideal")]
_FIELDS = ["mesh", *(field.name for field in dataclasses.fields(MeshConfig))]
_SWEPT = ("step", "traffic")
_MOST_FLITS = 1024


def _mesh(size: str, **fields: Any) -> MeshConfig:
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", size)
    if match is None:
        raise ValueError(f"--mesh {size!r}: expected columns x rows, e.g. 4x4")
    try:
        return MeshConfig(int(match[1]), int(match[2]), **fields)
    except ValueError as error:
        named = rf"\b({'|'.join(_FIELDS)})\b"
        raise ValueError(re.sub(named, lambda field: _option(field[1]), str(error))) from None


def _option(field: str) -> str:
    return "--" + _OPTIONS.get(field, field).replace("_", "-")


def _described(config: MeshConfig) -> dict[str, Any]:
    """Mesh and router, by the names of the options."""
    router = {_OPTIONS.get(field.name, field.name): getattr(config, field.name) for field in _ROUTER}
    return {"mesh": f"{config.columns}x{config.rows}", **router}


def _title(config: MeshConfig, traffic: str, flits: int) -> str:
    """What a sweep is of; of the options, those that are not as by default."""
    parts = [
        f"{config.columns}x{config.rows} mesh",
        traffic,
        f"packets of {_many(flits, 'flit')}",
        f"{_many(config.vcs, 'VC')} of {_many(config.depth, 'flit')}",
    ]
    for field in _ROUTER:
        value = getattr(config, field.name)
        if field.name not in ("vcs", "depth") and value != field.default:
            parts.append(_option(field.name)[2:] + ("" if value is True else f" {value}"))
    return ", ".join(parts)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + ("s" if count != 1 else "")


@app.command("replay")
def replay_command(
    packets: Annotated[
        Path, typer.Argument(help="A CSV file with id, src, dst, flits, created, gzipped or not; - is not stdin.")
    ],
    mesh: Mesh = "4x4",
    vcs: Vcs = 2,
    buffer: Buffer = 8,
    routing_delay: RoutingDelay = 1,
    credit_delay: CreditDelay = 0,
    speculative: Speculative = False,
    input_speedup: InputSpeedup = 1,
    vc_allocator: VcAllocator = "islip",
    sw_allocator: SwAllocator = "islip",
    hold_switch_for_packet: HoldSwitch = False,
    wait_for_tail_credit: TailCredit = False,
    st_final_delay: StFinalDelay = 1,
    vc_alloc_delay: VcAllocDelay = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Write the packets with their clocks.")] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Fail (1) unless every clock recorded in the file is met.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send the packets of a file through a mesh, flit by flit, and say when they arrive.

    If the file has the columns injected, head_out and tail_out, the run is compared with them.
    """
    with mistakes_named("noc"):
        config = _mesh(
            mesh,
            vcs=vcs,
            depth=buffer,
            routing_delay=routing_delay,
            credit_delay=credit_delay,
            speculative=speculative,
            input_speedup=input_speedup,
            vc_allocator=vc_allocator,
            sw_allocator=sw_allocator,
            hold_switch_for_packet=hold_switch_for_packet,
            wait_for_tail_credit=wait_for_tail_credit,
            st_final_delay=st_final_delay,
            vc_alloc_delay=vc_alloc_delay,
        )
        check_outputs({"--out": out}, {"the packets": packets})
        table = read_packets(packets, config)
        if compare and table.recorded is None:
            raise ValueError(f"{packets}:1:1: --compare: expected the columns injected, head_out and tail_out")
        run = replay(config, table)
        if out is not None:
            write_packets(out, table, run.clocks, config)
    result = _summary(config, table, run)
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        _print_replay(result)
    if out is not None:
        complain(f"cosim: wrote {out}")
    if compare and result["different"]:
        raise typer.Exit(_EXIT_DIFFERENT)


def _summary(config: MeshConfig, packets: Packets, run: Replay) -> dict[str, Any]:
    clocks = int(run.tail_out.max(initial=-1)) + 1
    busiest = int(run.link_flits.max(initial=0))
    node, link = divmod(int(run.link_flits.argmax()), run.link_flits.shape[1])
    different, first = None, None
    if packets.recorded is not None:
        unequal = (packets.recorded != run.clocks).any(axis=0)
        different = int(unequal.sum())
        if different:
            at = int(unequal.argmax())
            first = {
                "id": int(packets.id[at]),
                "recorded": packets.recorded[:, at].tolist(),
                "here": run.clocks[:, at].tolist(),
            }
    return {
        "schema_version": SCHEMA_VERSION,
        **_described(config),
        "packets": len(packets),
        "flits": run.counts.flits_injected,
        "mesh_hops": run.counts.mesh_hops,
        "clocks": clocks,
        "packet_latency": _latency(run.tail_out - packets.created),
        "network_latency": _latency(run.tail_out - run.injected),
        "busiest_link": {"node": node, "port": ["x+", "x-", "y+", "y-", "out", "in"][link], "flits": busiest},
        "different": different,
        "first_different": first,
    }


def _latency(clocks: npt.NDArray[np.int64]) -> dict[str, float | int] | None:
    if clocks.size == 0:
        return None
    ordered = np.sort(clocks)
    return {
        "mean": round(int(clocks.sum()) / clocks.size, 4),
        "median": int(ordered[(clocks.size - 1) // 2]),
        "p99": int(ordered[-(-clocks.size * 99 // 100) - 1]),
        "max": int(ordered[-1]),
    }


def _print_replay(result: dict[str, Any]) -> None:
    print(f"{result['packets']} packets, {result['flits']} flits, {result['clocks']} clocks until the last was out")
    for name, title in (("packet_latency", "created to tail out"), ("network_latency", "head in to tail out")):
        latency = result[name]
        if latency is not None:
            print(
                f"{title:20} mean {latency['mean']:.2f}  median {latency['median']}  99 % {latency['p99']}"
                f"  max {latency['max']} clocks"
            )
    link = result["busiest_link"]
    if result["clocks"]:
        share = link["flits"] / result["clocks"]
        print(
            f"busiest link         node {link['node']} {link['port']}: {link['flits']} flits, {share:.1%} of the clocks"
        )
    if result["different"] is not None:
        print(
            f"recorded clocks      {result['packets'] - result['different']} packets equal, {result['different']} not"
        )
    first = result["first_different"]
    if first is not None:
        recorded, here = (" ".join(map(str, first[which])) for which in ("recorded", "here"))
        print(f"first that is not    packet {first['id']}: injected, head_out, tail_out {here}, recorded {recorded}")


@app.command("sweep")
def sweep_command(
    mesh: Mesh = "8x8",
    traffic: Annotated[str, typer.Option("--traffic", help=f"One of {', '.join(PATTERNS)}.")] = "uniform",
    packet: Annotated[int, typer.Option("--packet", help=f"Flits per packet, 1 to {_MOST_FLITS}.")] = 4,
    vcs: Vcs = 2,
    buffer: Buffer = 8,
    routing_delay: RoutingDelay = 1,
    credit_delay: CreditDelay = 0,
    speculative: Speculative = False,
    input_speedup: InputSpeedup = 1,
    vc_allocator: VcAllocator = "islip",
    sw_allocator: SwAllocator = "islip",
    hold_switch_for_packet: HoldSwitch = False,
    wait_for_tail_credit: TailCredit = False,
    st_final_delay: StFinalDelay = 1,
    vc_alloc_delay: VcAllocDelay = 1,
    step: Annotated[float, typer.Option("--step", help="Between two loads, flits per node and clock.")] = 0.05,
    highest: Annotated[float, typer.Option("--highest", help="Highest load, flits per node and clock.")] = 1.0,
    warmup: Annotated[int, typer.Option("--warmup", help="Clocks before measuring.")] = 2000,
    clocks: Annotated[int, typer.Option("--clocks", help="Clocks measured.")] = 8000,
    seed: Annotated[int, typer.Option("--seed", help="Of the traffic.")] = 1,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw the curve (needs matplotlib).")] = None,
    as_json: AsJson = False,
) -> None:
    """Mean latency against offered load, up to a little beyond saturation.

    Latency: from a packet's creation to its tail's arrival; in net: from its head's entry. Traffic: see docs/noc.md.
    """
    with mistakes_named("noc"):
        _check_numbers(packet, warmup, clocks, seed)
        config = _mesh(
            mesh,
            vcs=vcs,
            depth=buffer,
            routing_delay=routing_delay,
            credit_delay=credit_delay,
            speculative=speculative,
            input_speedup=input_speedup,
            vc_allocator=vc_allocator,
            sw_allocator=sw_allocator,
            hold_switch_for_packet=hold_switch_for_packet,
            wait_for_tail_credit=wait_for_tail_credit,
            st_final_delay=st_final_delay,
            vc_alloc_delay=vc_alloc_delay,
        )
        if plot is not None:
            plot = _checked(plot)
        title = _title(config, traffic, packet)

        def begun(zero_load: float) -> None:
            if not as_json:
                _print_head(title, zero_load)

        asked: dict[str, Any] = {"step": step, "highest": highest, "warmup": warmup, "clocks": clocks, "seed": seed}
        try:
            result = sweep(config, traffic, packet, **asked, begun=begun, measured=None if as_json else _print_point)
        except ValueError as error:
            raise ValueError(re.sub(rf"^({'|'.join(_SWEPT)})\b", r"--\1", str(error))) from None
    if as_json:
        of = {**_described(config), "traffic": traffic, "packet": packet, **asked}
        asdict = dataclasses.asdict(result)
        print(json.dumps({"schema_version": SCHEMA_VERSION, "title": title, **of, **asdict}, indent=2))
    else:
        _print_saturation(result)
    if plot is not None:
        with mistakes_named("noc"):
            _plot(plot, title, result)
            complain(f"cosim: wrote {plot}")


def _check_numbers(packet: int, warmup: int, clocks: int, seed: int) -> None:
    if not 1 <= packet <= _MOST_FLITS:
        raise ValueError(f"--packet {packet}: expected 1 to {_MOST_FLITS}")
    for option, value, least in (("--warmup", warmup, 0), ("--clocks", clocks, 1), ("--seed", seed, 0)):
        if value < least:
            raise ValueError(f"{option} {value}: expected {least} or more")


def _print_head(title: str, zero_load: float) -> None:
    alone = f"{zero_load:.1f} clocks without contention" if zero_load else "no packets at the lowest load"
    print(f"{title}: {alone}")
    print(f"{'offered':>9} {'accepted':>9} {'latency':>9} {'in net':>9}")
    print(f"{'flits/node/clock':>19} {'clocks':>9} {'clocks':>9}", flush=True)


def _print_point(point: LoadPoint, saturated: bool) -> None:
    # At once: a point of a large mesh takes half a minute.
    mark = "  saturated" if saturated else ""
    latencies = (f"{mean:.1f}" if point.packets else "-" for mean in (point.packet_latency, point.network_latency))
    print(
        f"{point.offered:9.3f} {point.accepted:9.3f}",
        *(f"{mean:>9}" for mean in latencies),
        end=f"{mark}\n",
        flush=True,
    )


def _print_saturation(result: Sweep) -> None:
    if result.saturation is None:
        print("does not saturate at these loads")
    else:
        print(
            f"saturates at {result.saturation:.3f} flits per node and clock: there the mean latency passes "
            f"{SATURATED:g} times that of an empty network"
        )


def _checked(plot: Path) -> Path:
    """Where the plot goes, before there is one. Raises ValueError or OSError for what could not be written."""
    try:
        import matplotlib as mpl  # noqa: PLC0415

        mpl.use("Agg")
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    except ImportError:
        raise ValueError("--plot: expected matplotlib to be installed (pip install 'cosim-npu[report]')") from None
    path = plot if plot.suffix or plot.is_dir() else plot.with_name(plot.name + ".png")
    check_outputs({"--plot": path})
    there_are = sorted(FigureCanvasAgg.get_supported_filetypes())
    if path.suffix[1:].lower() not in there_are:
        raise ValueError(f"--plot {plot}: expected a name ending in one of {', '.join(there_are)}")
    return path


def _plot(path: Path, title: str, result: Sweep) -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415
    from matplotlib.ticker import LogFormatter  # noqa: PLC0415

    figure, axes = plt.subplots(layout="constrained")
    points = [point for point in result.points if point.packets]
    axes.plot([p.offered for p in points], [p.packet_latency for p in points], "o-", label="mean latency")
    if result.zero_load:
        axes.axhline(result.zero_load, linestyle=":", color="grey", label=f"{result.zero_load:.1f} without contention")
    if result.saturation is not None:
        axes.axvline(result.saturation, linestyle="--", color="grey", label=f"saturates at {result.saturation:.3f}")
    axes.set(xlabel="offered load, flits per node and clock", ylabel="mean latency, clocks", yscale="log")
    unbroken = re.sub(r"(?<!,) ", "\N{NO-BREAK SPACE}", title)
    axes.set_title("\n".join(textwrap.wrap(unbroken, 70, break_on_hyphens=False)), fontsize="medium")
    axes.yaxis.set_major_formatter(LogFormatter())  # 200, not 2 x 10^2
    axes.yaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(2, 0.5)))
    axes.legend(loc="upper left")
    image = io.BytesIO()
    figure.savefig(image, format=path.suffix[1:].lower())
    plt.close(figure)
    write_whole(path, image.getvalue())
