"""Every packet of runs recorded with BookSim 2.0, under each option of the router and many together."""

import json
from pathlib import Path

import pytest
from twins import noc as twin

from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.packets import read_packets
from cosim.models.noc.replay import replay

HERE = Path(__file__).parent / "variants"
RUNS = json.loads((HERE / "runs.json").read_text())["runs"]
# By option, the value with which most runs are, and whether it is a switch.
OPTIONS = {
    "routing_delay": (0, False),
    "credit_delay": (2, False),
    "speculative": (1, True),
    "input_speedup": (2, False),
    "vc_allocator": ("separable_input_first", False),
    "sw_allocator": ("separable_input_first", False),
    "hold_switch_for_packet": (1, True),
    "wait_for_tail_credit": (1, True),
    "st_final_delay": (2, False),
    "vc_alloc_delay": (2, False),
}


def name(run):
    return run["file"].removesuffix(".csv.gz")


def mesh_of(run):
    columns, rows = map(int, run["mesh"].split("x"))
    options = dict(run["changed"])
    depth = options.pop("vc_buf_size", 8)
    options = {option: bool(value) if OPTIONS[option][1] else value for option, value in options.items()}
    return MeshConfig(columns, rows, vcs=run["vcs"], depth=depth, **options)


def packets_of(run):
    packets = read_packets(HERE / run["file"], mesh_of(run))
    assert len(packets) == run["packets"]
    return packets


def by_the_engine(run, packets):
    return replay(mesh_of(run), packets).clocks


def by_the_twin(run, packets):
    mesh = mesh_of(run)
    columns = (packets.created, packets.src, packets.dst, packets.flits)
    given = list(zip(*(column.tolist() for column in columns), strict=True))
    options = {option: getattr(mesh, option) for option in OPTIONS}
    return twin.run(given, mesh.columns, mesh.rows, mesh.vcs, mesh.depth, **options)


def check_clocks(packets, clocks):
    for what, recorded, got in zip(("injected", "head out", "tail out"), packets.recorded, clocks, strict=True):
        wrong = (recorded != got).nonzero()[0]
        assert wrong.size == 0, f"{what}: packet {packets.id[wrong[0]]}, and {wrong.size} in all"


def test_every_option_is_here_alone_and_with_others():
    assert len(RUNS) == 112
    assert sorted(path.name for path in HERE.glob("*.csv.gz")) == sorted(run["file"] for run in RUNS)
    for option, (value, _) in OPTIONS.items():
        having = [run["changed"] for run in RUNS if run["changed"].get(option) == value]
        assert {option: value} in having
        assert sum(len(changed) > 1 for changed in having) >= 3


@pytest.mark.c_library
@pytest.mark.parametrize("run", RUNS, ids=name)
def test_packets_enter_and_leave_at_the_recorded_clocks(run):
    packets = packets_of(run)
    check_clocks(packets, by_the_engine(run, packets))


@pytest.mark.c_library
@pytest.mark.parametrize("run", RUNS, ids=name)
def test_each_option_shows_in_its_recording(run):
    """Else a router that ignores it could meet the clocks. Allocators that are changed together count as one."""
    packets = packets_of(run)
    for option in run["changed"]:
        ignored = [key for key in run["changed"] if key == option or {key, option} == {"vc_allocator", "sw_allocator"}]
        rest = {key: value for key, value in run["changed"].items() if key not in ignored}
        assert (by_the_engine({**run, "changed": rest}, packets) != packets.recorded).any(), option


# The two in which most options meet, and one of the router without any, on a mesh of an odd side.
CROWDED = [run for run in RUNS if len(run["changed"]) >= 8] + [run for run in RUNS if run["mesh"] == "5x5"][:1]


@pytest.mark.parametrize("run", CROWDED, ids=name)
def test_the_twin_meets_the_recorded_clocks(run):
    packets = packets_of(run)
    check_clocks(packets, by_the_twin(run, packets))


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS, ids=name)
def test_the_twin_meets_all_recorded_clocks(run):
    packets = packets_of(run)
    check_clocks(packets, by_the_twin(run, packets))
