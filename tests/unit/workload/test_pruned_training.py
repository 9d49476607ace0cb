"""What every schedule promises of a training: masks, zeros as scheduled, and an optimiser that agrees with them."""

import numpy as np
import pytest
from helpers.training import digits_of, small_training
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cosim.models.pruning import ActivationPruning, InputPruning, PruningSpec, kept_inputs
from cosim.models.tensors import Stage
from cosim.models.workload import Operation, VectorWork
from cosim.models.workload.recorder import Recorder

SCHEDULES = st.one_of(
    st.builds(
        lambda kind, sparsity, period, end: {"schedule": kind, "sparsity": sparsity, "period": period, "end": end},
        st.sampled_from(["gradual", "random", "cfp", "scfp"]),
        st.sampled_from([0.3, 0.8, 0.95]),
        st.integers(1, 5),
        st.sampled_from([0.4, 0.8]),
    ),
    st.builds(
        lambda kind, sparsity, rounds: {"schedule": kind, "sparsity": sparsity, "rounds": rounds},
        st.sampled_from(["magnitude", "lottery_ticket"]),
        st.sampled_from([0.3, 0.9]),
        st.integers(1, 4),
    ),
    st.builds(
        lambda sparsity, period: {"schedule": "rigl", "sparsity": sparsity, "period": period},
        st.sampled_from([0.5, 0.9]),
        st.integers(1, 5),
    ),
    st.builds(lambda at: {"schedule": "one_shot", "sparsity": 0.7, "at": at}, st.sampled_from([0.0, 0.5])),
    st.builds(lambda n: {"schedule": "n_of_m", "n": n, "at": 0.3, "dense": ["conv1"]}, st.integers(1, 4)),
)


@settings(max_examples=12)
@given(SCHEDULES, st.booleans(), st.sampled_from(["momentum", "adam"]), st.integers(0, 9))
def test_masks_zeros_and_optimiser_agree(described, with_activations, rule, seed):
    weights = described
    if with_activations:
        described = {"schedule": "activation", "weights": weights, "share": 0.25, "tile": 4}
    workload = small_training(TypeAdapter(PruningSpec).validate_python(described), seed=seed, batches=12, rule=rule)
    schedule = workload._pruning
    plain = schedule.weights if isinstance(schedule, ActivationPruning) else schedule
    before = {layer.name: None for layer in workload.network.mac_layers}
    for iteration in workload.iterations(detailed=()):
        events = {event.layer: event for event in iteration.prune_events}
        assert bool(events) == workload.prunes_in(iteration.index)
        for layer in workload.network.mac_layers:
            weight, name = layer.weight, layer.name
            if weight.mask is None:
                assert name not in events
                continue
            gone = ~weight.mask
            # Neither weight, nor momentum, nor the copy that the chip multiplies by.
            assert not weight.master[gone].any()
            assert not weight.momentum[gone].any()
            assert (weight.second_moment is None) == (rule == "momentum")
            assert rule == "momentum" or not weight.second_moment[gone].any()
            assert not layer.low.values[gone].any()
            if schedule.monotone and before[name] is not None:
                assert not (weight.mask & ~before[name]).any()
            if name not in events:
                assert before[name] is weight.mask
            else:
                assert events[name].zeros == np.count_nonzero(gone)
                if hasattr(plain, "due"):
                    due = plain.due(name, iteration.index)
                    assert np.count_nonzero(gone) == int(due * gone.size + 0.5)
            before[name] = weight.mask


@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_rewinding_restores_the_weights_of_the_snapshot(rule):
    spec = {"schedule": "lottery_ticket", "sparsity": 0.75, "begin": 0.2, "end": 0.9, "rounds": 2, "rewind_to": 0.1}
    workload = small_training(TypeAdapter(PruningSpec).validate_python(spec), batches=10, rule=rule)
    layers = workload.network.mac_layers
    rounds = [i for i in range(10) if workload.prunes_in(i)]
    assert len(rounds) == 2
    moments = {"momentum": ("momentum",), "adam": ("momentum", "second_moment")}[rule]
    for iteration in workload.iterations():
        noted = {(s.kind, s.layer): s for s in iteration.steps if isinstance(s, VectorWork)}
        if iteration.index == 1:
            kept = {layer.name: layer.weight.master.copy() for layer in layers}
        for layer in layers:
            weight = layer.weight
            assert (("snapshot", layer.name) in noted) == (iteration.index == 1)
            assert (("rewind", layer.name) in noted) == (iteration.index in rounds)
            if iteration.index not in rounds:
                continue
            # What stays is the snapshot, bit for bit, in the copy that the next iteration reads, too.
            np.testing.assert_array_equal(weight.master, np.where(weight.mask, kept[layer.name], 0))
            low = layer.low.values.copy()
            layer.refresh()
            np.testing.assert_array_equal(layer.low.values, low)
            for moment in moments:
                assert not getattr(weight, moment).any()
            step, stays = noted["rewind", layer.name], np.count_nonzero(weight.mask)
            assert step.operations == 3 * stays
            written = {access.tensor: access.bytes for access in step.writes}
            wide = {f"{weight.name}.{part}": 4 * stays for part in ("master", *moments)}
            assert written == wide | {f"{weight.name}.low": stays}


def test_regrowth_computes_all_gradients_and_reads_them():
    spec = TypeAdapter(PruningSpec).validate_python({"schedule": "rigl", "sparsity": 0.5, "period": 2, "end": 1.0})
    workload = small_training(spec, batches=5)
    for iteration in workload.iterations():
        wanted = {s.layer: s.output_needed for s in iteration.operations if s.stage is Stage.WG}
        dense = iteration.index in (0, 2, 4)  # before the first event there is no mask
        assert all((mask is None) == dense for mask in wanted.values())
        regrow = {s.layer: s for s in iteration.steps if isinstance(s, VectorWork) and s.kind == "regrow"}
        assert set(regrow) == (set(wanted) if iteration.index in (2, 4) else set())
        for event in iteration.prune_events:
            if event.layer in regrow:
                assert regrow[event.layer].operations == event.gradients_read
                assert [(r.tensor, r.bytes) for r in regrow[event.layer].reads] == [
                    (f"{event.layer}.w.gradient", 4 * event.gradients_read)
                ]


def test_pruned_inputs_take_part_in_nothing():
    described = {"schedule": "activation", "share": 0.5, "tile": 4, "begin": 0.5}
    workload = small_training(TypeAdapter(PruningSpec).validate_python(described), batches=4)
    for iteration in workload.iterations():
        pruned = [s for s in iteration.steps if isinstance(s, VectorWork) and s.kind == "prune"]
        steps = {(s.layer, s.stage): s for s in iteration.steps if isinstance(s, Operation)}
        assert [s.layer for s in pruned] == (["conv1", "conv2", "fc"] if iteration.index >= 2 else [])
        if iteration.index < 2:
            continue
        # 8 channels in tiles of 4: 12 comparisons for 8 values; no memory access of its own.
        assert (pruned[1].operations_per_element, pruned[1].reads, pruned[1].writes) == (2, (), ())
        forward, gradient = steps["conv2", Stage.FF], steps["conv2", Stage.WG]
        x = forward.x.to_bool()
        assert x.reshape(-1, 2, 4).sum(axis=-1).max() == 2
        assert np.array_equal(x, gradient.x.to_bool())
        needed = steps["conv2", Stage.BP].output_needed.to_bool()
        assert needed.reshape(-1, 2, 4).sum(axis=-1).max() <= 2


def test_the_gradient_of_a_pruned_input_is_zero():
    pruning = InputPruning(4, 2)
    workload = small_training(batches=1)
    layer = workload.network.mac_layers[1]
    layer.input_pruning = pruning
    images, labels = digits_of(8)
    seen = {}
    original = layer.backward

    def watch(dy, recorder, *, needed):
        seen["dx"] = original(dy, recorder, needed=needed)[0]
        return (seen["dx"],)

    layer.backward = watch
    workload.network.train_step(images, labels, Recorder(False))
    kept, _ = kept_inputs(layer._x.values, pruning)
    assert seen["dx"][kept].any()
    assert np.count_nonzero(~kept) >= kept.size // 4
    assert not seen["dx"][layer._kept == 0].any()


@pytest.mark.parametrize("kind", ["rigl", "lottery_ticket"])
def test_a_training_still_learns(kind):
    spec = TypeAdapter(PruningSpec).validate_python({"schedule": kind, "sparsity": 0.5})
    losses = [iteration.loss for iteration in small_training(spec, batches=40, epochs=3).iterations(detailed=())]
    assert losses[-1] < 0.6 * losses[0]
