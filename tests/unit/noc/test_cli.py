"""`cosim noc`: results to stdout, mistakes named on stderr with status 2, a difference from a recorded run with
status 1."""

import csv
import importlib
import json
import sys

import pytest
import typer
from typer.testing import CliRunner

from cosim.clib import lib
from cosim.models.noc import cli
from cosim.models.noc.cli import app

sweep_module = importlib.import_module("cosim.models.noc.sweep")  # the package has a function of that name
HEADER = "id,src,dst,flits,created"
RECORDED = f"{HEADER},injected,head_out,tail_out\n0,0,5,4,0,0,17,20\n1,3,3,1,2,2,9,9\n"


@pytest.fixture
def packets(tmp_path):
    path = tmp_path / "packets.csv"
    path.write_text(RECORDED)
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_replay_says_when_packets_arrive(packets):
    result = run("replay", packets, "--mesh", "4x4")
    assert result.exit_code == 0
    assert result.stdout == (
        "2 packets, 5 flits, 21 clocks until the last was out\n"
        "created to tail out  mean 13.50  median 7  99 % 20  max 20 clocks\n"
        "head in to tail out  mean 13.50  median 7  99 % 20  max 20 clocks\n"
        "busiest link         node 0 x+: 4 flits, 19.0% of the clocks\n"
        "recorded clocks      2 packets equal, 0 not\n"
    )


def test_json_is_one_object_with_a_version(packets):
    result = json.loads(run("replay", packets, "--json").stdout)
    assert result["schema_version"] == 1
    assert result["packet_latency"] == {"mean": 13.5, "median": 7, "p99": 20, "max": 20}
    assert (result["mesh_hops"], result["different"]) == (8, 0)


def test_the_clocks_are_written(packets, tmp_path):
    out = tmp_path / "out.csv"
    result = run("replay", packets, "--out", out)
    assert (result.exit_code, result.stderr) == (0, f"cosim: wrote {out}\n")
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["tail_out"] for row in rows] == ["20", "9"]
    assert [row["routers"] for row in rows] == ["3", "1"]


def test_a_recorded_run_is_compared(packets):
    assert run("replay", packets, "--compare").exit_code == 0
    packets.write_text(RECORDED.replace("17,20", "17,21"))
    result = run("replay", packets, "--compare")
    assert result.exit_code == 1
    assert result.stdout.endswith(
        "recorded clocks      1 packets equal, 1 not\n"
        "first that is not    packet 0: injected, head_out, tail_out 0 17 20, recorded 0 17 21\n"
    )
    assert run("replay", packets).exit_code == 0


EVERY_OPTION = [
    "--routing-delay", "0", "--credit-delay", "1", "--input-speedup", "2", "--vc-allocator", "separable_input_first",
    "--sw-allocator", "separable_input_first", "--hold-switch-for-packet", "--wait-for-tail-credit",
    "--st-final-delay", "3", "--vc-alloc-delay", "4",
]  # fmt: skip


def test_a_replay_takes_the_routers_options(packets):
    result = json.loads(run("replay", packets, "--json", *EVERY_OPTION).stdout)
    # Per router 5 - 1 + 3 + 2 clocks; 4 flits come 3 clocks after their head, and 2 more for a crossbar of 3.
    assert result["packet_latency"]["max"] == 9 * 3 + 2 + 3 + 2


def test_a_sweep_takes_the_routers_options():
    arguments = ["--mesh", "2x2", "--packet", "1", "--highest", "0.1", "--clocks", "300", "--json"]
    plain, changed = (json.loads(run("sweep", *arguments, *more).stdout)["zero_load"] for more in ([], EVERY_OPTION))
    assert (changed - 2) / (plain - 2) == pytest.approx(9 / 5)


def test_an_empty_run_is_a_run(packets):
    packets.write_text(HEADER + "\n")
    result = run("replay", packets)
    assert result.exit_code == 0
    assert result.stdout == "0 packets, 0 flits, 0 clocks until the last was out\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mesh", "4by4"], "cosim noc: --mesh '4by4': expected columns x rows, e.g. 4x4\n"),
        (["--mesh", "2x2"], "cosim noc: {path}:2:5: dst: expected a whole number from 0 to 3, got '5'\n"),
        (["--vcs", "9"], "cosim noc: --vcs 9: expected 1 to 8\n"),
        (["--buffer", "0"], "cosim noc: --buffer 0: expected 1 to 255\n"),
        (["--routing-delay", "2"], "cosim noc: --routing-delay 2: expected 0 to 1\n"),
        (
            ["--sw-allocator", "wavefront"],
            "cosim noc: --sw-allocator 'wavefront': expected one of islip, separable_input_first\n",
        ),
        (
            ["--st-final-delay", "3", "--credit-delay", "7"],
            "cosim noc: --credit-delay 7: expected at most 6 with --st-final-delay 3\n",
        ),
        (
            ["--vc-alloc-delay", "2", "--speculative"],
            "cosim noc: --vc-alloc-delay 2: expected 1 with --speculative\n",
        ),
        (["--credit-delay", "-1"], "cosim noc: --credit-delay -1: expected 0 to {delay}\n"),
        (["--mesh", "999x999"], "cosim noc: --mesh 999x999: expected at least 1x1 and at most {nodes} nodes\n"),
    ],
)
def test_a_mistake_is_named_and_ends_with_status_2(packets, arguments, message):
    result = run("replay", packets, *arguments)
    assert result.exit_code == 2
    bounds = {"delay": lib.CS_NOC_MAX_CREDIT_DELAY, "nodes": lib.CS_NOC_MAX_NODES}
    assert result.stderr == message.format(path=packets, **bounds)
    assert result.stdout == ""


def test_a_missing_file_is_named(tmp_path):
    result = run("replay", tmp_path / "none.csv")
    assert (result.exit_code, result.stderr) == (2, f"cosim noc: {tmp_path}/none.csv: No such file or directory\n")
    unwritable = run("replay", tmp_path / "none.csv", "--compare", "--out", tmp_path)
    assert unwritable.exit_code == 2


def test_nothing_is_written_over_the_packets(packets):
    before = packets.read_bytes()
    result = run("replay", packets, "--out", packets)
    assert result.exit_code == 2
    assert result.stderr == f"cosim noc: --out {packets}: expected another file than that of the packets {packets}\n"
    assert packets.read_bytes() == before


def test_comparing_needs_something_to_compare_with(packets):
    packets.write_text(f"{HEADER}\n0,0,5,4,0\n")
    result = run("replay", packets, "--compare")
    assert result.exit_code == 2
    assert result.stderr == (
        f"cosim noc: {packets}:1:1: --compare: expected the columns injected, head_out and tail_out\n"
    )


def test_a_sweep_is_a_table_that_says_where_saturation_is():
    arguments = ["sweep", "--mesh", "3x3", "--vcs", "1", "--packet", "1", "--step", "0.2", "--clocks", "800"]
    result = run(*arguments)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("3x3 mesh, uniform, packets of 1 flit, 1 VC of 8 flits: ")
    assert lines[1].split() == ["offered", "accepted", "latency", "in", "net"]
    assert lines[2].split() == ["flits/node/clock", "clocks", "clocks"]
    assert lines[-2].endswith("saturated")
    assert lines[-1].startswith("saturates at 0.")
    as_json = json.loads(run(*arguments, "--json").stdout)
    assert f"saturates at {as_json['saturation']:.3f} " in lines[-1]
    assert len(as_json["points"]) == len(lines) - 4


def test_results_say_which_router_they_are_of(packets):
    options = ["--speculative", "--credit-delay", "2", "--sw-allocator", "separable_input_first"]
    arguments = ["sweep", "--mesh", "2x2", "--highest", "0.1", "--clocks", "300", "--warmup", "10"]
    title = "2x2 mesh, uniform, packets of 4 flits, 2 VCs of 8 flits, credit-delay 2, speculative, "
    title += "sw-allocator separable_input_first"
    assert run(*arguments, *options).stdout.startswith(f"{title}: ")
    swept = json.loads(run(*arguments, *options, "--json").stdout)
    replayed = json.loads(run("replay", packets, *options, "--json").stdout)
    assert (swept["title"], swept["mesh"], swept["clocks"], swept["warmup"]) == (title, "2x2", 300, 10)
    for result in (swept, replayed):
        assert (result["credit_delay"], result["speculative"], result["vcs"], result["buffer"]) == (2, True, 2, 8)
        assert (result["vc_allocator"], result["sw_allocator"]) == ("islip", "separable_input_first")


def test_loads_without_packets_have_no_latency():
    lines = run("sweep", "--mesh", "2x2", "--highest", "0.05", "--clocks", "1", "--warmup", "0").stdout.splitlines()
    assert lines[0].endswith(": no packets at the lowest load")
    assert lines[3].split() == ["0.050", "0.000", "-", "-"]


@pytest.mark.parametrize("command", ["replay", "sweep"])
def test_options_are_whole_in_a_narrow_help(command):
    text = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "80", "NO_COLOR": "1"}).stdout
    assert all(f"{option} " in text for option in EVERY_OPTION if option.startswith("--"))
    assert "separable_input_first." in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--packet", "0"], "--packet 0: expected 1 to 1024"),
        (["--packet", "1025"], "--packet 1025: expected 1 to 1024"),
        (["--warmup", "-1"], "--warmup -1: expected 0 or more"),
        (["--clocks", "0"], "--clocks 0: expected 1 or more"),
        (["--seed", "-1"], "--seed -1: expected 0 or more"),
        (["--step", "0"], "--step 0.0: expected more than 0 and at most the highest load 1.0"),
        (["--traffic", "transpose", "--mesh", "4x2"], "--traffic transpose: expected a square mesh, got 4x2"),
    ],
)
def test_a_sweep_out_of_range_is_named_by_its_option(arguments, message):
    result = run("sweep", *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"cosim noc: {message}\n")


def test_a_sweep_below_saturation_says_so():
    result = run("sweep", "--mesh", "2x2", "--highest", "0.1", "--clocks", "300")
    assert result.stdout.splitlines()[-1] == "does not saturate at these loads"


def test_a_sweep_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="plots need the report extra")
    path = tmp_path / "curve.png"
    result = run("sweep", "--mesh", "2x2", "--highest", "0.1", "--clocks", "300", "--plot", tmp_path / "curve")
    assert result.exit_code == 0
    assert result.stderr.endswith(f"cosim: wrote {path}\n")
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none/a.png", "{path}: No such file or directory"),
        ("a.xyz", "--plot {path}: expected a name ending in one of "),
        (".", "{path}: Is a directory"),
    ],
)
def test_a_plot_that_cannot_be_written_is_told_before_the_sweep(tmp_path, name, message):
    pytest.importorskip("matplotlib", reason="plots need the report extra")
    path = tmp_path if name == "." else tmp_path / name
    result = run("sweep", "--mesh", "2x2", "--plot", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("cosim noc: " + message.format(path=path))


def test_each_point_is_printed_when_it_is_ready(monkeypatch, capsys):
    """What was printed before a later point fails is out."""
    of = sweep_module.measure

    def measure(mesh, pattern, load, *arguments, **options):
        assert capsys.readouterr().out.count("\n") == (3 if load == 0.1 else 1)
        if load > 0.25:
            raise ValueError("here")
        return of(mesh, pattern, load, *arguments, **options)

    monkeypatch.setattr(sweep_module, "measure", measure)
    with pytest.raises(typer.Exit):
        cli.sweep_command(mesh="2x2", step=0.1, warmup=0, clocks=300)
    assert capsys.readouterr().err == "cosim noc: here\n"


def test_without_matplotlib_a_plot_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("sweep", "--mesh", "2x2", "--highest", "0.1", "--clocks", "300", "--plot", tmp_path / "x.png")
    assert result.exit_code == 2
    assert result.stderr == "cosim noc: --plot: expected matplotlib to be installed (pip install 'cosim-npu[report]')\n"


def test_unknown_traffic_is_named():
    result = run("sweep", "--traffic", "tornado")
    assert (result.exit_code, result.stderr) == (
        2,
        "cosim noc: --traffic 'tornado': expected one of uniform, transpose, bitcomp, neighbor, hotspot\n",
    )
