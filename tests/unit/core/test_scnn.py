"""SCNN against its stepped twin; what becomes of every product; refusals."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from twins import scnn as twin

from cosim.clib import as_buffer, ffi, lib
from cosim.models.core import Operands, PlanarTiling, Scnn, forward_pairs
from cosim.models.core.planar import MAX_PES
from cosim.models.tensors import BitTensor, ConvShape, Stage

pytestmark = pytest.mark.c_library


def operands_of(x, w):
    return Operands(x=BitTensor.from_bool(x), w=BitTensor.from_bool(w))


def core_of(tiling=(2, 2, 2), weights=4, inputs=4, banks=32, bank_entries=32, bank_queue=4, weight_fifo=50, bits=4):
    return Scnn(PlanarTiling(*tiling), weights, inputs, banks, bank_entries, bank_queue, weight_fifo, bits)


@st.composite
def cases(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))

    def mostly(small, *limits):
        return draw(st.sampled_from([small] * 4 + list(limits)))

    size = st.integers(1, 6)
    h, w, pad = draw(size), draw(size), draw(st.integers(0, 2))
    r, s = draw(st.integers(1, min(3, h + 2 * pad))), draw(st.integers(1, min(3, w + 2 * pad)))
    shape = ConvShape(n=draw(st.integers(1, 2)), c=draw(st.integers(1, 5)), h=h, w=w, k=draw(size), r=r, s=s, pad=pad)
    rows, columns, group = (draw(st.integers(1, 3)) for _ in range(3))
    rows, columns = mostly((rows, columns), (MAX_PES, 1), (1, MAX_PES), (256, 256))
    core = core_of(
        tiling=(rows, columns, mostly(group, 2**20)),
        weights=mostly(draw(st.integers(1, 4)), lib.CS_SCNN_MAX_VECTOR),
        inputs=mostly(draw(st.integers(1, 4)), lib.CS_SCNN_MAX_VECTOR),
        banks=mostly(draw(st.integers(1, 9)), lib.CS_SCNN_MAX_BANKS),
        bank_entries=mostly(32, 2**20),
        bank_queue=mostly(draw(st.integers(1, 5)), lib.CS_SCNN_MAX_QUEUE),
        weight_fifo=mostly(draw(st.sampled_from([0, 1, 2, 5, 50])), 2**20),
        bits=mostly(draw(st.integers(1, 4)), 30),
    )
    densities = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])
    x, weights = rng.random(shape.x_shape) < draw(densities), rng.random(shape.w_shape) < draw(densities)
    return core, shape, x, weights


@given(cases())
def test_equals_the_stepped_twin(case):
    core, shape, x, w = case
    try:
        core.parts(shape)
    except ValueError:
        assume(False)
    run = core.run(shape, Stage.FF, operands_of(x, w))
    cycles, counts = twin.run(core, shape, x, w)
    assert {name: run.events[name] for name in counts} == counts
    assert run.cycles == cycles


@pytest.mark.parametrize("seed", range(12))
def test_equals_the_stepped_twin_where_banks_are_contended(seed):
    """Few banks, short queues, dense operands, filters that are not square: so that each address matters."""
    rng = np.random.default_rng(seed)
    r, s = ((1, 3), (3, 1), (2, 3))[seed % 3]
    shape = ConvShape(n=1, c=3, h=5, w=6, k=5, r=r, s=s, pad=1)
    core = core_of(tiling=(1, 2, 3), banks=5 + seed, bank_entries=64, bank_queue=1 + seed % 3, weight_fifo=4)
    x, w = rng.random(shape.x_shape) < 0.8, rng.random(shape.w_shape) < 0.8
    run = core.run(shape, Stage.FF, operands_of(x, w))
    cycles, counts = twin.run(core, shape, x, w)
    assert run.events["stalls"] > 0
    assert {name: run.events[name] for name in counts} == counts
    assert run.cycles == cycles


@given(cases())
def test_every_pair_of_non_zeros_is_multiplied_once(case):
    core, shape, x, w = case
    try:
        core.parts(shape)
    except ValueError:
        assume(False)
    run = core.run(shape, Stage.FF, operands_of(x, w))
    pairs = forward_pairs(shape, BitTensor.from_bool(x), BitTensor.from_bool(w))
    met = int(sum(x[..., c].sum() * w[..., c].sum() for c in range(shape.c)))
    assert run.macs == run.events["products"] == pairs.macs
    assert run.events["products"] + run.events["outside"] == met
    assert run.macs + sum(run.skipped.values()) == run.dense_macs == shape.macs
    assert run.macs <= run.cycles * run.multipliers


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 5))
def test_the_code_equals_its_twin_and_says_where_every_non_zero_is(bits, max_zeros):
    mask = np.array([bits], dtype=np.uint8).reshape(1, -1)
    entries, starts = np.zeros(mask.size + 1, dtype=np.int32), np.zeros(2, dtype=np.int64)
    assert encode(mask, max_zeros, entries[: mask.size], starts) == lib.CS_OK
    found = [(entry, True) if entry >= 0 else (~entry, False) for entry in entries[: starts[1]].tolist()]
    assert found == twin.encode(bits, max_zeros)
    assert [at for at, real in found if real] == np.flatnonzero(bits).tolist()
    gaps = np.diff([-1, *(at for at, _ in found)]) - 1
    assert all(gap <= max_zeros for gap in gaps)


def encode(mask, max_zeros, entries, starts):
    return lib.cs_scnn_encode(
        as_buffer(mask, "uint8_t", np.uint8, "mask"),
        *mask.shape,
        max_zeros,
        as_buffer(entries, "int32_t", np.int32, "entries", writable=True),
        entries.size,
        as_buffer(starts, "int64_t", np.int64, "starts", writable=True),
        starts.size,
    )


def test_a_layer_by_hand():
    """One PE, a 1 x 2 plane, 1 x 1 filters, groups of 2 and 1 output channels: each channel's vectors in turn."""
    x = np.array([[1, 0], [1, 1]], dtype=bool).reshape(1, 1, 2, 2)  # channel 0: both places; channel 1: the second
    w = np.array([[1, 1], [1, 0], [0, 1]], dtype=bool).reshape(3, 1, 1, 2)
    shape = ConvShape(n=1, c=2, h=1, w=2, k=3, r=1, s=1)
    run = core_of(tiling=(1, 1, 2), weights=1, inputs=2).run(shape, Stage.FF, operands_of(x, w))
    # Group 0 (k 0 and 1): channel 0 takes two weights by one vector of two inputs, channel 1 one by one; group 1 (k 2):
    # channel 0 has no weight, channel 1 has one. A cycle at the end of each to accumulate what came last.
    assert run.events["steps"] == (2 + 1) + 1
    assert run.events["drains"] == 2
    assert run.cycles == 4 + 2
    assert run.macs == 2 * 2 + 1 + 1


def test_products_for_one_bank_wait_in_its_queue_and_then_hold_up_the_multipliers():
    """4 x 4 products for one bank in each of two steps: 16 come in, one leaves a cycle."""
    x, w = np.ones((1, 2, 2, 2), dtype=bool), np.ones((4, 1, 1, 2), dtype=bool)
    shape = ConvShape(n=1, c=2, h=2, w=2, k=4, r=1, s=1)
    for queue, stalls, drains in ((1, 15 + 15, 1), (4, 12 + 15, 4), (16, 15, 16), (31, 0, 31), (32, 0, 31)):
        core = core_of(tiling=(1, 1, 4), banks=1, bank_queue=queue)
        run = core.run(shape, Stage.FF, operands_of(x, w))
        assert (run.events["stalls"], run.events["drains"]) == (stalls, drains)
        assert run.cycles == 2 + stalls + drains


def test_a_slow_element_holds_up_those_a_fifo_ahead():
    """Two PEs with 1 and 9 inputs of each of 3 channels, one vector of weights each."""
    x = np.zeros((1, 1, 18, 3), dtype=bool)
    x[0, 0, 0] = x[0, 0, 9:] = True
    w = np.ones((1, 1, 1, 3), dtype=bool)
    shape = ConvShape(n=1, c=3, h=1, w=18, k=1, r=1, s=1)
    for fifo, waits in ((0, 0), (3, 0), (2, 9 - 2), (1, (9 - 1) + (18 - 10))):
        run = core_of(tiling=(1, 2, 1), weights=1, inputs=1, weight_fifo=fifo).run(shape, Stage.FF, operands_of(x, w))
        assert run.events["waits"] == waits
        assert run.cycles == 27 + 1


def test_tiles_whose_outputs_exceed_the_accumulators_are_cut():
    shape = ConvShape(n=1, c=1, h=224, w=224, k=64, r=3, s=3, pad=1)
    core = core_of(tiling=(8, 8, 8))
    rows, columns = core.parts(shape)
    assert (rows, columns) == (4, 3)  # of 28 x 28: 7 x 10, with halo 9 x 12 x 8 = 864 of 1024; 3 x 3 parts: 1152
    with pytest.raises(ValueError, match=r"^the outputs of one input, 8 x 12 x 12, exceed the 1024 accumulators"):
        core.parts(ConvShape(n=1, c=1, h=12, w=12, k=8, r=12, s=12))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"weights": 0}, "weights must be at least 1, got 0"),
        ({"inputs": 65}, "inputs must be at most 64, got 65"),
        ({"banks": 257}, "banks must be at most 256, got 257"),
        ({"bank_queue": 32769}, "bank_queue must be at most 32768, got 32769"),
        ({"weight_fifo": -1}, "weight_fifo must be 0 to 2[*][*]31 - 1, got -1"),
        ({"weight_fifo": 1 << 31}, "weight_fifo must be 0 to 2[*][*]31 - 1, got 2147483648"),
        ({"bits": 31}, "index_bits must be at most 30, got 31"),
        ({"tiling": (0, 1, 1)}, "pe_rows must be at least 1, got 0"),
        (
            {"tiling": (257, 256, 1)},
            "pe_rows and pe_columns must give at most 65536 processing elements, got 257 x 256 = 65792",
        ),
    ],
)
def test_values_beyond_the_limits_are_refused(values, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        core_of(**values)


# ---- the C functions refuse what breaks the contract -----------------------------------------------------------


def test_encode_refuses():
    mask, starts = np.ones((2, 3), dtype=np.uint8), np.zeros(3, dtype=np.int64)
    assert encode(mask, 15, np.zeros(5, dtype=np.int32), starts) == lib.CS_EBUFFER
    assert encode(mask, 15, np.zeros(6, dtype=np.int32), starts[:2]) == lib.CS_EBUFFER
    assert encode(mask, -1, np.zeros(6, dtype=np.int32), starts) == lib.CS_EINVAL
    assert encode(mask, 15, np.zeros(6, dtype=np.int32), starts) == lib.CS_OK


def raw(change):
    """cs_scnn_run on a sound call of one PE, one channel, one product, changed by `change(call)`."""
    keep = {
        "entries": np.zeros(1, dtype=np.int32),
        "starts": np.array([0, 1], dtype=np.int64),
        "bank": np.zeros(1, dtype=np.int32),
        "row": np.zeros(1, dtype=np.int32),
        "column": np.zeros(1, dtype=np.int32),
    }
    arrays = {"inputs": keep, "weights": {name: array.copy() for name, array in keep.items()}}
    call = {
        "params": {"weights": 4, "inputs": 4, "banks": 2, "queue": 1, "fifo": 0, "rows": 1, "columns": 1},
        "arrays": arrays,
        "blocks": 1,
        "groups": 1,
        "waiting": 2,
        "done": 2,
        "apart": [],
    }
    change(call)
    structs = {}
    for name, of in arrays.items():
        structs[name] = ffi.new("cs_scnn_operand *")
        for field, array in of.items():
            of[field] = pointer = as_buffer(array, "int64_t" if field == "starts" else "int32_t", array.dtype, field)
            setattr(structs[name], field, pointer)
        structs[name].entry_count = structs[name].positions = 1
        structs[name].blocks = 1
    structs["weights"].blocks = call["blocks"]
    waiting, done = np.zeros(max(1, call["waiting"]), np.uint16), np.zeros(max(1, call["done"]), np.int64)
    cycles, counts = ffi.new("int64_t *"), ffi.new("cs_scnn_counts *")
    for name in call["apart"]:
        of, _, field = name.partition(".")
        if field:
            setattr(structs[of], field, amid(getattr(structs[of], field)))
    given = {
        "params": ffi.new("cs_scnn_params *", call["params"]),
        "inputs": ffi.new("cs_scnn_operand *[]", [structs["inputs"]]),
        "weights": structs["weights"],
        "waiting": as_buffer(waiting, "uint16_t", np.uint16, "waiting", writable=True),
        "done": as_buffer(done, "int64_t", np.int64, "done", writable=True),
        "cycles": cycles,
        "counts": counts,
    }
    moved = {name: amid(pointer) if name in call["apart"] else pointer for name, pointer in given.items()}
    status = lib.cs_scnn_run(
        moved["params"],
        moved["inputs"],
        1,
        moved["weights"],
        call["groups"],
        moved["waiting"],
        call["waiting"],
        moved["done"],
        call["done"],
        moved["cycles"],
        moved["counts"],
    )
    return status, cycles[0], counts.products


def amid(pointer):
    """The pointer, one byte on: no word of any size begins there."""
    return ffi.cast("void *", int(ffi.cast("uintptr_t", pointer)) + 1)


def test_run_takes_a_sound_call():
    assert raw(lambda call: None) == (lib.CS_OK, 2, 1)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda c: c["params"].update(weights=0), "CS_EINVAL"),
        (lambda c: c["params"].update(inputs=65), "CS_EINVAL"),
        (lambda c: c["params"].update(banks=0), "CS_EINVAL"),
        (lambda c: c["params"].update(queue=0), "CS_EINVAL"),
        (lambda c: c["params"].update(fifo=-1), "CS_EINVAL"),
        (lambda c: c["arrays"]["inputs"]["entries"].fill(1), "CS_EINVAL"),
        (lambda c: c["arrays"]["weights"]["entries"].fill(~1), "CS_EINVAL"),
        (lambda c: c["arrays"]["weights"]["bank"].fill(2), "CS_EINVAL"),
        (lambda c: c["arrays"]["inputs"]["row"].fill(-1), "CS_EINVAL"),
        (lambda c: c["arrays"]["inputs"]["column"].fill(1 << 30), "CS_EINVAL"),
        (lambda c: c["arrays"]["inputs"]["starts"].fill(-1), "CS_EINVAL"),
        (lambda c: c["arrays"]["inputs"].update(starts=np.array([0, 2])), "CS_EINVAL"),
        (lambda c: c["arrays"]["inputs"].update(starts=np.array([1, 0])), "CS_EINVAL"),
        (lambda c: c.update(groups=2), "CS_EINVAL"),
        (lambda c: c.update(waiting=1), "CS_EBUFFER"),
        (lambda c: c.update(done=1), "CS_EBUFFER"),
    ],
)
def test_run_refuses(change, status):
    assert raw(change)[0] == getattr(lib, status)


FIELDS = [f"{of}.{field}" for of in ("inputs", "weights") for field in ("entries", "starts", "bank", "row", "column")]


@pytest.mark.parametrize("name", ["params", "inputs", "weights", "waiting", "done", "cycles", "counts", *FIELDS])
def test_run_refuses_a_misaligned(name):
    assert raw(lambda call: call["apart"].append(name)) == (lib.CS_EBUFFER, 0, 0)


@pytest.mark.parametrize("name", ["entries", "starts"])
def test_encode_refuses_misaligned(name):
    mask = np.ones(4, dtype=np.uint8)
    entries, starts = np.zeros(8, dtype=np.int32), np.zeros(3, dtype=np.int64)
    given = {"entries": ffi.from_buffer("int32_t[]", entries), "starts": ffi.from_buffer("int64_t[]", starts)}
    given[name] = amid(given[name])
    status = lib.cs_scnn_encode(ffi.from_buffer("uint8_t[]", mask), 2, 2, 15, given["entries"], 4, given["starts"], 3)
    assert status == lib.CS_EBUFFER
    assert not starts.any()
