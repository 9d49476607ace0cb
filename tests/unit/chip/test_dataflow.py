"""Which vector work is done in the path of which operation."""

import numpy as np
import pytest
from helpers.chips import PLAIN, RESIDUAL, iterations

from cosim.models.chip.dataflow import Flow, flows
from cosim.models.pruning import CoarseUnit, PruneEvent
from cosim.models.tensors import BitTensor, ConvShape, Stage
from cosim.models.workload import Operation, TensorBytes, VectorWork

SHAPE = ConvShape(1, 1, 2, 2, 1, 1, 1)
MASK = BitTensor.from_bool(np.ones((1, 2, 2, 1), dtype=bool))


def operation(writes: str, *reads: str, stage: Stage = Stage.FF) -> Operation:
    return Operation("layer", stage, SHAPE, reads or ("x", "w"), writes, x=MASK, w=MASK, dy=MASK)


def vector(kind: str, reads: dict[str, int], writes: dict[str, int]) -> VectorWork:
    def tensors(sizes: dict[str, int]) -> tuple[TensorBytes, ...]:
        return tuple(TensorBytes(name, size) for name, size in sizes.items())

    return VectorWork(kind, "layer", Stage.FF, 4, 4, 1, tensors(reads), tensors(writes))


def names(found: list[Flow]) -> list[tuple[list[str], list[tuple[str, int]], list[tuple[str, int]]]]:
    return [
        (
            [work.kind for work in flow.work],
            [(tensor.tensor, tensor.bytes) for tensor in flow.loads],
            [(tensor.tensor, tensor.bytes) for tensor in flow.stores],
        )
        for flow in found
    ]


def test_what_follows_an_operation_is_done_in_its_path() -> None:
    found = flows(
        [
            operation("sums"),
            vector("bias", {"sums": 16, "b": 4}, {"y": 16}),
            vector("relu", {"y": 16}, {"low": 4}),
            operation("next", "low", "w2"),
        ]
    )
    assert names(found) == [(["bias", "relu"], [("b", 4)], [("low", 4)]), ([], [], [("next", 16)])]


def test_what_must_see_the_whole_tensor_waits_for_it_in_memory() -> None:
    found = flows([operation("sums"), vector("batch_norm", {"sums": 32}, {"y": 16})])
    assert names(found) == [([], [], [("sums", 16)]), (["batch_norm"], [("sums", 32)], [("y", 16)])]
    assert found[1].after == ["sums"]


def test_a_tensor_with_a_reader_elsewhere_is_stored() -> None:
    found = flows(
        [operation("sums"), vector("relu", {"sums": 16}, {"y": 16}), vector("batch_norm", {"y": 16}, {"z": 16})]
    )
    assert names(found)[0] == (["relu"], [], [("y", 16)])


def test_a_sum_is_added_where_its_last_part_is_made() -> None:
    """Two gradients of one tensor have one name: the first goes to memory, the second is added in its own path."""
    found = flows(
        [
            operation("a"),
            vector("relu", {"a": 16}, {"g": 16}),
            operation("g"),
            vector("add", {"g": 32}, {"g": 16}),
            vector("quantize", {"g": 16}, {"low": 4}),
            operation("end", "low", "w"),
        ]
    )
    assert names(found)[:2] == [(["relu"], [], [("g", 16)]), (["add", "quantize"], [("g", 16)], [("low", 4)])]


def test_nothing_is_overwritten_before_it_is_read() -> None:
    found = flows(
        [
            operation("dw", stage=Stage.WG),
            operation("dx", "dy", "w", stage=Stage.BP),
            vector("update", {"dw": 4, "master": 4}, {"master": 4, "w": 1}),
        ]
    )
    assert [flow.name for flow in found] == ["layer.wg", "layer.bp", "layer.update.ff"]
    assert names(found)[0][2] == [("dw", 4)]


def test_an_update_without_a_step_between_is_done_in_the_path() -> None:
    found = flows([operation("dw"), vector("update", {"dw": 16, "master": 16}, {"master": 16, "low": 4})])
    assert names(found) == [(["update"], [("master", 16)], [("master", 16), ("low", 4)])]


@pytest.mark.parametrize("network", [PLAIN, RESIDUAL])
def test_every_step_is_in_exactly_one_flow(network: list[dict[str, object]]) -> None:
    (iteration,) = iterations(network, [2])
    found = flows(iteration.steps)
    taken: list[object] = []
    for flow in found:
        taken += [step for step in (flow.operation, flow.event) if step is not None]
        taken += flow.work
    assert len(taken) == len(iteration.steps)
    assert {id(step) for step in taken} == {id(step) for step in iteration.steps}


def test_names() -> None:
    event = PruneEvent("conv", 0, np.ones((1, 1, 1, 1), dtype=bool), CoarseUnit(1, 1))
    assert [flow.name for flow in flows([event, operation("y")])] == ["conv.prune", "layer.ff"]
