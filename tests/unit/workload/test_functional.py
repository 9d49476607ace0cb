"""The functional workload delivers the training that it does: steps, masks, values."""

from pathlib import Path

import numpy as np
import pytest

from cosim.models.pruning import PruningSchedule
from cosim.models.tensors import Stage
from cosim.models.workload import (
    Dataset,
    FunctionalSpec,
    FunctionalWorkload,
    NetworkError,
    Operation,
    TrainingDiverged,
    VectorWork,
    load_dataset,
)

LAYERS = [
    {"kind": "conv", "name": "conv1", "channels": 8, "kernel": 3, "pad": 1},
    {"kind": "relu"},
    {"kind": "conv", "name": "conv2", "channels": 8, "kernel": 3, "pad": 1},
    {"kind": "max_pool", "size": 2},
    {"kind": "relu"},
    {"kind": "linear", "name": "fc", "channels": 10},
]


def spec(layers=LAYERS, **changes):
    network = {"name": "tiny", "input": {"height": 8, "width": 8, "channels": 1}, "layers": layers}
    values = {
        "fidelity": "functional",
        "network": network,
        "data": {"loader": "optical_digits", "file": "unused"},
        "batch": 32,
        "epochs": 1,
        "optimizer": {"learning_rate": {"rate": 0.05, "schedule": "constant"}},
    }
    return FunctionalSpec.model_validate(values | changes)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("optical_digits", Path(__file__).parents[3] / "scenarios/data/optical_digits.npz")


def make(dataset, seed=1, **changes):
    return FunctionalWorkload(spec(**changes), dataset, lambda layers, iterations: PruningSchedule(), seed=seed)


def test_one_epoch_learns(digits):
    workload = make(digits)
    losses = [iteration.loss for iteration in workload.iterations(detailed=())]
    assert len(losses) == workload.total_iterations == 1347 // 32
    assert losses[0] > 2.0
    assert losses[-1] < 1.0
    assert workload.evaluate() > 0.7


def test_steps_come_in_the_order_of_execution(digits):
    first = next(make(digits).iterations())
    steps = [(s.layer, s.stage) for s in first.steps if isinstance(s, Operation)]
    assert steps == [
        ("conv1", Stage.FF),
        ("conv2", Stage.FF),
        ("fc", Stage.FF),
        ("fc", Stage.BP),
        ("fc", Stage.WG),
        ("conv2", Stage.BP),
        ("conv2", Stage.WG),
        ("conv1", Stage.WG),
    ]
    kinds = [(s.kind, s.layer, s.stage) for s in first.steps if isinstance(s, VectorWork)]
    assert kinds == [
        ("quantize", "input", Stage.FF),
        ("bias", "conv1", Stage.FF),
        ("relu", "relu1", Stage.FF),
        ("quantize", "relu1", Stage.FF),
        ("bias", "conv2", Stage.FF),
        ("max_pool", "max_pool1", Stage.FF),
        ("relu", "relu2", Stage.FF),
        ("quantize", "relu2", Stage.FF),
        ("bias", "fc", Stage.FF),
        ("softmax_xent", "fc", Stage.FF),
        ("quantize", "fc", Stage.BP),
        ("bias_gradient", "fc", Stage.WG),
        ("relu", "relu2", Stage.BP),
        ("max_pool", "max_pool1", Stage.BP),
        ("quantize", "conv2", Stage.BP),
        ("bias_gradient", "conv2", Stage.WG),
        ("relu", "relu1", Stage.BP),
        ("quantize", "conv1", Stage.BP),
        ("bias_gradient", "conv1", Stage.WG),
        *[("update", layer, Stage.WG) for layer in ("conv1", "conv1", "conv2", "conv2", "fc", "fc")],
    ]


def test_operations_have_the_tensors_of_their_stage_and_only_those(digits):
    workload = make(digits)
    shapes = {layer.name: layer.shape for layer in workload.layers}
    for operation in next(workload.iterations()).operations:
        z = shapes[operation.layer]
        assert operation.shape == z
        present = {
            name: getattr(operation, name).shape for name in ("x", "w", "dy") if getattr(operation, name) is not None
        }
        assert (
            present
            == {
                Stage.FF: {"x": z.x_shape, "w": z.w_shape},
                Stage.BP: {"w": z.w_shape, "dy": z.y_shape},
                Stage.WG: {"x": z.x_shape, "dy": z.y_shape},
            }[operation.stage]
        )


def test_masks_are_those_of_the_values(digits):
    """A known ReLU mask, and sparse gradients behind a pooling layer."""
    first = next(make(digits).iterations())
    by_name = {(o.layer, o.stage): o for o in first.operations}
    bp = by_name["conv2", Stage.BP]
    # What FF read as non-zero came through the ReLU.
    x = by_name["conv2", Stage.FF].x.to_bool()
    assert not (x & ~bp.output_needed.to_bool()).any()
    assert bp.output_needed.count() - np.count_nonzero(x) < 0.01 * x.size
    # Max-pooling passes at most one of four gradients.
    assert 0 < bp.dy.count() <= bp.dy.size // 4
    # The next layer's error is zero where its ReLU mask is: dY of conv1 lies in the mask.
    assert not (by_name["conv1", Stage.WG].dy.to_bool() & ~bp.output_needed.to_bool()).any()
    assert by_name["conv2", Stage.WG].output_needed is None
    assert by_name["fc", Stage.BP].output_needed.shape == (32, 1, 1, 4 * 4 * 8)


def test_what_is_asked_for_in_detail_changes_no_value(digits):
    all_of_it = [i.loss for i in make(digits).iterations()]
    some = list(make(digits).iterations(detailed={3}))
    assert [i.loss for i in some] == all_of_it
    assert [i.index for i in some if i.detailed] == [i.index for i in some if i.steps] == [3]


def test_seeds_matter_and_repeat(digits):
    losses = [next(make(digits, seed=seed).iterations()).loss for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


def test_a_workload_runs_once(digits):
    workload = make(digits)
    next(workload.iterations())
    with pytest.raises(RuntimeError, match=r"^a workload runs once; build another one$"):
        workload.iterations()


def test_divergence_is_named(digits):
    workload = make(digits, optimizer={"learning_rate": {"rate": 1e30, "schedule": "constant"}})
    with pytest.raises(TrainingDiverged, match=r"^training diverged in iteration \d+ \(.*\); a lower learning rate"):
        list(workload.iterations(detailed=()))


def test_network_and_data_must_fit(digits):
    with pytest.raises(NetworkError, match=r"^the network has 9 outputs, optical_digits 10 classes$"):
        make(digits, layers=[*LAYERS[:-1], {"kind": "linear", "channels": 9}])
    small = Dataset(
        "small",
        10,
        *(
            a[:, :7].copy() if a.ndim == 4 else a
            for a in (digits.train_images, digits.train_labels, digits.test_images, digits.test_labels)
        ),
    )
    with pytest.raises(NetworkError, match=r"^the network reads images \(8, 8, 1\), small has \(7, 8, 1\)$"):
        make(small)
    with pytest.raises(ValueError, match=r"^a batch of 2000 is more than the 1347 training images$"):
        make(digits, batch=2000)
