"""Latency over load: flat, then steep; the saturation load is found and named."""

import pytest

from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.sweep import measure, sweep


def test_a_sweep_ends_a_little_beyond_saturation():
    result = sweep(MeshConfig(4, 4, vcs=1), "uniform", 1, step=0.1, warmup=300, clocks=1500)
    offered = [point.offered for point in result.points]
    assert offered == pytest.approx([0.1 * n for n in range(1, len(offered) + 1)])
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 1e-12}, "step 1e-12: expected at most 10000 points up to the highest load 1.0"),
        ({"clocks": 10**12}, "1000000002000 clocks, warm-up included: expected at most 67108864 with 4 nodes"),
        ({"warmup": 10**20}, "100000000000000008000 clocks, warm-up included: expected at most 67108864 with 4 nodes"),
        ({"step": 5, "highest": 9}, "step 5: expected more than 0 and at most the highest load 4"),
    ],
)
def test_what_would_never_end_or_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        sweep(MeshConfig(2, 2), "uniform", 4, **options)


def test_no_load_is_above_a_packet_in_every_clock():
    result = sweep(MeshConfig(2, 1), "neighbor", 1, step=0.5, highest=float("inf"), warmup=0, clocks=30)
    assert all(point.offered <= 1 for point in result.points)


def test_points_are_told_as_they_are_returned():
    told = []
    result = sweep(
        MeshConfig(2, 2), "uniform", 4, step=0.1, warmup=0, clocks=500, begun=told.append,
        measured=lambda point, saturated: told.append((point, saturated)),
    )  # fmt: skip
    zero_load, *points = told
    assert zero_load == result.zero_load
    assert [point for point, _ in points] == list(result.points)
    assert [saturated for _, saturated in points] == [p.offered >= result.saturation for p in result.points]
    assert result.zero_load == measure(MeshConfig(2, 2), "uniform", 0.1, 4, warmup=0, clocks=500, seed=1)[1]
