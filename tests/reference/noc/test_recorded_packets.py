"""Every packet of runs recorded with BookSim 2.0 enters and leaves at the recorded clock."""

import re
from pathlib import Path

import pytest
from twins import noc as twin

from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.packets import read_packets
from cosim.models.noc.replay import replay

pytestmark = pytest.mark.c_library

HERE = Path(__file__).parent


def recorded_runs(folder):
    return sorted(folder.glob("packets.*.csv.gz"))


def load(path):
    match = re.match(r"packets\.k(\d)\.\w+\.p\d\.v(\d)\.", path.name)
    side, vcs = map(int, match.groups())
    mesh = MeshConfig(side, side, vcs=vcs)
    return mesh, read_packets(path, mesh)


def check_run(path):
    mesh, packets = load(path)
    assert len(packets) > 400
    run = replay(mesh, packets)
    for name, recorded, clocks in zip(("injected", "head out", "tail out"), packets.recorded, run.clocks, strict=True):
        wrong = (recorded != clocks).nonzero()[0]
        assert wrong.size == 0, f"{name}: packet {packets.id[wrong[0]]}, and {wrong.size} in all"


def test_the_runs_are_here():
    assert len(recorded_runs(HERE)) == 8


@pytest.mark.parametrize("path", recorded_runs(HERE), ids=lambda path: path.name)
def test_packets_enter_and_leave_at_the_recorded_clocks(path):
    check_run(path)


def test_the_twin_meets_the_recorded_clocks_too():
    mesh, packets = load(HERE / "packets.k4.transpose.p8.v1.r0.15.csv.gz")
    columns = (packets.created, packets.src, packets.dst, packets.flits)
    given = list(zip(*(column.tolist() for column in columns), strict=True))
    clocks = twin.run(given, mesh.columns, mesh.rows, mesh.vcs, mesh.depth)
    assert [list(row) for row in clocks] == packets.recorded.tolist()
