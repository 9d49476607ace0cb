"""exp, log, loss, normalisation and pooling against the twin, bit for bit; exp and log against libm too."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import vecmath as twin

from cosim.clib import ffi, lib
from cosim.models.numerics import vecmath as vm

pytestmark = pytest.mark.c_library

SEEDS = st.integers(0, 2**32)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def ulps(got, exact):
    return abs(got - exact) / math.ulp(exact)


@given(st.floats(-708.0, 709.7))
def test_exp(x):
    got = vm.exp(np.array([x])).item()
    assert got == twin.exp(x)
    assert ulps(got, math.exp(x)) <= 2


def test_exp_at_its_limits():
    x = np.array([0.0, -0.0, 709.78, 709.79, -708.39, -708.4, np.inf, -np.inf, np.nan])
    got = vm.exp(x)
    assert got[[0, 1, 3, 5, 6, 7]].tolist() == [1.0, 1.0, math.inf, 0.0, math.inf, 0.0]
    assert math.isnan(got[8])
    for i in (2, 4):
        assert ulps(got[i], math.exp(x[i])) <= 2


@given(st.floats(2.0**-1022, 1.7e308))
def test_log(x):
    got = vm.log(np.array([x])).item()
    assert got == twin.log(x)
    assert ulps(got, math.log(x)) <= 2 if x != 1 else got == 0.0


@pytest.mark.parametrize("x", [0.0, -1.0, 5e-324, math.inf, math.nan])
def test_log_refuses_what_is_not_normal_and_positive(x):
    with pytest.raises(ValueError, match=r"^log: every x must be a normal number above zero$"):
        vm.log(np.array([1.0, x]))


@given(SEEDS, st.integers(1, 4), st.integers(1, 5), st.sampled_from([0.1, 10.0, 1000.0]))
def test_loss_equals_the_twin(seed, rows, classes, size):
    logits = normal(seed, rows, classes) * np.float32(size)
    labels = np.random.default_rng(seed).integers(0, classes, rows).astype(np.int32)
    loss, gradient = vm.softmax_cross_entropy(logits, labels)
    expected_loss, expected = twin.softmax_cross_entropy(logits, labels)
    assert loss == expected_loss
    assert gradient.tobytes() == expected.tobytes()
    assert loss >= 0


def test_loss_of_equal_logits_is_the_log_of_the_classes():
    loss, gradient = vm.softmax_cross_entropy(np.zeros((2, 4), dtype=np.float32), np.array([0, 3], dtype=np.int32))
    assert loss == pytest.approx(math.log(4), rel=1e-15)
    assert gradient.tolist() == [[-0.375, 0.125, 0.125, 0.125], [0.125, 0.125, 0.125, -0.375]]


@pytest.mark.parametrize(("logit", "label"), [(np.inf, 0), (np.nan, 0), (1.0, 2), (1.0, -1)])
def test_loss_refuses_broken_logits_and_labels(logit, label):
    logits = np.array([[logit, 0.0]], dtype=np.float32)
    with pytest.raises(ValueError, match=r"^logits must be finite and labels in 0\.\.1$"):
        vm.softmax_cross_entropy(logits, np.array([label], dtype=np.int32))


@given(SEEDS, st.integers(1, 5), st.integers(1, 4))
def test_sums_and_batch_norm_equal_the_twin(seed, rows, channels):
    x, dy = normal(seed, rows, 2, channels), normal(seed + 1, rows, 2, channels)
    gamma, beta = normal(seed + 2, channels), normal(seed + 3, channels)
    assert vm.column_sums(x).tobytes() == twin.column_sums(x).tobytes()
    mean, variance = vm.batch_norm_stats(x)
    expected_mean, expected_variance = twin.batch_norm_stats(x)
    assert (mean.tobytes(), variance.tobytes()) == (expected_mean.tobytes(), expected_variance.tobytes())
    y = vm.batch_norm_apply(x, mean, variance, 1e-5, gamma, beta)
    assert y.tobytes() == twin.batch_norm_apply(x, mean, variance, 1e-5, gamma, beta).tobytes()
    got = vm.batch_norm_backward(x, dy, mean, variance, 1e-5, gamma)
    expected = twin.batch_norm_backward(x, dy, mean, variance, 1e-5, gamma)
    assert [a.tobytes() for a in got] == [a.tobytes() for a in expected]


@st.composite
def pools(draw):
    size = draw(st.integers(1, 3))
    pool = vm.Pooling(size, draw(st.integers(1, 3)), draw(st.integers(0, size - 1)))
    return pool, draw(st.integers(size, 5)), draw(st.integers(size, 5))


@given(SEEDS, pools())
def test_pooling_equals_the_twin(seed, made):
    pool, h, w = made
    x = np.round(normal(seed, 2, h, w, 3))  # with ties
    y, index = pool.max(x)
    expected, expected_index = twin.max_pool(pool, x)
    assert (y.tobytes(), index.tobytes()) == (expected.tobytes(), expected_index.tobytes())
    dy = normal(seed, *y.shape)
    assert pool.max_backward(dy, index, x.shape).tobytes() == twin.max_pool_backward(pool, dy, index, x.shape).tobytes()
    assert pool.mean(x).tobytes() == twin.mean_pool(pool, x).tobytes()
    assert pool.mean_backward(dy, x.shape).tobytes() == twin.mean_pool_backward(pool, dy, x.shape).tobytes()


def test_a_misaligned_pooling_is_refused():
    pool = ffi.new("cs_vec_pool *", (1, 1, 1, 1, 1, 1, 0))
    x, y, index = ffi.new("float[1]"), ffi.new("float[1]"), ffi.new("int32_t[1]")
    assert lib.cs_vec_max_pool(pool, x, 1, y, 1, index) == lib.CS_OK
    amid = ffi.cast("cs_vec_pool *", int(ffi.cast("uintptr_t", pool)) + 2)
    assert lib.cs_vec_max_pool(amid, x, 1, y, 1, index) == lib.CS_EBUFFER


@pytest.mark.parametrize(("size", "stride", "pad"), [(0, 1, 0), (1, 0, 0), (2, 1, 2), (2, 1, -1)])
def test_pooling_that_makes_no_sense_is_refused(size, stride, pad):
    with pytest.raises(ValueError, match=r"^pooling needs size >= 1, stride >= 1 and 0 <= pad < size"):
        vm.Pooling(size, stride, pad)
    status = lib.cs_vec_max_pool(
        ffi.new("cs_vec_pool *", (1, 2, 2, 1, size, stride, pad)),
        ffi.new("float[4]"),
        4,
        ffi.new("float[4]"),
        4,
        ffi.NULL,
    )
    assert status == lib.CS_EINVAL


def test_wrong_shapes_are_refused_by_name():
    with pytest.raises(ValueError, match=r"^a 3x3 window does not fit into 2x2 with pad 0$"):
        vm.Pooling(3, 3).max(np.zeros((1, 2, 2, 1), dtype=np.float32))
    with pytest.raises(ValueError, match=r"^labels: expected shape \(2,\), got \(1,\)$"):
        vm.softmax_cross_entropy(np.zeros((2, 3), dtype=np.float32), np.zeros(1, dtype=np.int32))
    x, one = np.zeros((2, 3), dtype=np.float32), np.zeros(3)
    with pytest.raises(ValueError, match=r"^gamma: expected shape \(3,\), got \(2,\)$"):
        vm.batch_norm_apply(x, one, one, 1e-5, np.zeros(2, dtype=np.float32), np.zeros(3, dtype=np.float32))


def test_an_index_outside_the_image_is_refused():
    pool, dy = vm.Pooling(2, 2), np.ones((1, 1, 1, 1), dtype=np.float32)
    for place in (-1, 4):
        with pytest.raises(RuntimeError, match=r"^cs_vec_max_pool_bp: an argument breaks the contract"):
            pool.max_backward(dy, np.full((1, 1, 1, 1), place, dtype=np.int32), (1, 2, 2, 1))
