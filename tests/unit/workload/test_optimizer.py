"""The learning rate over the training, and the update rule, masks included."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from cosim.models.tensors import Stage
from cosim.models.workload import Network, NetworkSpec
from cosim.models.workload.notes import Formats
from cosim.models.workload.optimizer import Sgd, build_optimizer, learning_rate
from cosim.models.workload.recorder import Recorder
from cosim.models.workload.schema import AnyRate, OptimizerSpec

RATES = TypeAdapter(AnyRate)


def rates(iterations, **values):
    spec = RATES.validate_python(values)
    return [learning_rate(spec, i, iterations) for i in range(iterations)]


def test_constant():
    assert rates(3, schedule="constant", rate=0.5) == [0.5] * 3


def test_steps():
    assert rates(8, schedule="step", rate=1.0, factor=0.5, at=(0.25, 0.75)) == [1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_polynomial_decay():
    assert rates(4, schedule="polynomial", rate=8.0) == [8.0, 6.0, 4.0, 2.0]
    assert rates(4, schedule="polynomial", rate=8.0, power=2) == [8.0, 4.5, 2.0, 0.5]


def test_warm_up_rises_from_above_zero_to_the_rate():
    warm = rates(10, schedule="polynomial", rate=1.0, warmup=0.4)
    assert warm == [pytest.approx((1 - i / 10) * min(1, (i + 1) / 5)) for i in range(10)]


def network():
    layers = [{"kind": "linear", "name": "fc", "channels": 3}]
    described = {"name": "net", "input": {"height": 1, "width": 1, "channels": 4}, "layers": layers}
    return Network(NetworkSpec.model_validate(described), batch=1, formats=Formats(), seed=1)


def sgd(**values):
    spec = OptimizerSpec.model_validate({"learning_rate": {"schedule": "constant", "rate": 0.5}} | values)
    return Sgd(spec, 10)


def test_two_updates_by_hand():
    net = network()
    (layer,) = net.mac_layers
    layer.weight.master = np.full((3, 1, 1, 4), 2.0, dtype=np.float32)
    layer.weight.gradient = np.full((3, 1, 1, 4), 1.0, dtype=np.float32)
    layer.bias.gradient = np.full(3, 1.0, dtype=np.float32)
    optimizer = sgd(momentum=0.5, weight_decay=0.25)
    optimizer.update(net, 0, Recorder(False))
    # v = 1 + 0.25 * 2 = 1.5; w = 2 - 0.5 * 1.5. Biases do not decay.
    assert np.unique(layer.weight.master).tolist() == [1.25]
    assert layer.bias.master.tolist() == [-0.5] * 3
    optimizer.update(net, 1, Recorder(False))
    # v = 0.5 * 1.5 + 1 + 0.25 * 1.25 = 2.0625
    assert np.unique(layer.weight.master).tolist() == [1.25 - 0.5 * 2.0625]
    assert layer.bias.master.tolist() == [-0.5 - 0.5 * 1.5] * 3
    assert np.array_equal(layer.low.elements != 0, layer.weight.master != 0)


def test_pruned_weights_and_their_momentum_are_zero_and_stay_so():
    net = network()
    (layer,) = net.mac_layers
    optimizer = sgd()
    layer.weight.gradient = np.ones((3, 1, 1, 4), dtype=np.float32)
    optimizer.update(net, 0, Recorder(False))
    mask = np.arange(12).reshape(3, 1, 1, 4) % 3 > 0
    layer.weight.mask = mask
    for iteration in (1, 2):
        optimizer.update(net, iteration, Recorder(False))
        for values in (layer.weight.master, layer.weight.momentum, layer.low.values):
            assert np.array_equal(values != 0, mask)


@pytest.mark.parametrize(("pruned", "kept", "mask_bytes"), [(False, 12, 0), (True, 8, 2)])
def test_the_work_of_an_update(pruned, kept, mask_bytes):
    net = network()
    if pruned:
        net.mac_layers[0].weight.mask = np.arange(12).reshape(3, 1, 1, 4) % 3 > 0
    recorder = Recorder(True)
    sgd().update(net, 0, recorder)
    weights, bias = recorder.steps
    assert (weights.kind, weights.layer, weights.stage) == ("update", "fc", Stage.WG)
    assert (weights.elements_in, weights.operations) == (kept, 8 * kept)
    reads = {access.tensor: access.bytes for access in weights.reads}
    writes = {access.tensor: access.bytes for access in weights.writes}
    assert reads.pop("fc.w.mask", 0) == writes.pop("fc.w.mask", 0) == mask_bytes
    assert reads == {"fc.w.gradient": 4 * kept, "fc.w.master": 4 * kept, "fc.w.momentum": 4 * kept}
    assert writes == {"fc.w.master": 4 * kept, "fc.w.momentum": 4 * kept, "fc.w.low": kept}
    assert (bias.elements_in, bias.operations) == (3, 4 * 3)


def test_adam_by_the_paper_s_formulas():
    """Kingma and Ba, algorithm 1, in FP64, epsilon scaled as the class says."""
    net = network()
    (layer,) = net.mac_layers
    spec = OptimizerSpec.model_validate(
        {"rule": "adam", "learning_rate": {"schedule": "constant", "rate": 0.1}, "weight_decay": 0.5}
    )
    optimizer = build_optimizer(spec, 10)
    w, bias = layer.weight.master.astype(np.float64), layer.bias.master.astype(np.float64)
    moments = {"w": np.zeros((2, *w.shape)), "bias": np.zeros((2, *bias.shape))}
    random = np.random.default_rng(1)
    for step in range(1, 4):
        layer.weight.gradient = random.standard_normal(w.shape).astype(np.float32)
        layer.bias.gradient = random.standard_normal(bias.shape).astype(np.float32)

        def changed(values, gradient, pair, step=step):
            pair[0] = 0.9 * pair[0] + 0.1 * gradient
            pair[1] = 0.999 * pair[1] + 0.001 * gradient**2
            first, second = pair[0] / (1 - 0.9**step), pair[1] / (1 - 0.999**step)
            return values - 0.1 * first / (np.sqrt(second) + 1e-8)

        w = changed(w, layer.weight.gradient + 0.5 * w, moments["w"])  # biases do not decay
        bias = changed(bias, layer.bias.gradient, moments["bias"])
        optimizer.update(net, step - 1, Recorder(False))
        np.testing.assert_allclose(layer.weight.master, w, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(layer.bias.master, bias, rtol=1e-5, atol=1e-6)
    mask = np.arange(12).reshape(3, 1, 1, 4) % 3 > 0
    layer.weight.mask = mask
    recorder = Recorder(True)
    optimizer.update(net, 3, recorder)
    for values in (layer.weight.master, layer.weight.momentum, layer.weight.second_moment, layer.low.values):
        assert np.array_equal(values != 0, mask)
    assert recorder.steps[0].operations == 8 * (12 + 2 + 2)
    assert {"fc.w.momentum", "fc.w.second_moment"} <= {access.tensor for access in recorder.steps[0].writes}
