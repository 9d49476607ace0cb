"""What a chip file must say: sizes that agree, and a provenance for every parameter, no more and no less."""

import dataclasses

import pytest
from helpers.chips import WHOLE_CHIPS, chip_spec
from pydantic import ValidationError

from cosim.models.chip.spec import ChipSpec, RouterSpec
from cosim.models.core import CoreParams, SkipPolicy
from cosim.models.noc import MeshConfig
from cosim.models.tensors import Stage
from cosim.scenario import ScenarioError, load_component


@pytest.fixture(scope="module")
def pnpu():
    return chip_spec("pnpu")


def error_of(*overrides):
    with pytest.raises(ScenarioError) as caught:
        chip_spec("pnpu", *overrides)
    return [problem.message for problem in caught.value.problems]


def with_provenance(spec, **changes):
    """The chip with some provenance entries changed; None removes one."""
    data = spec.model_dump(mode="json")
    for path, origin in changes.items():
        data["provenance"][path.replace("__", ".")] = origin
    data["provenance"] = {path: origin for path, origin in data["provenance"].items() if origin is not None}
    return ChipSpec.model_validate(data)


@pytest.mark.parametrize("file", WHOLE_CHIPS, ids=lambda file: file.stem)
def test_every_parameter_of_a_shipped_chip_has_an_origin(file):
    spec = load_component(file, ChipSpec)
    origins = {path: spec.origin(path) for path in spec.parameters()}
    assert len(origins) > 40
    assert all(origin.startswith(("source: ", "assumed: ")) for origin in origins.values())


def test_the_nearest_group_speaks_for_a_parameter(pnpu):
    assert pnpu.origin("core.count").startswith("source: summary of the VLSI 2020 paper")
    assert pnpu.origin("core.lanes").startswith("assumed: lanes, windows")
    assert pnpu.origin("core.input_memory.banks") == pnpu.origin("core")
    assert pnpu.origin("name") is None


def test_at_an_operating_point_clocks_and_supply_come_from_where_it_comes_from(pnpu):
    """PNPU's clock and supply are published, its fast corner is assumed."""
    fast = chip_spec("pnpu", "operating_point=fast")
    for path in ("clock", "voltage", "noc.clock"):
        assert fast.origin(path) == pnpu.origin("operating_points.fast")
    assert pnpu.origin("clock").startswith("source: ")
    assert fast.origin("core.count") == pnpu.origin("core.count")
    assert ChipSpec.model_validate(fast.model_dump(mode="json")) == fast


def test_names_prose_and_the_energy_table_are_no_parameters(pnpu):
    parameters = set(pnpu.parameters())
    assert {"clock", "core.lanes", "core.skip.ff", "noc.mesh"} <= parameters
    assert not {path for path in parameters if path.startswith(("name", "description", "energy", "provenance"))}


def test_a_parameter_without_an_origin_is_refused(pnpu):
    with pytest.raises(ValidationError, match=r"parameter clock has neither a source nor an assumption"):
        with_provenance(pnpu, clock=None)
    with pytest.raises(ValidationError, match=r"parameter dma\.outstanding has neither"):
        with_provenance(pnpu, dma=None)
    # One entry for the only parameter of the group is as good.
    single = {"dma__outstanding": "assumed: enough", "dma__request": "assumed: a burst"}
    assert with_provenance(pnpu, dma=None, **single).origin("dma.outstanding")


@pytest.mark.parametrize("path", ["clok", "core.lane", "cor", "core.lanes.x"])
def test_an_entry_for_nothing_is_refused(pnpu, path):
    with pytest.raises(ValidationError, match=r"names no parameter of this chip"):
        with_provenance(pnpu, **{path: "assumed: x"})


@pytest.mark.parametrize("origin", ["", "50 MHz", "source:", "source: ", "guessed: 50 MHz", "Source: paper"])
def test_an_origin_says_source_or_assumed_and_what(pnpu, origin):
    with pytest.raises(ValidationError, match=r"provenance\.clock"):
        with_provenance(pnpu, clock=origin)


def test_every_stage_has_a_way_to_skip():
    assert error_of("core.skip.bp=[]") == ["says nothing of stage 'bp'"]


def test_the_mesh_has_a_node_for_each_unit():
    """16 cores and three other units: 19 nodes are enough, 18 are not."""
    assert chip_spec("pnpu", "noc.mesh=[19, 1]", "noc.memory_nodes=[0]").noc.mesh == (19, 1)
    assert error_of("noc.mesh=[9, 2]", "noc.memory_nodes=[0]") == [
        "9 x 2 nodes, but 16 cores, aggregator, vector unit and pruning unit need 19"
    ]


def test_memory_nodes_are_in_the_mesh():
    assert chip_spec("pnpu", "noc.memory_nodes=[0, 19]").noc.memory_nodes == (0, 19)
    assert error_of("noc.memory_nodes=[0, 20]") == ["node 20 is outside of the 5 x 4 mesh"]
    assert error_of("noc.memory_nodes=[-1]") == ["node -1 is outside of the 5 x 4 mesh"]


def test_the_vector_unit_holds_two_tiles_and_the_aggregator_four():
    """Half an output memory, 8 KiB, is a tile."""
    assert chip_spec("pnpu", "vector.memory.size=16 KiB", "aggregator.memory.size=32 KiB")
    assert error_of("vector.memory.size=16383 B") == ["must hold two tiles of 8192 bytes (half an output memory)"]
    assert error_of("aggregator.memory.size=32767 B") == ["must hold four tiles of 8192 bytes (half an output memory)"]


def test_the_core_engine_gets_what_the_file_says(pnpu):
    assert pnpu.core.params() == CoreParams(
        lanes=64,
        group=8,
        window=16,
        queue=16,
        macs_per_lane=1,
        run_ahead=4,
        coarse_jump=4,
        coarse_unit=(4, 4),
        pixel_reuse=8,
        lane_latency=2,
    )
    policies = pnpu.core.policies()
    assert policies[Stage.FF] == (SkipPolicy(frozenset({"input", "weight"}), True, True),)
    assert policies[Stage.BP][2] == SkipPolicy(frozenset({"input", "output"}), True, False)
    assert [len(policies[stage]) for stage in (Stage.FF, Stage.BP, Stage.WG)] == [1, 3, 3]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((16, 17, 19), None),
        ((0, 5, 20), "node 20 is outside"),
        ((-1, 5, 6), "node -1 is outside"),
        ((7, 8, 7), "node 7 has"),
    ],
)
def test_nodes_of_the_units_that_are_no_cores(pnpu, nodes, message):
    data = pnpu.model_dump(mode="json")
    data["noc"]["unit_nodes"] = nodes
    if message is None:
        assert ChipSpec.model_validate(data).noc.unit_nodes == nodes
    else:
        with pytest.raises(ValidationError, match=message):
            ChipSpec.model_validate(data)


@pytest.mark.parametrize(
    ("size", "allowed"), [(64, True), (128, True), (256, True), (32, False), (96, False), (512, False)]
)
def test_sizes_of_a_request(pnpu, size, allowed):
    data = pnpu.model_dump(mode="json")
    data["dma"]["request"] = size
    if allowed:
        assert ChipSpec.model_validate(data).dma.request == size
    else:
        with pytest.raises(ValidationError, match="64, 128 or 256 bytes, not"):
            ChipSpec.model_validate(data)


def test_a_chips_router_has_the_options_of_the_mesh(pnpu):
    """All of them, by the same names and with the same meaning when left out."""
    plain = pnpu.mesh_config()
    shape = {"columns", "rows", "vcs", "depth", "ideal"}
    assert set(RouterSpec.model_fields) == {field.name for field in dataclasses.fields(MeshConfig)} - shape
    data = pnpu.model_dump(mode="json")
    data["noc"]["router"] = {}
    assert ChipSpec.model_validate(data).mesh_config() == plain
    data["noc"]["router"] = {"routing_delay": 0, "input_speedup": 2, "sw_allocator": "separable_input_first"}
    changed = dataclasses.replace(plain, routing_delay=0, input_speedup=2, sw_allocator="separable_input_first")
    assert ChipSpec.model_validate(data).mesh_config() == changed


@pytest.mark.parametrize(
    ("router", "message"),
    [
        ({"speculative": True, "vc_alloc_delay": 2}, "expected 1 with speculative"),
        ({"st_final_delay": 5}, "expected 1 to 4"),
        ({"vc_allocator": "wavefront"}, "'islip' or 'separable_input_first'"),
    ],
)
def test_a_router_that_the_network_cannot_have_is_refused(pnpu, router, message):
    data = pnpu.model_dump(mode="json")
    data["noc"]["router"] = router
    with pytest.raises(ValidationError, match=message):
        ChipSpec.model_validate(data)


def test_what_the_network_refuses_is_said_of_the_field():
    """By the names that a chip file has for them."""
    for path, value, message in (
        ("noc.buffer", "300", "300: expected 1 to 255"),
        ("noc.router", "{st_final_delay: 9}", "9: expected 1 to 4"),
        ("noc.router", "{credit_delay: 9}", "9: expected 0 to 8"),
    ):
        with pytest.raises(ScenarioError) as caught:
            chip_spec("pnpu", f"{path}={value}")
        (problem,) = caught.value.problems
        field = value.strip("{").partition(":")[0] if "{" in value else ""
        assert (problem.message, problem.path) == (message, f"{path}.{field}".rstrip("."))
