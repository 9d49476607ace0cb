"""Routes of the mesh: minimal, x first, and free of cyclic dependencies."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.noc.mesh import NODE_PORT, MeshConfig

STEP = {0: (1, 0), 1: (-1, 0), 2: (0, 1), 3: (0, -1)}


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_a_path_is_minimal_and_goes_x_first(columns, rows, data):
    mesh = MeshConfig(columns, rows)
    src, dst = (data.draw(st.integers(0, mesh.nodes - 1)) for _ in range(2))
    x, y = src % columns, src // columns
    ports = []
    for node, port in mesh.path(src, dst):
        assert node == x + columns * y
        ports.append(port)
        if port != NODE_PORT:
            x, y = x + STEP[port][0], y + STEP[port][1]
            assert 0 <= x < columns
            assert 0 <= y < rows
    assert x + columns * y == dst
    assert ports[-1] == NODE_PORT
    assert (
        len(ports) - 1
        == mesh.hops(src, dst)
        == abs(src % columns - dst % columns) + abs(src // columns - dst // columns)
    )
    directions = [port // 2 for port in ports]
    assert directions == sorted(directions)


@pytest.mark.parametrize("size", [(1, 1), (5, 1), (3, 4), (4, 4)])
def test_no_channel_waits_for_itself(size):
    """The dependency graph of the links, over all routes, has no cycle: wormhole routing cannot deadlock."""
    mesh = MeshConfig(*size)
    after: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for src in range(mesh.nodes):
        for dst in range(mesh.nodes):
            path = list(mesh.path(src, dst))
            for held, wanted in pairwise(path):
                after.setdefault(held, set()).add(wanted)
                after.setdefault(wanted, set())
    while after:
        free = [link for link, wanted in after.items() if not wanted & after.keys()]
        assert free, f"cyclic: {after}"
        for link in free:
            del after[link]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"columns": 0}, "mesh 0x4: expected at least 1x1 and at most 65536 nodes"),
        ({"columns": 20000}, "mesh 20000x4: expected at least 1x1 and at most 65536 nodes"),
        ({"vcs": 9}, "vcs 9: expected 1 to 8"),
        ({"depth": 0}, "depth 0: expected 1 to 255"),
        ({"routing_delay": 2}, "routing_delay 2: expected 0 to 1"),
        ({"credit_delay": -1}, "credit_delay -1: expected 0 to 8"),
        ({"input_speedup": 0}, "input_speedup 0: expected 1 to 8"),
        ({"vc_allocator": "wavefront"}, "vc_allocator 'wavefront': expected one of islip, separable_input_first"),
        ({"sw_allocator": ""}, "sw_allocator '': expected one of islip, separable_input_first"),
        ({"st_final_delay": 5}, "st_final_delay 5: expected 1 to 4"),
        ({"st_final_delay": 4, "credit_delay": 5}, "credit_delay 5: expected at most 4 with st_final_delay 4"),
        ({"vc_alloc_delay": 9}, "vc_alloc_delay 9: expected 1 to 8"),
        ({"vc_alloc_delay": 2, "speculative": True}, "vc_alloc_delay 2: expected 1 with speculative"),
    ],
)
def test_a_mesh_that_cannot_be_is_refused_by_name(fields, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        MeshConfig(**{"columns": 4, "rows": 4, **fields})
