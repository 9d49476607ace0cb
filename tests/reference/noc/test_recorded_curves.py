"""Latency against offered load as recorded with BookSim 2.0, here with a traffic generator of our own.

Two generators agree within 3 % in the mean latency up to 1.5 times the latency without contention; under transpose and
hotspot, where a few saturating flows dominate the mean, up to 1.1 times. Nearer to the knee a run is too short, and two
seeds of one generator differ by more: there the load is compared at which the latency passes three times that without
contention, within 5 % of the load interpolated between the two recorded points around it, or of these points where one
has no mean or they are too far apart (`recorded_knee`).

Below the knee all that is offered is accepted. Ours is, within 2 %, over enough packets. The recorded runs have fewer:
the number of packets of a Bernoulli source spreads by its square root, and each recorded load is within two such
standard deviations of the offered one. Twenty of the 338 are more than 2 % from it, all by chance (one seed: the same
excess appears under every router): 4x4 transpose at 0.017 (800 packets, 4.9 to 5.0 %, twelve routers), 8x8 bitcomp
at 0.0125 (1200, 4.1 %, three), 0.02125 (2040, 3.8 %) and with single flits at 0.00875 (3360, 2.1 %), 8x8 uniform at
0.025 (2400, 2.6 %, three). To compare ours with those within 2 % would be to compare with their noise.
"""

import json
from collections import Counter
from itertools import pairwise
from math import sqrt
from pathlib import Path

import pytest

from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.sweep import measure

pytestmark = pytest.mark.c_library

CURVES = json.loads((Path(__file__).parent / "curves.json").read_text())["curves"]
# What is called otherwise here.
FIELD = {"vc_buf_size": "depth"}
# The least that a recorded run measured, in clocks, by the side of the mesh.
RECORDED_CLOCKS = {4: 12_000, 8: 6_000}
# By traffic: up to how many times the first point's latency the means are compared.
COMPARED = {"uniform": 1.5, "neighbor": 1.5, "bitcomp": 1.5, "transpose": 1.1, "hotspot": 1.1}
KNEE = 3.0
# Right below the knee (1.45 and 1.47 times the latency without contention) seeds of ours differ by more than 3 %.
RESTLESS = {("8x8-bitcomp-p4-v2", 0.19125), ("8x8-bitcomp-p4-v4", 0.2125)}


def name(curve):
    changed = "".join(f"-{key}{value}" for key, value in curve["changed"].items())
    return f"{curve['mesh']}-{curve['traffic']}-p{curve['packet_flits']}-v{curve['vcs']}{changed}"


def mesh_of(curve):
    columns, rows = map(int, curve["mesh"].split("x"))
    changed = {FIELD.get(key, key): value for key, value in curve["changed"].items()}
    return MeshConfig(columns, rows, vcs=curve["vcs"], **changed)


def run(curve, offered, packets, seed=1):
    """Measure about as many packets: their number spreads by the square root of it."""
    mesh = mesh_of(curve)
    clocks = int(packets * curve["packet_flits"] / (offered * mesh.nodes))
    point, alone = measure(
        mesh, curve["traffic"], offered, curve["packet_flits"], warmup=2000, clocks=max(clocks, 6000), seed=seed
    )
    return point, alone


def compared(curve):
    """The points at which means can be compared."""
    lowest = curve["points"][0][1]
    return [point for point in curve["points"] if point[4] and point[1] < COMPARED[curve["traffic"]] * lowest]


def check_point(curve, point, packets):
    offered, packet_latency, network_latency, _, _ = point
    measured, _ = run(curve, offered, packets)
    assert measured.accepted == pytest.approx(offered, rel=0.02)
    assert measured.packet_latency == pytest.approx(packet_latency, rel=0.03)
    assert measured.network_latency == pytest.approx(network_latency, rel=0.03)


def test_every_curve_has_points_to_compare():
    assert len(CURVES) == 54
    assert all(len(compared(curve)) >= 3 for curve in CURVES if curve["traffic"] in ("uniform", "neighbor", "bitcomp"))


def test_recorded_loads_are_the_offered_ones_but_for_noise():
    """Two standard deviations of the number of packets; more than 2 % off is what the head of this file lists."""
    count, off = 0, []
    for curve in CURVES:
        mesh = mesh_of(curve)
        for offered, _, _, accepted, _ in compared(curve):
            packets = offered * mesh.nodes * RECORDED_CLOCKS[mesh.rows] / curve["packet_flits"]
            deviation = abs(accepted / offered - 1)
            assert deviation < 2 / sqrt(packets), (name(curve), offered)
            count += 1
            if deviation > 0.02:
                off.append((curve["mesh"], curve["traffic"], curve["packet_flits"], offered))
    assert count == 338
    assert Counter(off) == {
        ("4x4", "transpose", 4, 0.01667): 12,
        ("8x8", "bitcomp", 4, 0.0125): 3,
        ("8x8", "bitcomp", 4, 0.02125): 1,
        ("8x8", "bitcomp", 1, 0.00875): 1,
        ("8x8", "uniform", 4, 0.025): 3,
    }


@pytest.mark.parametrize("curve", CURVES[::4], ids=name)
def test_mean_latency_is_the_recorded_one(curve):
    points = compared(curve)
    check_point(curve, points[len(points) // 2], packets=16_000)


@pytest.mark.slow
@pytest.mark.parametrize("curve", CURVES, ids=name)
def test_every_point_of_every_curve(curve):
    for point in compared(curve):
        if (name(curve), point[0]) not in RESTLESS:
            check_point(curve, point, packets=40_000)


@pytest.mark.slow
def test_restless_points_lie_among_our_seeds():
    """And they are restless: what is excepted is excepted for a reason."""
    for curve in CURVES:
        for offered, packet_latency, *_ in compared(curve):
            if (name(curve), offered) in RESTLESS:
                latencies = [run(curve, offered, 40_000, seed)[0].packet_latency for seed in range(1, 6)]
                assert max(latencies) > 1.03 * min(latencies)
                assert 0.97 * min(latencies) <= packet_latency <= 1.03 * max(latencies)


def recorded_knee(curve):
    """The loads between which the knee lies, and its latency; None: it was not reached.

    Both loads are the one interpolated between two recorded points where these are at most a tenth apart and both have
    a mean; else they are those of the points.
    """
    limit = KNEE * curve["points"][0][1]
    for (below, slower, *_), (above, faster, _, _, stable) in pairwise(curve["points"]):
        if stable and faster <= limit:
            continue
        if not stable or above > 1.1 * below:
            return below, above, limit
        knee = below + (above - below) * (limit - slower) / (faster - slower)
        return knee, knee, limit
    return None


KNEES = [c for c in CURVES if c["traffic"] in ("uniform", "neighbor", "bitcomp") and recorded_knee(c)]


@pytest.mark.slow
@pytest.mark.parametrize("curve", KNEES, ids=name)
def test_the_knee_is_at_the_recorded_load(curve):
    """Our latency is below three times zero load 5 % before the recorded knee, and above it 5 % behind."""
    below, above, limit = recorded_knee(curve)
    assert run(curve, 0.95 * below, 60_000)[0].packet_latency < limit
    assert run(curve, 1.05 * above, 60_000)[0].packet_latency > limit


def test_half_of_the_knees_are_single_loads():
    """Of the others the point above has no mean (thirteen), or it is a fifth or a sixth above the one below (four)."""
    between = [(below, above) for below, above, _ in map(recorded_knee, KNEES) if below != above]
    assert len(KNEES) == 30
    assert len(between) == 17
    ratios = sorted(above / below for below, above in between)
    assert ratios[-2:] == [
        pytest.approx(1.2),
        pytest.approx(0.5 / 0.35),
    ]  # the last: VCs that wait for the tail's credit
