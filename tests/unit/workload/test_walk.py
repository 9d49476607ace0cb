"""Steps noted from masks alone are those of a network that really trains."""

from pathlib import Path

import numpy as np
import pytest

from cosim.models.tensors import Stage
from cosim.models.workload import (
    Network,
    NetworkSpec,
    Operation,
    StatisticalSpec,
    VectorWork,
    build_workload,
)
from cosim.models.workload.attention import from_keys, from_queries, from_values
from cosim.models.workload.graph import Graph
from cosim.models.workload.notes import Formats
from cosim.models.workload.recorder import Recorder
from cosim.models.workload.walk import Walk
from cosim.scenario import load_component

NETWORKS = Path(__file__).parents[3] / "scenarios/networks"
TRAINABLE = ("digits_cnn", "digits_cnn_bn", "digits_flat", "digits_residual", "digits_vit", "mlp", "lenet5")


class Recorded:
    """The masks of an iteration that was computed, by tensor."""

    def __init__(self, network, steps):
        operations = {(step.layer, step.stage): step for step in steps if isinstance(step, Operation)}
        self._seen = {}
        for step in operations.values():
            if step.stage is Stage.FF:
                self._seen |= {step.reads[0]: step.x.to_bool(), step.reads[1]: step.w.to_bool()}
            elif step.stage is Stage.WG:
                self._seen[step.reads[1]] = step.dy.to_bool()
            elif step.output_needed is not None:
                self._seen[step.reads[2]] = step.output_needed.to_bool()
        for node in network.graph.nodes:
            if node.spec.kind != "attention":
                continue
            z, (q, k, v) = node.attention_shape(network.batch), node.sources
            scores, context = operations[f"{node.name}.scores", Stage.FF], operations[f"{node.name}.context", Stage.FF]
            self._seen[f"{q}.low"] = from_queries(scores.x.to_bool(), z)
            self._seen[f"{k}.low"] = from_keys(scores.w.to_bool(), z)
            self._seen[f"{v}.low"] = from_values(context.w.to_bool(), z)
            self._seen[f"{node.name}.gradient.low"] = from_queries(
                operations[f"{node.name}.context", Stage.BP].dy.to_bool(), z
            )

    def activation(self, tensor, shape):
        return self._seen[f"{tensor}.low"].reshape(shape)

    def needed(self, tensor, shape):
        return self._seen[f"{tensor}.mask"].reshape(shape)

    def gradient(self, tensor, shape):
        return self._seen[f"{tensor}.gradient.low"].reshape(shape)

    def weight(self, layer):
        return self._seen[f"{layer}.w.low"]

    def pruned(self, layer):
        return None


def trained(name, images=2):
    spec = load_component(NETWORKS / f"{name}.yaml", NetworkSpec)
    network = Network(spec, batch=images, formats=Formats(), seed=3)
    size = (images, spec.input.height, spec.input.width, spec.input.channels)
    x = np.random.default_rng(5).random(size).astype(np.float32)
    recorder = Recorder(True)
    network.train_step(x, np.arange(images, dtype=np.int32), recorder)
    return network, recorder.steps


@pytest.mark.parametrize("name", TRAINABLE)
def test_the_steps_of_a_network_that_trains(name):
    network, steps = trained(name)
    recorder = Recorder(True)
    Walk(Graph(network.graph.spec), network.batch, network.formats, Recorded(network, steps), recorder).run()
    assert len(recorder.steps) == len(steps)
    for got, expected in zip(recorder.steps, steps, strict=True):
        assert got == expected


@pytest.mark.parametrize("name", TRAINABLE)
def test_the_update_reads_the_gradients_that_were_written_and_writes_what_the_layers_read(name):
    spec = load_component(NETWORKS / f"{name}.yaml", NetworkSpec)
    described = {"fidelity": "statistical", "network": spec, "batch": 2}
    (iteration,) = build_workload(StatisticalSpec.model_validate(described), seed=1).iterations()
    vector = [step for step in iteration.steps if isinstance(step, VectorWork)]
    updates = [step for step in vector if step.kind == "update"]
    others = [step for step in iteration.steps if step not in updates]
    written = {access.tensor for step in vector for access in step.writes}
    written |= {step.writes for step in others if isinstance(step, Operation)}
    read = {access.tensor for step in vector if step not in updates for access in step.reads}
    read |= {name for step in others if isinstance(step, Operation) for name in step.reads[:2]}
    assert len(updates) > 1
    for step in updates:
        gradient, master = step.reads[0].tensor, step.writes[0].tensor
        assert gradient in written
        assert master.removesuffix("master") == gradient.removesuffix("gradient")
        assert {master, f"{master.removesuffix('master')}low"} & read


@pytest.mark.parametrize("name", TRAINABLE)
def test_every_tensor_that_is_read_was_written_or_is_state(name):
    network, steps = trained(name)
    state = {f"{p.name}.master" for p in network.parameters}
    state |= {f"{p.name}.low" for p in network.parameters} | {f"{p.name}.mask" for p in network.parameters}
    state |= {f"{layer.name}.running" for layer in network.layers} | {"input", "labels"}
    written = set()
    for step in steps:
        if isinstance(step, VectorWork):
            reads = {access.tensor for access in step.reads}
            writes = {access.tensor for access in step.writes}
        else:
            reads = set(step.reads[:2]) | ({step.reads[2]} if step.output_needed is not None else set())
            writes = {step.writes}
        assert reads <= state | written, (step, reads - state - written)
        written |= writes
