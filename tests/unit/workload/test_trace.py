"""Masks captured in PyTorch replay with the multiply-accumulates that PyTorch counted; what is no trace is refused."""

import json

import numpy as np
import pytest
from helpers.small_cnn import COUNTS, NETWORK, RECORDED, train

from cosim.capture import Kind, MaskWriter
from cosim.models.core import CoreParams, Operands, SkipPolicy, Tile, run_tile
from cosim.models.pruning import PruningError
from cosim.models.pruning.schema import MagnitudeSpec
from cosim.models.tensors import Stage
from cosim.models.workload import DataError, NetworkError, TraceSpec, VectorWork, build_workload

PARAMS = CoreParams(
    lanes=16, group=4, window=16, queue=8, macs_per_lane=1, run_ahead=2, coarse_jump=4, lane_latency=2, pixel_reuse=1
)
BOTH = SkipPolicy(frozenset({"input", "weight"}))


def make(file=RECORDED, network=None):
    spec = TraceSpec.model_validate({"fidelity": "trace", "network": network or NETWORK, "file": file},
                                    context={"input_files": {str(file)}})  # fmt: skip
    return build_workload(spec, seed=1)


def macs(operation):
    """What a core with both operands' zeros skipped executes, all outputs of the operation on one."""
    z, stage = operation.shape, operation.stage
    operands = Operands(operation.x, operation.w, operation.dy, None)
    return run_tile(PARAMS, BOTH, z, stage, operands, Tile.whole(z, stage)).macs


def check(workload, counts):
    for iteration, (step, by_layer) in zip(workload.iterations(), counts.items(), strict=True):
        for operation in iteration.operations:
            dense, effectual = by_layer[operation.layer][operation.stage.value]
            assert operation.shape.macs == dense, (step, operation.layer, operation.stage)
            assert macs(operation) == effectual, (step, operation.layer, operation.stage)
            assert effectual <= dense
        stages = [(operation.layer, operation.stage.value) for operation in iteration.operations]
        counted = {(layer, stage) for layer, of_layer in by_layer.items() for stage in of_layer}
        assert set(stages) == counted - {("conv1", "bp")}


def test_a_recorded_training_replays_with_the_counts_of_pytorch():
    assert RECORDED.stat().st_size < 8000
    check(make(), json.loads(COUNTS.read_text()))


def test_a_training_captured_now_replays_with_the_counts_of_pytorch(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is the optional extra 'capture'")
    counts = train(torch, tmp_path / "new.masks")
    check(make(tmp_path / "new.masks"), counts)


def test_a_trace_is_a_workload():
    workload = make()
    assert (workload.total_iterations, workload.evaluate(), workload.prunes_in(0)) == (2, None, False)
    assert [layer.has_bp for layer in workload.layers] == [False, True, True]
    first, second = workload.iterations(detailed=[1])
    assert (first.steps, second.detailed) == ((), True)
    assert 0.3 < second.sparsity["conv2"].zeros / second.sparsity["conv2"].weights < 0.7
    updated = [s for s in second.steps if isinstance(s, VectorWork) and s.kind == "update"]
    assert [s.layer for s in updated] == ["conv1", "conv1", "conv2", "conv2", "fc", "fc"]
    # The ReLU's mask is known before BP, and what is pruned needs no gradient.
    bp = next(o for o in second.operations if (o.layer, o.stage) == ("conv2", Stage.BP))
    wg = next(o for o in second.operations if (o.layer, o.stage) == ("conv2", Stage.WG))
    assert np.array_equal(bp.output_needed.to_bool(), wg.x.to_bool())
    assert wg.output_needed.count() == second.sparsity["conv2"].weights - second.sparsity["conv2"].zeros
    with pytest.raises(RuntimeError, match="a workload runs once"):
        workload.iterations()


def test_a_network_that_was_not_recorded_is_refused():
    def error(**changed):
        layers = [layer | changed if layer.get("name") == "conv2" else layer for layer in NETWORK["layers"]]
        with pytest.raises((DataError, NetworkError)) as found:
            make(network=NETWORK | {"layers": layers})
        return str(found.value)

    assert error(name="other") == "small_cnn.masks: step 0, layer other, input: not recorded"
    assert error(kernel=1, pad=0) == (
        "small_cnn.masks: step 0, layer conv2, weight: (6, 3, 3, 4) was recorded, the network has (6, 1, 1, 4)"
    )


def test_a_trace_of_no_images(tmp_path):
    path = tmp_path / "none.masks"
    with MaskWriter(path) as writer:
        for kind, shape in ((Kind.INPUT, (0, 8, 8, 1)), (Kind.WEIGHT, (4, 3, 3, 1)), (Kind.GRADIENT, (0, 8, 8, 4))):
            writer.write(3, kind, "conv1", np.ones(shape, dtype=bool))
    with pytest.raises(DataError, match=r"^none\.masks: step 3, layer conv1, input: of no image$") as error:
        make(path)
    assert error.value.path == ("file",)


def test_a_trace_of_more_images_than_anybody_simulates(tmp_path):
    path = tmp_path / "many.masks"
    with MaskWriter(path) as writer:
        writer.write(0, Kind.INPUT, "conv1", np.ones((1 << 23, 0), dtype=bool))
    with pytest.raises(DataError) as error:
        make(path)
    text = "of 8388608 images its output would have 2147483648 elements; at most 1073741824"
    assert str(error.value) == f"many.masks: layer conv1: {text}"
    assert error.value.path == ("file",)


def test_a_trace_is_not_pruned_again():
    spec = TraceSpec.model_validate({"fidelity": "trace", "network": NETWORK, "file": RECORDED},
                                    context={"input_files": {str(RECORDED)}})  # fmt: skip
    with pytest.raises(PruningError, match=r"^a trace has its zeros already: only the schedule none goes with it$"):
        build_workload(spec, MagnitudeSpec.model_validate({"schedule": "magnitude", "sparsity": 0.5}), seed=1)
