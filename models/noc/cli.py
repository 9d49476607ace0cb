"""Replay packet files through a mesh network, and sweep its latency over load."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from cosim.cli.boundary import complain, mistakes_named
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
Vcs = Annotated[int, typer.Option("--vcs", help="Virtual channels per link.")]
Buffer = Annotated[int, typer.Option("--buffer", help="Flits of buffer per virtual channel.")]
RoutingDelay = Annotated[int, typer.Option("--routing-delay", help="1: a clock for routing; 0: none.")]
CreditDelay = Annotated[int, typer.Option("--credit-delay", help="Extra clocks until a router may use a credit.")]
Speculative = Annotated[
    bool, typer.Option("--speculative", help="A head bids for the switch in the clock in which it asks for a VC.")
]
InputSpeedup = Annotated[
    int, typer.Option("--input-speedup", help="Lines from an input into the switch, shared out over its VCs.")
]
VcAllocator = Annotated[str, typer.Option("--vc-allocator", help=f"One of {', '.join(ALLOCATORS)}.")]
SwAllocator = Annotated[str, typer.Option("--sw-allocator", help="The same for the switch.")]
HoldSwitch = Annotated[
    bool, typer.Option("--hold-switch-for-packet", help="An input keeps its output while flits of a packet follow.")
]
TailCredit = Annotated[
    bool, typer.Option("--wait-for-tail-credit", help="A VC is used again when the last packet's credits are back.")
]
StFinalDelay = Annotated[int, typer.Option("--st-final-delay", help="Clocks in the crossbar.")]
VcAllocDelay = Annotated[int, typer.Option("--vc-alloc-delay", help="Clocks of VC allocation.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


# What the user calls the fields of a mesh, where that is not the field's name with dashes.
_OPTIONS = {"depth": "buffer"}
_FIELDS = ["mesh", *(field.name for field in dataclasses.fields(MeshConfig))]


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
    different = None
    if packets.recorded is not None:
        different = int((packets.recorded != run.clocks).any(axis=0).sum())
    return {
        "schema_version": SCHEMA_VERSION,
        "mesh": f"{config.columns}x{config.rows}",
        "vcs": config.vcs,
        "buffer": config.depth,
        "packets": len(packets),
        "flits": run.counts.flits_injected,
        "mesh_hops": run.counts.mesh_hops,
        "clocks": clocks,
        "packet_latency": _latency(run.tail_out - packets.created),
        "network_latency": _latency(run.tail_out - run.injected),
        "busiest_link": {"node": node, "port": ["x+", "x-", "y+", "y-", "out", "in"][link], "flits": busiest},
        "different": different,
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


@app.command("sweep")
def sweep_command(
    mesh: Mesh = "8x8",
    traffic: Annotated[str, typer.Option("--traffic", help=f"One of {', '.join(PATTERNS)}.")] = "uniform",
    packet: Annotated[int, typer.Option("--packet", help="Flits per packet.", min=1, max=1024)] = 4,
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
    highest: Annotated[float, typer.Option("--highest", help="Highest load.")] = 1.0,
    warmup: Annotated[int, typer.Option("--warmup", help="Clocks before measuring.", min=0)] = 2000,
    clocks: Annotated[int, typer.Option("--clocks", help="Clocks measured.", min=1)] = 8000,
    seed: Annotated[int, typer.Option("--seed", help="Of the traffic.", min=0)] = 1,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw the curve (needs matplotlib).")] = None,
    as_json: AsJson = False,
) -> None:
    """Mean latency against offered load, up to a little beyond saturation."""
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
        if plot is not None:
            plot = _checked(plot)
        title = f"{mesh} mesh, {traffic}, {packet} flits, {vcs} VCs of {buffer}"

        def begun(zero_load: float) -> None:
            if not as_json:
                print(f"{title}: {zero_load:.1f} clocks without contention")
                print(f"{'offered':>9} {'accepted':>9} {'latency':>9} {'in net':>9}", flush=True)

        result = sweep(
            config,
            traffic,
            packet,
            step=step,
            highest=highest,
            warmup=warmup,
            clocks=clocks,
            seed=seed,
            begun=begun,
            measured=None if as_json else _print_point,
        )
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "title": title, **dataclasses.asdict(result)}, indent=2))
    else:
        _print_saturation(result)
    if plot is not None:
        with mistakes_named("noc"):
            _plot(plot, title, result)
            complain(f"cosim: wrote {plot}")


def _print_point(point: LoadPoint, saturated: bool) -> None:
    # At once: a point of a large mesh takes half a minute.
    mark = "  saturated" if saturated else ""
    print(
        f"{point.offered:9.3f} {point.accepted:9.3f} {point.packet_latency:9.1f} {point.network_latency:9.1f}{mark}",
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

    figure, axes = plt.subplots()
    axes.plot([p.offered for p in result.points], [p.packet_latency for p in result.points], "o-")
    if result.saturation is not None:
        axes.axvline(result.saturation, linestyle="--", color="grey")
    axes.set(title=title, xlabel="offered load, flits per node and clock", ylabel="mean latency, clocks", yscale="log")
    image = io.BytesIO()
    figure.savefig(image, format=path.suffix[1:].lower())
    plt.close(figure)
    write_whole(path, image.getvalue())
