"""Every layer's gradients against central differences of an independent forward pass in FP64."""

import numpy as np
import pytest

from cosim.models.numerics import Accumulate, Format, mac_bp, mac_ff, mac_wg, quantize, round_to
from cosim.models.numerics import vecmath as vm
from cosim.models.tensors import ConvShape, Stage
from cosim.models.workload.layers import MacLayer, Tensor
from cosim.models.workload.notes import Formats
from cosim.models.workload.recorder import Recorder
from cosim.models.workload.vector_layers import AddLayer, BatchNormLayer, PoolLayer, ReluLayer

WIDE = Formats(Format.FP32, Format.FP32, Format.FP32)
STEP = 1e-5


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def differences(function, values):
    """The gradient of a scalar function of one FP64 array."""
    values = values.astype(np.float64)
    gradient = np.zeros_like(values)
    for at in np.ndindex(values.shape):
        kept = values[at]
        values[at] = kept + STEP
        above = function(values)
        values[at] = kept - STEP
        gradient[at] = (above - function(values)) / (2 * STEP)
        values[at] = kept
    return gradient


def close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5)


def run(layer, *inputs):
    """Forward and backward of a layer with a random gradient from above: y, that gradient, the inputs' gradients."""
    recorder = Recorder(False)
    layer.sources = tuple(f"in{i}" for i in range(len(inputs)))
    y = layer.forward(tuple(Tensor(f"in{i}", x) for i, x in enumerate(inputs)), recorder, training=True).values
    dy = normal(99, *y.shape)
    return y, dy, layer.backward(dy, recorder, needed=True)


def convolve(z, x, w, bias):
    """The convolution in FP64."""
    padded = np.zeros((z.n, z.h + 2 * z.pad, z.w + 2 * z.pad, z.c))
    padded[:, z.pad : z.pad + z.h, z.pad : z.pad + z.w] = x
    y = np.zeros(z.y_shape) + bias
    per_group = z.c // z.groups
    for k in range(z.k):
        first = k // (z.k // z.groups) * per_group
        for p in range(z.p):
            for q in range(z.q):
                rows, columns = slice(p * z.stride, p * z.stride + z.r), slice(q * z.stride, q * z.stride + z.s)
                window = padded[:, rows, columns, first : first + per_group]
                y[:, p, q, k] += (window * w[k]).sum(axis=(1, 2, 3))
    return y


@pytest.mark.parametrize(
    "z",
    [
        ConvShape(n=2, c=3, h=4, w=3, k=2, r=3, s=2, pad=1),
        ConvShape(n=1, c=2, h=5, w=5, k=3, r=3, s=3, stride=2, pad=1),
        ConvShape(n=2, c=4, h=3, w=3, k=4, r=2, s=2, groups=2),
        ConvShape(n=3, c=5, h=1, w=1, k=4, r=1, s=1),
    ],
    ids=["plain", "strided", "grouped", "linear"],
)
def test_convolution(z):
    x, w, bias = normal(1, *z.x_shape), normal(2, *z.w_shape), normal(3, z.k)
    layer = MacLayer("conv", z, w, bias=True, formats=WIDE)
    layer.bias.master[:] = bias
    y, dy, (dx,) = run(layer, x)
    close(y, convolve(z, x, w, bias))
    close(dx, differences(lambda v: (convolve(z, v, w, bias) * dy).sum(), x))
    close(layer.weight.gradient, differences(lambda v: (convolve(z, x, v, bias) * dy).sum(), w))
    close(layer.bias.gradient, differences(lambda v: (convolve(z, x, w, v) * dy).sum(), bias))


def test_batch_norm():
    x = normal(1, 3, 2, 2, 2)
    layer = BatchNormLayer("bn", (2, 2, 2), epsilon=1e-3, momentum=0.9)
    layer.gamma.master[:], layer.beta.master[:] = normal(2, 2), normal(3, 2)

    def forward(x, gamma, beta):
        mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
        return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    gamma, beta = layer.gamma.master.copy(), layer.beta.master.copy()
    y, dy, (dx,) = run(layer, x)
    close(y, forward(x.astype(np.float64), gamma, beta))
    close(dx, differences(lambda v: (forward(v, gamma, beta) * dy).sum(), x))
    close(layer.gamma.gradient, differences(lambda v: (forward(x.astype(np.float64), v, beta) * dy).sum(), gamma))
    close(layer.beta.gradient, differences(lambda v: (forward(x.astype(np.float64), gamma, v) * dy).sum(), beta))
    close(layer.running_mean, 0.1 * x.mean(axis=(0, 1, 2)))
    close(layer.running_variance, 0.9 + 0.1 * x.var(axis=(0, 1, 2)))


def test_batch_norm_in_evaluation_takes_and_keeps_its_running_statistics():
    layer = BatchNormLayer("bn", (1, 1, 1), epsilon=0.0, momentum=0.9)
    layer.running_mean, layer.running_variance = np.array([2.0]), np.array([4.0])
    x = np.array([[[[4.0]]]], dtype=np.float32)
    assert layer.forward((Tensor("x", x),), Recorder(False), training=False).values.item() == 1.0
    assert (layer.running_mean.item(), layer.running_variance.item()) == (2.0, 4.0)


def test_relu():
    x = normal(1, 2, 3, 3, 2)
    y, dy, (dx,) = run(ReluLayer("relu", (3, 3, 2)), x)
    close(y, np.maximum(x, 0))
    close(dx, differences(lambda v: (np.maximum(v, 0) * dy).sum(), x))


@pytest.mark.parametrize("pooling", [vm.Pooling(2, 2), vm.Pooling(3, 1, 1), vm.Pooling(3, 2)], ids=str)
@pytest.mark.parametrize("maximum", [True, False])
def test_pooling(pooling, maximum):
    x = normal(1, 2, 5, 4, 2)

    def forward(x):
        n, p, q, c = pooling.output_shape(x.shape)
        y = np.zeros((n, p, q, c))
        for i in range(p):
            for j in range(q):
                top, left = i * pooling.stride - pooling.pad, j * pooling.stride - pooling.pad
                window = x[:, max(0, top) : top + pooling.size, max(0, left) : left + pooling.size]
                y[:, i, j] = window.max(axis=(1, 2)) if maximum else window.mean(axis=(1, 2))
        return y

    y, dy, (dx,) = run(PoolLayer("pool", (5, 4, 2), pooling, maximum=maximum), x)
    close(y, forward(x.astype(np.float64)))
    close(dx, differences(lambda v: (forward(v) * dy).sum(), x))


def test_addition():
    a, b = normal(1, 1, 2, 2, 1), normal(2, 1, 2, 2, 1)
    y, dy, gradients = run(AddLayer("add", (2, 2, 1)), a, b)
    assert y.tolist() == (a + b).tolist()
    assert [g.tolist() for g in gradients] == [dy.tolist()] * 2


def test_loss():
    logits, labels = normal(1, 3, 4), np.array([2, 0, 3], dtype=np.int32)

    def forward(x):
        shifted = x - x.max(axis=1, keepdims=True)
        return (np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(3), labels]).mean()

    loss, gradient = vm.softmax_cross_entropy(logits, labels)
    close(loss, forward(logits.astype(np.float64)))
    close(gradient, differences(forward, logits))


# ---- number formats and scales ---------------------------------------------------------------------------------


def test_scales_are_taken_out_of_the_sums_exactly():
    """In FP8, a layer computes the convolution of its rounded operands, whatever power of two they are scaled by."""
    z = ConvShape(n=2, c=4, h=3, w=3, k=4, r=3, s=3, pad=1)
    x, w = normal(1, *z.x_shape), normal(2, *z.w_shape)
    results = []
    for factor in (1.0, 2.0**-30, 2.0**20):
        layer = MacLayer("conv", z, w * np.float32(factor), bias=False, formats=Formats())
        y, _, (dx,) = run(layer, x / np.float32(factor))
        results.append((y.tolist(), (dx / np.float32(factor)).tolist(), (layer.weight.gradient * factor).tolist()))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    "formats",
    [
        Formats(Format.INT8, Format.INT8, Format.INT8, Accumulate.INT32),
        Formats(Format.FP8_E4M3, Format.FP8_E4M3, Format.FP8_E5M2, Accumulate.FP16),
    ],
    ids=str,
)
def test_every_stage_accumulates_as_the_formats_say(formats):
    z = ConvShape(n=1, c=4, h=3, w=3, k=4, r=3, s=3, pad=1)
    layer = MacLayer("conv", z, normal(2, *z.w_shape), bias=False, formats=formats)
    x, dy = normal(1, *z.x_shape), normal(3, *z.y_shape)
    y = layer.forward((Tensor("x", x),), Recorder(False), training=True).values
    layer.sources = ("x",)
    (dx,) = layer.backward(dy, Recorder(False), needed=True)
    limit, how = formats.accumulate.operand_limit, formats.accumulate
    low_x, low_dy = quantize(x, formats.activation, limit), quantize(dy, formats.gradient, limit)
    for found, sums, exponent in (
        (y, mac_ff(z, low_x.values, layer.low.values, how), low_x.exponent + layer.low.exponent),
        (dx, mac_bp(z, low_dy.values, layer.low.values, how), low_dy.exponent + layer.low.exponent),
        (layer.weight.gradient, mac_wg(z, low_x.values, low_dy.values, how), low_x.exponent + low_dy.exponent),
    ):
        assert np.array_equal(found, sums * np.float32(2.0**-exponent))
    if limit is not None:
        assert 8 < np.abs(low_x.values).max() <= 16


def test_multipliers_see_the_format_s_values():
    z = ConvShape(n=1, c=16, h=2, w=2, k=4, r=1, s=1)
    layer = MacLayer("conv", z, normal(2, *z.w_shape), bias=False, formats=Formats())
    recorder = Recorder(True)
    source = Tensor("x", normal(1, *z.x_shape) * np.float32(2.0) ** -np.arange(0, 32, 2, dtype=np.float32))
    layer.forward((source,), recorder, training=True)
    seen = source.in_format(Format.FP8_E4M3, recorder)
    assert np.array_equal(round_to(seen.values, Format.FP8_E4M3), seen.values)
    operation = recorder.steps[-2]
    assert np.array_equal(operation.x.to_bool(), seen.values != 0)
    assert not operation.x.to_bool().all()  # the smallest underflow
    assert np.array_equal(operation.w.to_bool(), layer.low.values != 0)


# ---- where gradients are needed ---------------------------------------------------------------------------------


def live_of(layer, *tensors):
    return layer.forward(tensors, Recorder(False), training=True).live


def test_relu_needs_gradients_where_its_input_is_positive_and_they_were_needed_before():
    x = np.array([1.0, -1.0, 0.0, 2.0], dtype=np.float32).reshape(1, 1, 1, 4)
    assert live_of(ReluLayer("r", (1, 1, 4)), Tensor("x", x)).ravel().tolist() == [True, False, False, True]
    known = np.array([False, True, True, True]).reshape(x.shape)
    assert live_of(ReluLayer("r", (1, 1, 4)), Tensor("x", x, known)).ravel().tolist() == [False, False, False, True]


def test_pooling_hands_on_where_gradients_are_needed():
    x = np.array([[1.0, 3.0], [2.0, 0.0]], dtype=np.float32).reshape(1, 2, 2, 1)
    for live, of_max, of_mean in (
        ([[0, 1], [0, 0]], True, True),
        ([[1, 0], [1, 1]], False, True),
        ([[0, 0], [0, 0]], False, False),
    ):
        source = Tensor("x", x, np.array(live, dtype=bool).reshape(x.shape))
        for maximum, expected in ((True, of_max), (False, of_mean)):
            layer = PoolLayer("p", (2, 2, 1), vm.Pooling(2, 2), maximum=maximum)
            assert live_of(layer, source).ravel().tolist() == [expected]


def test_a_sum_is_needed_where_either_part_is_and_normalisation_needs_all():
    x = np.ones((1, 1, 1, 3), dtype=np.float32)
    a, b = (np.array(v, dtype=bool).reshape(x.shape) for v in ([1, 0, 0], [0, 1, 0]))
    add = AddLayer("add", (1, 1, 3))
    assert live_of(add, Tensor("a", x, a), Tensor("b", x, b)).ravel().tolist() == [True, True, False]
    assert live_of(add, Tensor("a", x, a), Tensor("b", x)) is None
    assert live_of(BatchNormLayer("bn", (1, 1, 3), epsilon=1e-5, momentum=0.9), Tensor("a", x, a)) is None


def test_bp_where_it_is_not_needed_makes_no_difference():
    """Values of dX outside `output_needed` are multiplied by zero by the layer before."""
    z = ConvShape(n=1, c=3, h=4, w=4, k=2, r=3, s=3, pad=1)
    relu, recorder = ReluLayer("relu", (4, 4, 3)), Recorder(True)
    layer = MacLayer("conv", z, normal(2, *z.w_shape), bias=False, formats=Formats())
    hidden = relu.forward((Tensor("x", normal(1, *z.x_shape)),), recorder, training=True)
    relu.sources, layer.sources = ("x",), ("relu",)
    layer.forward((hidden,), recorder, training=True)
    (dx,) = layer.backward(normal(3, *z.y_shape), recorder, needed=True)
    (bp,) = [s for s in recorder.steps if getattr(s, "stage", None) is Stage.BP and hasattr(s, "dy")]
    needed = bp.output_needed.to_bool()
    assert 0 < np.count_nonzero(needed) < needed.size
    (expected,) = relu.backward(dx, recorder, needed=True)
    (got,) = relu.backward(np.where(needed, dx, np.float32(123)), recorder, needed=True)
    assert got.tolist() == expected.tolist()
