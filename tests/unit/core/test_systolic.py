"""The systolic array: closed form against an array that is stepped, published results, convolutions as products."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import systolic as twin

from cosim.models.core import Dataflow, Gemm, Operands, SystolicArray
from cosim.models.tensors import ConvShape, Stage

STEPPED = {
    Dataflow.OUTPUT_STATIONARY: twin.output_stationary,
    Dataflow.WEIGHT_STATIONARY: twin.weight_stationary,
}


@pytest.mark.parametrize("dataflow", Dataflow)
@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("columns", [1, 2, 3])
def test_equals_the_stepped_array_on_all_small_sizes(dataflow, rows, columns):
    rng = np.random.default_rng(rows * 10 + columns)
    array = SystolicArray(dataflow, rows, columns)
    for m, n, t in np.ndindex(5, 5, 5):
        a, b = rng.integers(-9, 10, (m + 1, t + 1)), rng.integers(-9, 10, (t + 1, n + 1))
        cycles, product = STEPPED[dataflow](a, b, rows, columns)
        assert np.array_equal(product, a @ b)
        assert array.gemm_cycles(Gemm(m + 1, n + 1, t + 1)) == cycles


@given(
    st.sampled_from(list(Dataflow)),
    st.tuples(*[st.integers(1, 7)] * 2),
    st.tuples(*[st.integers(1, 16)] * 3),
)
def test_equals_the_stepped_array(dataflow, size, sizes):
    m, n, t = sizes
    a, b = np.arange(m * t).reshape(m, t) - 7, np.arange(t * n).reshape(t, n) % 11
    cycles, product = STEPPED[dataflow](a, b, *size)
    assert np.array_equal(product, a @ b)
    assert SystolicArray(dataflow, *size).gemm_cycles(Gemm(m, n, t)) == cycles


def test_published_and_recorded_cycles():
    os, ws = (SystolicArray(dataflow, 32, 32) for dataflow in Dataflow)
    # 64 folds of 256 + 32 + 32 - 2 cycles; SCALE-Sim reports 20,351, STONNE 20,672.
    assert os.gemm_cycles(Gemm(256, 256, 256)) == 64 * 318 == 20_352
    assert ws.gemm_cycles(Gemm(256, 256, 256)) == 64 * (318 + 32)
    conv2_x = ConvShape(n=1, c=64, h=56, w=56, k=64, r=3, s=3, pad=1)
    for array, cycles in ((os, 98 * 2 * (576 + 62)), (ws, 18 * 2 * (3136 + 62 + 32))):
        run = array.run(conv2_x, Stage.FF, Operands())
        assert run.cycles == cycles
        assert 113_000 <= cycles <= 138_000  # the range of five public simulators
        assert run.macs == run.dense_macs == conv2_x.macs
        assert run.macs + run.events["padding_macs"] == 3136 * 64 * 576
        assert run.utilisation == conv2_x.macs / (cycles * 1024)


def test_stages_are_products_of_the_same_size_or_larger():
    shape = ConvShape(n=2, c=6, h=5, w=4, k=9, r=3, s=2, stride=2, pad=1, groups=3)
    pixels = 2 * shape.p * shape.q
    assert Gemm.of(shape, Stage.FF) == Gemm(pixels, 3, 6 * 2, 3)
    assert Gemm.of(shape, Stage.BP) == Gemm(2 * 5 * 4, 2, 6 * 3, 3)
    assert Gemm.of(shape, Stage.WG) == Gemm(3, 6 * 2, pixels, 3)
    array = SystolicArray(Dataflow.OUTPUT_STATIONARY, 4, 4)
    one = Gemm(pixels, 3, 12)
    assert array.gemm_cycles(Gemm.of(shape, Stage.FF)) == 3 * array.gemm_cycles(one)
    for stage in Stage:
        assert array.run(shape, stage, Operands()).events["padding_macs"] >= 0


def test_folds_count_how_often_the_array_is_filled():
    assert SystolicArray(Dataflow.OUTPUT_STATIONARY, 4, 3).folds(Gemm(9, 7, 100, 2)) == 2 * 3 * 3
    assert SystolicArray(Dataflow.WEIGHT_STATIONARY, 4, 3).folds(Gemm(9, 7, 100, 2)) == 2 * 25 * 3


def test_sizes_below_one_are_refused():
    with pytest.raises(ValueError, match=r"^rows must be at least 1, got 0$"):
        SystolicArray(Dataflow.OUTPUT_STATIONARY, 0, 4)
    with pytest.raises(ValueError, match=r"^columns must be at least 1, got 0$"):
        SystolicArray(Dataflow.OUTPUT_STATIONARY, 4, 0)
