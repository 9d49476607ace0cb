"""Latency over load: flat, then steep; the saturation load is found and named."""

import pytest

from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.sweep import measure, sweep


def test_a_sweep_ends_a_little_beyond_saturation():
    result = sweep(MeshConfig(4, 4, vcs=1), "uniform", 1, step=0.1, warmup=300, clocks=1500)
    offered = [point.offered for point in result.points]
    assert offered == [0.1 * n for n in range(1, len(offered) + 1)] or offered == pytest.approx(
        [0.1 * n for n in range(1, len(offered) + 1)]
    )
    assert result.zero_load == pytest.approx(5 * 3.5 + 2, rel=0.02)
    assert result.saturation is not None
    below = [point for point in result.points if point.offered < result.saturation]
    beyond = [point for point in result.points if point.offered >= result.saturation]
    assert len(beyond) == 2
    assert all(point.packet_latency < 3 * result.zero_load * 1.05 for point in below)
    assert all(point.packet_latency > 3 * result.zero_load * 0.95 for point in beyond)
    assert all(point.accepted == pytest.approx(point.offered, rel=0.05) for point in below[:-1])
    assert all(point.accepted < point.offered for point in beyond)
    # An input VC rests for 2 clocks between packets, so 1 flit and 1 VC give at most a third of a link: well below 0.7.
    assert 0.25 < result.saturation < 0.5


def test_a_sweep_that_stays_below_saturation_says_so():
    result = sweep(MeshConfig(2, 2, vcs=4), "uniform", 4, step=0.1, highest=0.3, warmup=100, clocks=500)
    assert result.saturation is None
    assert len(result.points) == 3


def test_a_load_without_a_packet_is_measured_as_nothing():
    point, alone = measure(MeshConfig(2, 2), "uniform", 0.0, 4, warmup=0, clocks=10, seed=1)
    assert (point.packets, point.accepted, alone) == (0, 0.0, 0.0)


@pytest.mark.parametrize("step", [0, -0.1, 2])
def test_a_step_that_leads_nowhere_is_refused(step):
    with pytest.raises(ValueError, match=f"^step {step}: expected more than 0 and at most the highest load 1.0$"):
        sweep(MeshConfig(2, 2), "uniform", 1, step=step)
