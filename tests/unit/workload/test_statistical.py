"""The statistical workload: densities as asked for, exact at 0 and 1, masks that belong together."""

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from cosim.models.pruning import PruneEvent, PruningSpec
from cosim.models.tensors import Stage
from cosim.models.workload import Operation, StatisticalSpec, VectorWork, build_workload

FIRST = {"name": "a", "c": 3, "h": 12, "w": 12, "k": 16, "r": 3, "s": 3, "pad": 1, "first": True}
SECOND = {"name": "b", "c": 16, "h": 12, "w": 12, "k": 32, "r": 3, "s": 3, "pad": 1}


def make(density=None, seed=1, pruning=None, **values):
    layers = [FIRST, SECOND | ({"density": density} if density else {})]
    spec = StatisticalSpec.model_validate({"fidelity": "statistical", "batch": 2, "layers": layers} | values)
    schedule = TypeAdapter(PruningSpec).validate_python(pruning or {"schedule": "none"})
    return build_workload(spec, schedule, seed=seed)


def operations(workload, iteration=0):
    found = next(i for i in workload.iterations() if i.index == iteration)
    return {(o.layer, o.stage): o for o in found.operations}


def share(bits):
    return bits.count() / bits.size


def test_dense_is_dense_exactly_and_empty_is_empty():
    dense = operations(make())
    for operation in dense.values():
        for mask in (operation.x, operation.w, operation.dy):
            assert mask is None or mask.count() == mask.size
        assert operation.output_needed is None
    empty = operations(make({"x": 0.0, "w": 0.0, "dy": 0.0}))
    assert [empty["b", Stage.FF].x.count(), empty["b", Stage.FF].w.count(), empty["b", Stage.WG].dy.count()] == [0] * 3


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_densities_are_those_asked_for(spread):
    found = operations(make({"x": 0.4, "w": 0.1, "dy": 0.7, "output_needed": 0.5}, channel_spread=spread))
    tolerance = 0.02 if not spread else 0.15
    assert share(found["b", Stage.FF].x) == pytest.approx(0.4, abs=tolerance)
    assert share(found["b", Stage.FF].w) == pytest.approx(0.1, abs=tolerance)
    assert share(found["b", Stage.BP].dy) == pytest.approx(0.7, abs=tolerance)
    assert share(found["b", Stage.BP].output_needed) == pytest.approx(0.5, abs=tolerance)


def test_spread_makes_channels_differ():
    by_channel = [
        operations(make({"x": 0.5}, channel_spread=spread))["b", Stage.FF].x.to_bool().mean(axis=(0, 1, 2))
        for spread in (0.0, 1.0)
    ]
    assert by_channel[0].std() < 0.05
    assert by_channel[1].std() > 0.2


def test_stages_share_their_masks():
    found = operations(make({"x": 0.4, "w": 0.3, "dy": 0.7}))
    assert found["b", Stage.FF].x == found["b", Stage.WG].x
    assert found["b", Stage.FF].w == found["b", Stage.BP].w == found["b", Stage.WG].output_needed
    assert found["b", Stage.BP].dy == found["b", Stage.WG].dy
    # Without a density of its own the ReLU mask is that of X; a denser one contains it.
    assert found["b", Stage.BP].output_needed == found["b", Stage.FF].x
    found = operations(make({"x": 0.4, "output_needed": 0.6}))
    x, needed = found["b", Stage.FF].x.to_bool(), found["b", Stage.BP].output_needed.to_bool()
    assert not (x & ~needed).any()
    assert needed.mean() > x.mean() + 0.1


def test_the_first_layer_has_no_bp_and_every_stage_its_tensors():
    workload = make()
    assert [(layer.name, layer.has_bp) for layer in workload.layers] == [("a", False), ("b", True)]
    (iteration,) = workload.iterations()
    assert [(o.layer, o.stage) for o in iteration.operations] == [
        ("a", Stage.FF),
        ("b", Stage.FF),
        ("b", Stage.BP),
        ("b", Stage.WG),
        ("a", Stage.WG),
    ]
    assert iteration.loss is None
    assert workload.evaluate() is None


def test_nothing_is_free():
    """Every layer has vector work in front of and behind its multiply-accumulates, and an update."""
    (iteration,) = make().iterations()
    for layer in "ab":
        work = [
            (s.kind, s.stage)
            for s in iteration.steps
            if isinstance(s, VectorWork) and s.layer in (layer, f"{layer}.relu")
        ]
        assert work == [
            ("bias", Stage.FF),
            ("relu", Stage.FF),
            ("quantize", Stage.FF),
            ("relu", Stage.BP),
            ("quantize", Stage.BP),
            ("bias_gradient", Stage.WG),
            ("update", Stage.WG),
        ]


def test_every_tensor_that_is_read_was_written_or_is_state():
    (iteration,) = make().iterations()
    written = {"input", "input.mask", "b.relu.gradient"}
    for layer in "ab":
        written |= {f"{layer}.{part}" for part in ("w.low", "w.mask", "w.master", "w.momentum", "bias.master")}
    for step in iteration.steps:
        operation = isinstance(step, Operation)
        assert set(step.reads if operation else [access.tensor for access in step.reads]) <= written, step
        written |= {step.writes} if operation else {access.tensor for access in step.writes}


def test_which_iterations_are_wanted_changes_no_mask():
    density = {"x": 0.5, "w": 0.5, "dy": 0.5}
    complete = list(make(density, iterations=3).iterations())
    sampled = list(make(density, iterations=3).iterations(detailed=[2]))
    assert [bool(i.steps) for i in sampled] == [False, False, True]
    for one, other in zip(complete[2].operations, sampled[2].operations, strict=True):
        assert (one.x, one.w, one.dy, one.output_needed) == (other.x, other.w, other.dy, other.output_needed)
    assert complete[1].operations[1].x != complete[2].operations[1].x


def test_seeds_matter_and_repeat():
    density = {"x": 0.5}
    masks = [operations(make(density, seed=seed))["b", Stage.FF].x for seed in (1, 1, 2)]
    assert masks[0] == masks[1]
    assert masks[0] != masks[2]


def test_pruning_takes_weights_away_as_scheduled():
    pruning = {"schedule": "scfp", "sparsity": 0.75, "begin": 0.0, "end": 0.5}
    workload = make(iterations=20, pruning=pruning)
    iterations = list(workload.iterations())
    assert [workload.prunes_in(i.index) for i in iterations] == [bool(i.prune_events) for i in iterations]
    shares = [iteration.zero_weight_share for iteration in iterations]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == pytest.approx(0.75, abs=0.001)
    assert iterations[-1].coarse_zero_share > 0.4
    # Events come after BP and WG, and act on the next iteration.
    middle = iterations[5]
    assert [type(s) for s in middle.steps if not isinstance(s, VectorWork)] == [Operation] * 5 + [PruneEvent] * 2
    assert {event.layer for event in middle.prune_events} == {"a", "b"}
    next_w = next(o for o in iterations[6].operations if o.layer == "b").w
    assert next_w.count() == middle.sparsity["b"].weights - middle.sparsity["b"].zeros
    assert np.array_equal(next_w.to_bool(), middle.prune_events[1].mask)


def test_a_workload_runs_once():
    workload = make()
    workload.iterations()
    with pytest.raises(RuntimeError, match=r"^a workload runs once; build another one$"):
        workload.iterations()


def test_two_layers_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="two layers are called 'a'"):
        StatisticalSpec.model_validate({"fidelity": "statistical", "layers": [FIRST, FIRST]})


@pytest.mark.parametrize("coarse", [0.0, 0.5, 0.9, 1.0])
def test_zero_weights_lie_in_coarse_units_as_far_as_asked_for(coarse):
    found = operations(make({"w": 0.2, "coarse_share": coarse}, coarse_unit=[4, 2]))
    weights = found["b", Stage.FF].w.to_bool()
    assert weights.mean() == pytest.approx(0.2, abs=0.03)
    tiles = weights.reshape(8, 4, 3, 3, 8, 2).any(axis=(1, 5))
    in_units = 1 - tiles.mean()
    # Tiles of 8 single zeros by chance: (1 - density) ** 8 of those that are not zero as a whole.
    whole = coarse * 0.8
    by_chance = (1 - whole) * (1 - 0.2 / (1 - whole)) ** 8
    assert in_units == pytest.approx(whole + by_chance, abs=0.05)
