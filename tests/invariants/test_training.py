"""What pruning while training must keep, over random schedules, and what waits for a weight's gradient."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from helpers.chips import PLAIN, RESIDUAL, iterations, run, system
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cosim.models.pruning import PruningSpec, build_pruning
from cosim.models.tasks import Kind
from cosim.models.workload import FunctionalSpec, FunctionalWorkload
from cosim.models.workload.data import Dataset

ITERATIONS = 8
_schedule = TypeAdapter(PruningSpec)

SCHEDULES = st.fixed_dictionaries(
    {
        "schedule": st.sampled_from(("gradual", "random", "cfp", "scfp")),
        "sparsity": st.sampled_from((0.25, 0.5, 0.9)),
        "begin": st.sampled_from((0.0, 0.25)),
        "end": st.sampled_from((0.5, 0.9)),
        "period": st.integers(1, 2),
        "unit": st.just({"channels_out": 4, "channels_in": 4}),
    }
)


def training(described, layers, seed):
    spec = FunctionalSpec.model_validate(
        {
            "fidelity": "functional",
            "network": {"name": "small", "input": {"height": 6, "width": 6, "channels": 2}, "layers": layers},
            "data": {"loader": "optical_digits", "file": "none"},
            "batch": 4,
            "epochs": 2,
            "optimizer": {"learning_rate": {"schedule": "constant", "rate": 0.05}},
        }
    )
    random = np.random.default_rng(seed)
    images, labels = random.random((16, 6, 6, 2), dtype=np.float32), np.arange(16, dtype=np.int32) % 10
    data = Dataset("noise", 10, images, labels, images[:4], labels[:4])
    schedule = _schedule.validate_python(described)
    return FunctionalWorkload(
        spec, data, lambda shapes, total: build_pruning(schedule, shapes, total, seed=seed), seed=seed
    )


def due(described, index):
    """The share of zeros after an iteration: final * (1 - (1 - t) ** 3) at the last event (Zhu and Gupta 2017).

    Events come every `period` iterations after `begin`, and at `end`.
    """
    begin, end = int(described["begin"] * ITERATIONS), min(int(described["end"] * ITERATIONS), ITERATIONS - 1)
    events = [i for i in range(begin + 1, end + 1) if (i - begin) % described["period"] == 0 or i == end]
    last = max((i for i in events if i <= index), default=begin)
    return described["sparsity"] * (1 - (1 - (last - begin) / (end - begin)) ** 3)


@settings(max_examples=12)
@given(SCHEDULES, st.sampled_from((PLAIN, RESIDUAL)), st.integers(0, 99))
def test_masks_only_grow_and_what_is_pruned_stays_out_of_the_optimizer(described, layers, seed):
    """Red for: momentum that pruned weights keep; a ramp of the second power."""
    workload = training(described, layers, seed)
    before = {layer.name: np.ones(layer.shape.w_shape, bool) for layer in workload.network.mac_layers}
    for iteration in workload.iterations(detailed=()):
        zeros = 0
        for layer in workload.network.mac_layers:
            weight = layer.weight
            mask = before[layer.name] if weight.mask is None else weight.mask
            assert not np.any(mask & ~before[layer.name])
            before[layer.name] = mask
            assert not np.any(weight.master[~mask])
            assert not np.any(weight.momentum[~mask])
            assert not np.any(layer.low.values[~mask])
            zeros += np.count_nonzero(~mask)
        weights = sum(mask.size for mask in before.values())
        assert abs(zeros - due(described, iteration.index) * weights) <= len(before)  # each layer rounds


def ancestors(task, before):
    """All that a task waits for, directly or not; a unit does its tasks in order, each after the one `before`."""
    found, left = {}, [task]
    while left:
        last = left.pop()
        for each in (*last.deps, *before.get(last.index, ())):
            if each.index not in found:
                found[each.index] = each
                left.append(each)
    return found


@settings(max_examples=6)
@given(st.sampled_from((PLAIN, RESIDUAL)), st.integers(2, 16), st.sampled_from(("pnpu", "dense")))
def test_a_gradient_is_read_after_all_of_its_partial_sums(layers, batch, name):
    """Red for: a gradient that leaves the aggregator after the first of its partial sums."""
    (iteration,) = iterations(layers, [1], batch=batch)
    chip = system(name)
    mapped = run(chip, iteration)
    programs = [mapped.graph.program(unit) for unit in sorted({task.unit for task in mapped.graph})]
    before = {later.index: (earlier,) for program in programs for earlier, later in pairwise(program)}
    for layer in {operation.layer for operation in iteration.operations}:
        here = [task for task in mapped.graph if task.label.split(" ")[0] == f"{layer}.wg"]
        sums = {task.index: task for task in here if task.kind in (Kind.COMPUTE, Kind.REDUCE)}
        updates = [task for task in here if task.kind is Kind.UPDATE]
        waited = [{index for index in ancestors(task, before) if index in sums} for task in updates]
        assert updates
        assert set().union(*waited) == set(sums)
        for task, found in zip(updates, waited, strict=True):
            assert all(sums[index].end_ps <= task.start_ps for index in found)
