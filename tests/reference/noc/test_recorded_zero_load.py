"""Packets that meet no other take the clocks recorded with BookSim 2.0, under each option of the router."""

import json
from pathlib import Path

import pytest
from twins import noc as twin

from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.state import NEVER, NetworkState

pytestmark = pytest.mark.c_library

RECORDED = json.loads((Path(__file__).parent / "zero_load.json").read_text())["packets"]


def name(recorded):
    changed = "".join(f"-{key}{value}" for key, value in recorded["changed"].items())
    return f"p{recorded['flits']}{changed}"


def options_of(recorded):
    """The depth of the buffers, and what else is changed."""
    changed = dict(recorded["changed"])
    return changed.pop("vc_buf_size", 8), changed


def test_every_length_is_here_with_every_option():
    assert len(RECORDED) == 33
    assert sum(len(recorded["clocks"]) for recorded in RECORDED) == 226


@pytest.mark.parametrize("recorded", RECORDED, ids=name)
def test_the_twin_takes_the_recorded_clocks(recorded):
    depth, options = options_of(recorded)
    for routers, clocks in recorded["clocks"].items():
        packet = (0, 0, int(routers) - 1, recorded["flits"])
        _, _, tail_out = twin.run([packet], 7, 1, 2, depth, **options)
        assert tail_out == [clocks]


@pytest.mark.parametrize("recorded", RECORDED, ids=name)
def test_the_network_takes_the_recorded_clocks(recorded):
    """And `zero_load_clocks` says them, where the buffers hide the credits' way."""
    depth, options = options_of(recorded)
    config = MeshConfig(7, 1, depth=depth, **options)
    for routers, clocks in recorded["clocks"].items():
        network = NetworkState(config, 1)
        network.submit(0, 0, 0, int(routers) - 1, recorded["flits"])
        assert network.advance(NEVER)["tail_out"].tolist() == [clocks]
        if depth == 8:
            assert config.zero_load_clocks(0, int(routers) - 1, recorded["flits"]) == clocks
