"""Schedules on three small layers whose weights change at random."""

import numpy as np
from pydantic import TypeAdapter

from cosim.models.numerics import Format, round_to
from cosim.models.pruning import PruningSpec, build_pruning
from cosim.models.tensors import ConvShape

LAYERS = {
    "first": ConvShape(n=1, c=1, h=4, w=4, k=8, r=3, s=3),
    "middle": ConvShape(n=1, c=8, h=4, w=4, k=12, r=3, s=3),
    "last": ConvShape(n=1, c=30, h=1, w=1, k=10, r=1, s=1),
}
ITERATIONS = 40


def build(shapes=LAYERS, iterations=ITERATIONS, /, seed=1, **values):
    """The schedule of a description, nothing added."""
    return build_pruning(TypeAdapter(PruningSpec).validate_python(values), shapes, iterations, seed=seed)


def schedule(seed=1, layers=LAYERS, layer_sparsity=None, **values):
    """The same with defaults: scfp to 80 % zeros in units of 4 x 2."""
    defaults = {"schedule": "scfp", "sparsity": 0.8, "unit": {"channels_out": 4, "channels_in": 2}}
    return build(layers, seed=seed, **(defaults | {"layers": layer_sparsity or {}} | values))


def train(pruning, seed=0, layers=LAYERS, iterations=ITERATIONS):
    """Weights and gradients that change at random: all events, and the masks at the end."""
    rng = np.random.default_rng(seed)
    masks = {name: np.ones(z.w_shape, dtype=bool) for name, z in layers.items()}
    events = []
    for iteration in range(iterations):
        weights = {
            name: round_to((rng.standard_normal(mask.shape) * mask).astype(np.float32), Format.FP8_E4M3)
            for name, mask in masks.items()
        }
        gradients = {}
        if pruning.needs_gradients(iteration):
            gradients = {name: rng.standard_normal(mask.shape).astype(np.float32) for name, mask in masks.items()}
        for event in pruning.events(iteration, weights, masks, gradients):
            if pruning.monotone:
                assert not (event.mask & ~masks[event.layer]).any(), "a pruned weight came back"
            masks[event.layer] = event.mask
            events.append(event)
    return events, masks
