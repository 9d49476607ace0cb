"""Every packet of runs recorded with BookSim 2.0, under each option of the router and many together."""

import json
from pathlib import Path

import pytest
from twins import noc as twin

from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.packets import read_packets

HERE = Path(__file__).parent / "variants"
RUNS = json.loads((HERE / "runs.json").read_text())["runs"]
OPTIONS = {
    "routing_delay": 0,
    "credit_delay": 2,
    "speculative": 1,
    "input_speedup": 2,
    "vc_allocator": "separable_input_first",
    "sw_allocator": "separable_input_first",
    "hold_switch_for_packet": 1,
    "wait_for_tail_credit": 1,
    "st_final_delay": 2,
    "vc_alloc_delay": 2,
}


def name(run):
    return run["file"].removesuffix(".csv.gz")


def packets_of(run):
    columns, rows = map(int, run["mesh"].split("x"))
    packets = read_packets(HERE / run["file"], MeshConfig(columns, rows))
    assert len(packets) == run["packets"]
    return packets


def check_clocks(packets, clocks):
    for what, recorded, got in zip(("injected", "head out", "tail out"), packets.recorded, clocks, strict=True):
        wrong = (recorded != got).nonzero()[0]
        assert wrong.size == 0, f"{what}: packet {packets.id[wrong[0]]}, and {wrong.size} in all"


def by_the_twin(run, packets):
    columns, rows = map(int, run["mesh"].split("x"))
    given = (packets.created, packets.src, packets.dst, packets.flits)
    options = dict(run["changed"])
    depth = options.pop("vc_buf_size", 8)
    packets = list(zip(*(column.tolist() for column in given), strict=True))
    return twin.run(packets, columns, rows, run["vcs"], depth, **options)


def test_every_option_is_here_alone_and_with_others():
    assert len(RUNS) == 106
    assert sorted(path.name for path in HERE.glob("*.csv.gz")) == sorted(run["file"] for run in RUNS)
    for option, value in OPTIONS.items():
        having = [run["changed"] for run in RUNS if run["changed"].get(option) == value]
        assert {option: value} in having
        assert sum(len(changed) > 1 for changed in having) >= 3
    assert all(run["changed"].get(option, value) == value for run in RUNS for option, value in OPTIONS.items())


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


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS, ids=name)
def test_each_option_shows_in_its_recording(run):
    """Else a router that ignores an option could meet the clocks. Allocators that are changed together count as one."""
    packets = packets_of(run)
    for option in run["changed"]:
        ignored = [key for key in run["changed"] if key == option or {key, option} == {"vc_allocator", "sw_allocator"}]
        rest = {key: value for key, value in run["changed"].items() if key not in ignored}
        clocks = by_the_twin({**run, "changed": rest}, packets)
        assert any((recorded != got).any() for recorded, got in zip(packets.recorded, clocks, strict=True)), option
