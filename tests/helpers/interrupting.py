"""Tiny trainings on two chips, broken off after any iteration and gone on with, all in this process."""

import json
import shutil
from pathlib import Path

import numpy as np
from helpers.chips import SCENARIOS
from helpers.small_cnn import NETWORK, RECORDED
from ruamel.yaml import YAML

from cosim.scenario import Checkpoint, RunContext, RunInterrupted, load_scenario
from cosim.scenario.canonical import canonical
from cosim.scenario.checkpoint import _header, write_checkpoint

NET = {
    "name": "tiny",
    "input": {"height": 8, "width": 8, "channels": 1},
    "layers": [
        {"kind": "conv", "name": "conv1", "channels": 4, "kernel": 3, "stride": 3, "bias": False},
        {"kind": "batch_norm"},
        {"kind": "relu"},
        {"kind": "linear", "name": "fc", "channels": 10},
    ],
}
WORKLOADS = {
    "functional": {
        "fidelity": "functional",
        "network": NET,
        "data": {"loader": "optical_digits", "file": "digits.npz"},
        "batch": 4,
        "epochs": 2,
        "optimizer": {"learning_rate": {"schedule": "polynomial", "rate": 0.05}},
    },
    "statistical": {"fidelity": "statistical", "network": NET, "density": {"x": 0.5, "dy": 0.6}, "iterations": 5},
    "trace": {"fidelity": "trace", "network": NETWORK, "file": str(RECORDED)},
}
SMALL = {"core": {"count": 1}, "noc": {"mesh": [2, 2], "memory_nodes": [0]}}
"""One core: a tenth of the time, and everything that a chip has."""


def training(folder, workload="functional", schedule=None, *, baselines=False, **changed):
    """A scenario file in `folder`, and the scenario that it holds."""
    described = {
        "schema_version": 1,
        "seed": 3,
        "chip": {"extends": str(SCENARIOS / "chips/pnpu.yaml"), **SMALL},
        "baselines": [{"extends": str(SCENARIOS / "chips/dense.yaml"), **SMALL}] if baselines else [],
        "memory": str(SCENARIOS / "memories/lpddr4_3200.yaml"),
        "workload": WORKLOADS[workload] if isinstance(workload, str) else workload,
        "pruning": schedule or {"schedule": "none"},
        "timeline": {"iterations": 3},
        **changed,
    }
    folder.mkdir(exist_ok=True)
    with np.load(SCENARIOS / "data/optical_digits.npz") as digits:
        np.savez(folder / "digits.npz", images=digits["images"][:16], labels=digits["labels"][:16])
    with (folder / "s.yaml").open("w") as stream:
        YAML(typ="safe").dump(described, stream)
    return load_scenario(folder / "s.yaml")


class StopAfter:
    """In the place of a Keeper: puts the state away and stops after the given iterations, one after the other."""

    def __init__(self, scenario, file, iterations, before=None):
        self.scenario, self.file, self.iterations = scenario, file, iterations
        self.resumed = before.resumed if before is not None else ()

    def reached(self, done, total, state):
        if done in self.iterations:
            header = {**_header(self.scenario), "done": done, "total": total, "resumed": list(self.resumed)}
            write_checkpoint(self.file, self.file.with_suffix(".partial"), header, state())
            raise RunInterrupted(done, total)


def outcome(scenario, file: Path, stops=(), save=None):
    """What the run gives, broken off after each of `stops`; every checkpoint is also kept in the folder `save`."""
    saved = None
    stops = list(stops)
    while True:
        context = RunContext(
            seed=scenario.spec.seed, saved=saved, keeper=StopAfter(scenario, file, stops[:1], before=saved)
        )
        try:
            summary = scenario.kind.run(scenario.spec, context)
        except RunInterrupted as stopped:
            assert [stopped.done] == stops[:1]
            del stops[:1]
            if save is not None:
                shutil.copy(file, save / f"{stopped.done}.npz")
            saved = Checkpoint.open(file, scenario)
            continue
        assert not stops, "it was not stopped"
        return json.dumps(canonical(summary)), json.dumps(context.statistics), context.timeline_json
