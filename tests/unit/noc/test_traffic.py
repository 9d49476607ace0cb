"""Synthetic traffic: destinations of each pattern, the offered load, the same packets from the same seed."""

import hashlib

import numpy as np
import pytest

from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.traffic import PATTERNS, bernoulli

MESH = MeshConfig(4, 4)


def destinations(pattern, mesh=MESH, load=1.0):
    packets = bernoulli(mesh, pattern, load, 1, 2000, seed=3)
    return packets.src, packets.dst


@pytest.mark.parametrize(
    ("pattern", "pairs"),
    [
        ("transpose", {1: 4, 11: 14, 5: 5, 12: 3}),
        ("bitcomp", {0: 15, 5: 10, 3: 12}),
        ("neighbor", {0: 5, 3: 4, 12: 1, 15: 0}),
    ],
)
def test_fixed_patterns(pattern, pairs):
    src, dst = destinations(pattern)
    for node, expected in pairs.items():
        assert set(dst[src == node].tolist()) == {expected}


def test_uniform_reaches_every_node_alike():
    _, dst = destinations("uniform")
    shares = np.bincount(dst, minlength=16) / dst.size
    assert np.all(np.abs(shares - 1 / 16) < 0.006)


@pytest.mark.parametrize(("side", "hot", "share"), [(4, 5, 5 / 20), (8, 27, 8 / 71)])
def test_the_hotspot_gets_its_share(side, hot, share):
    _, dst = destinations("hotspot", MeshConfig(side, side))
    shares = np.bincount(dst) / dst.size
    assert abs(shares[hot] - share) < 0.01
    assert np.delete(shares, hot).max() < share / 3


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_the_load_is_offered_evenly_over_nodes_and_time(pattern):
    packets = bernoulli(MESH, pattern, 0.4, 4, 20_000, seed=1)
    assert packets.flits.sum() / (16 * 20_000) == pytest.approx(0.4, rel=0.02)
    assert np.bincount(packets.src, minlength=16).min() > 1800
    assert np.all(np.diff(packets.created) >= 0)
    assert packets.id.tolist() == list(range(len(packets)))


def test_the_same_seed_gives_the_same_packets_everywhere():
    packets = bernoulli(MESH, "uniform", 0.2, 4, 1000, seed=7)
    digest = hashlib.sha256(b"".join(a.astype("<i8").tobytes() for a in (packets.created, packets.src, packets.dst)))
    assert digest.hexdigest()[:16] == "ce779487396be9c6"
    assert len(bernoulli(MESH, "uniform", 0.2, 4, 1000, seed=8)) != len(packets)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (MESH, "tornado", 0.1, 1),
            "traffic 'tornado': expected one of uniform, transpose, bitcomp, neighbor, hotspot",
        ),
        ((MeshConfig(4, 2), "transpose", 0.1, 1), "traffic transpose: expected a square mesh, got 4x2"),
        ((MESH, "uniform", 1.5, 1), "load 1.5: expected 0 to 1 flits per node and clock for packets of 1 flits"),
    ],
)
def test_traffic_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        bernoulli(*arguments, 100, seed=1)
