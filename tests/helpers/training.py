"""A small network that trains on a few of the digits."""

import functools
from dataclasses import replace

from helpers.chips import SCENARIOS

from cosim.models.pruning import NoPruningSpec, build_pruning
from cosim.models.workload import Dataset, FunctionalSpec, FunctionalWorkload, load_dataset

LAYERS = [
    {"kind": "conv", "name": "conv1", "channels": 8, "kernel": 3, "pad": 1},
    {"kind": "relu"},
    {"kind": "conv", "name": "conv2", "channels": 8, "kernel": 3, "pad": 1},
    {"kind": "max_pool", "size": 4},
    {"kind": "relu"},
    {"kind": "linear", "name": "fc", "channels": 10},
]
BATCH = 8


@functools.cache
def _digits() -> Dataset:
    return load_dataset("optical_digits", SCENARIOS / "data/optical_digits.npz")


def digits_of(count):
    """The first images, and their labels."""
    return _digits().train_images[:count], _digits().train_labels[:count]


def small_training(pruning=None, *, seed=1, batches=10, epochs=1, rule="momentum"):
    """A functional workload of `batches` iterations an epoch."""
    images, labels = digits_of(BATCH * batches)
    spec = FunctionalSpec.model_validate(
        {
            "fidelity": "functional",
            "network": {"name": "tiny", "input": {"height": 8, "width": 8, "channels": 1}, "layers": LAYERS},
            "data": {"loader": "optical_digits", "file": "unused"},
            "batch": BATCH,
            "epochs": epochs,
            "optimizer": {"rule": rule, "learning_rate": {"rate": 0.05, "schedule": "constant"}},
        }
    )
    return FunctionalWorkload(
        spec,
        replace(_digits(), train_images=images, train_labels=labels),
        functools.partial(build_pruning, pruning or NoPruningSpec(), seed=seed),
        seed=seed,
    )
