"""What a training iteration must move through DRAM, layer by layer and stage by stage, from shapes, masks and storage.

Stated here by itself: an element stored dense takes `value_bits`; in a bitmap one bit, and `value_bits` where it is not
zero. Every operation needs both of its operands, whole, once; what it leaves for later operations is written once.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from invariants.test_system import MEMORY, SPECS, iteration_of, layers

from cosim.models.chip import System
from cosim.models.fabric import Direction
from cosim.models.tasks import Kind
from cosim.models.tensors import Stage

FORMS = st.sampled_from(("dense", "bitmap"))
ROOM = 8 << 20


def with_storage(spec, activations, weights):
    storage = spec.storage.model_copy(update={"activations": activations, "weights": weights})
    return spec.model_copy(update={"storage": storage})


def with_room(spec):
    """One core, and room for every tensor of a small layer at once: nothing need be loaded twice."""
    size = {"size": ROOM}
    core = spec.core.model_copy(
        update={"count": 1}
        | {
            name: getattr(spec.core, name).model_copy(update=size)
            for name in ("input_memory", "weight_memory", "output_memory")
        }
    )
    vector = spec.vector.model_copy(update={"memory": spec.vector.memory.model_copy(update=size)})
    return spec.model_copy(update={"core": core, "vector": vector})


def stored_bytes(mask, form, value_bits):
    bits = mask.size * value_bits if form == "dense" else mask.size + mask.count() * value_bits
    return -(-bits // 8)


def operands(operation, spec):
    """(tensor, mask, form) of both."""
    storage = spec.storage
    first = operation.dy if operation.stage is Stage.BP else operation.x
    second = operation.dy if operation.stage is Stage.WG else operation.w
    form = storage.activations if operation.stage is Stage.WG else storage.weights
    return (operation.reads[0], first, storage.activations), (operation.reads[1], second, form)


def run(described, spec):
    system = System(spec, MEMORY, 1)
    iteration = iteration_of(described)
    mapped = system.mapper.map(iteration)
    return system, iteration, mapped, system._result(mapped, system.run_graph(mapped.graph))


def moved(system, graph, tensor, elements, direction, label=""):
    """Bytes that tasks whose label begins with `label` move between the chip and where the tensor lies."""
    first = system.mapper.memory.place(tensor, 0)
    behind = first + -(-elements * (system.chip_spec.storage.value_bits + 1) // 8)
    return sum(
        descriptor.bytes
        for task in graph
        if task.kind in (Kind.LOAD, Kind.STORE) and task.label.startswith(label)
        for descriptor in task.work.descriptors
        if descriptor.direction is direction and first <= descriptor.address < behind
    )


@settings(max_examples=10)
@given(layers(), FORMS, FORMS, st.sampled_from(("pnpu", "dense", "roomy")))
def test_every_operand_is_read_whole_by_each_stage_that_needs_it(described, activations, weights, name):
    """At least once on every chip; exactly once where there is room for it: then nothing but the compulsory is moved.

    Red for: a tile that leaves out its last row of inputs; a bitmap that is not counted.
    """
    spec = with_storage(SPECS["pnpu" if name == "roomy" else name], activations, weights)
    spec = with_room(spec) if name == "roomy" else spec
    system, iteration, mapped, result = run(described, spec)
    everything = 0
    for operation in iteration.operations:
        label = f"{operation.layer}.{operation.stage} core"
        for tensor, mask, form in operands(operation, spec):
            compulsory = stored_bytes(mask, form, spec.storage.value_bits)
            loaded = moved(system, mapped.graph, tensor, mask.size, Direction.READ, label)
            everything += loaded
            assert loaded >= compulsory, (label, tensor)
            # Weights come transposed into BP, in as many pieces as there are output channels, each whole bytes.
            pieces = operation.shape.k if operation.stage is Stage.BP and tensor == operation.reads[1] else 1
            if name == "roomy":
                assert loaded < compulsory + pieces, (label, tensor)
    assert result.dram_bytes[0] >= everything


@settings(max_examples=10)
@given(layers(), FORMS, FORMS, st.sampled_from(("pnpu", "dense")))
def test_what_a_later_operation_reads_is_written_once(described, activations, weights, name):
    """Red for: results of which a quarter is not stored."""
    spec = with_storage(SPECS[name], activations, weights)
    system, iteration, mapped, result = run(described, spec)
    written = {tensor.tensor for step in iteration.steps if not hasattr(step, "shape") for tensor in step.writes}
    found = {}
    for operation in iteration.operations:
        for tensor, mask, form in operands(operation, spec):
            found[tensor] = (mask, form)
    total = 0
    for tensor, (mask, form) in found.items():
        if tensor in written and not tensor.endswith(".w.low"):  # of the next iteration's masks
            stored = moved(system, mapped.graph, tensor, mask.size, Direction.WRITE)
            assert stored == stored_bytes(mask, form, spec.storage.value_bits), tensor
            total += stored
    assert total
    assert result.dram_bytes[1] >= total


@settings(max_examples=8)
@given(layers(densities=(1.0,)), FORMS)
def test_where_nothing_is_zero_a_bitmap_costs_one_bit_an_element_and_nothing_else(described, weights):
    """The chip that skips, storing bitmaps, against the one that does not, storing values: the index is the overhead.

    Red for: a bitmap that is not counted.
    """
    skipping = with_room(with_storage(SPECS["pnpu"], "bitmap", weights))
    dense = with_room(with_storage(SPECS["dense"], "dense", "dense"))
    system, iteration, mapped, result = run(described, skipping)
    plain, _, unskipped, expected = run(described, dense)
    for one, other in zip(mapped.operations, unskipped.operations, strict=True):
        assert one.counts.macs == one.counts.dense_macs == other.counts.macs
        assert one.core_cycles == other.core_cycles
    for operation in iteration.operations:
        label = f"{operation.layer}.{operation.stage} core"
        for tensor, mask, form in operands(operation, skipping):
            with_index = moved(system, mapped.graph, tensor, mask.size, Direction.READ, label)
            without = moved(plain, unskipped.graph, tensor, mask.size, Direction.READ, label)
            rows = operation.shape.k if operation.stage is Stage.BP and tensor == operation.reads[1] else 1
            assert 0 <= with_index - without - (-(-mask.size // 8) if form == "bitmap" else 0) < rows
    # In time: choosing what to skip, and each load at most a burst and two flits longer (or, as DRAM is, earlier).
    loads = sum(task.kind is Kind.LOAD for task in mapped.graph)
    burst_ps = MEMORY.device.timing["BL_CK"] * MEMORY.t_ck_ps
    switches = len(mapped.operations) * skipping.core.switch_cycles * skipping.clock
    assert abs(result.duration_ps - expected.duration_ps) <= switches + loads * (burst_ps + 2 * skipping.noc.clock)
