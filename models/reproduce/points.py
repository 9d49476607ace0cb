"""Points: single simulations that claims are made of.

A point is a whole training scenario as plain data. Its name is the hash of that, of the contents of the files that it
reads, and of the program: its sources and the versions of what it runs on. What is kept is never met by a changed input
or a changed model.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import simpy

import cosim
from cosim._install import compiled_source_hash
from cosim.scenario import RunContext
from cosim.scenario.canonical import canonical

from ..chip.training import TrainingScenario
from ..chip.training import run as run_training

__all__ = ["Point", "Results", "program"]

Results = Mapping["Point", Mapping[str, Any]]
"""The summary of each point."""


@dataclass(frozen=True)
class Point:
    """One training scenario, as JSON text."""

    text: str

    @classmethod
    def of(cls, scenario: TrainingScenario) -> Point:
        """Names and prose do not belong to it: what they are called changes no result."""
        data = scenario.model_dump(mode="json", by_alias=True)
        return cls(json.dumps({**data, "name": "", "description": ""}, sort_keys=True))

    @property
    def scenario(self) -> TrainingScenario:
        """The scenario again."""
        return TrainingScenario.model_validate(json.loads(self.text))

    def identity(self) -> str:
        """SHA-256 of all that determines the result: the program, the scenario, and the contents of its files as they
        are now, wherever they lie. OSError for one that cannot be read."""
        text = self.text
        for file in self.files():
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            text = text.replace(json.dumps(str(file)), json.dumps(f"content {content}"))
        return hashlib.sha256(f"{program()} {text}".encode()).hexdigest()

    def files(self) -> list[Path]:
        """What its workload reads: data, recorded masks."""
        workload = json.loads(self.text)["workload"]
        return [Path(name) for name in _texts([workload.get("data"), workload.get("file")]) if Path(name).is_file()]

    def __str__(self) -> str:
        """What it is, in one line, for messages."""
        data = json.loads(self.text)
        more = len(data["baselines"])
        workload, pruning = data["workload"], data["pruning"]["schedule"]
        layers = (
            ", ".join(
                f"{layer['name']} at {layer['density']['x']} x {layer['density']['w']}" for layer in workload["layers"]
            )
            if "layers" in workload
            else ""
        )
        return (
            f"{data['chip']['name']}{f' and {more} more' if more else ''}, {workload['fidelity']} workload"
            f"{f' ({layers})' if layers else ''}, pruning {pruning}, seed {data['seed']}"
        )

    def simulate(self) -> dict[str, Any]:
        """Run it here and now."""
        spec = self.scenario
        summary = dict(run_training(spec, RunContext(seed=spec.seed)))
        del summary["assumptions"]
        return dict(canonical(summary))


def _texts(node: Any) -> Iterator[str]:
    """Every text in plain data."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _texts(child)


@cache
def program() -> str:
    """A hash of the program that runs: its Python files, its C library, and the versions below it.

    Once a process: a process runs what it has imported, whatever becomes of the files.
    """
    versions = (cosim.__version__, compiled_source_hash(), platform.python_version(), np.__version__, simpy.__version__)
    digest = hashlib.sha256(" ".join(versions).encode())
    for root in (Path(cosim.__file__).parent, Path(__file__).parents[1]):
        for path in sorted(root.rglob("*.py")):
            # How claims are evaluated and shown does not change what a point gives.
            if path.parent != Path(__file__).parent or path.name == Path(__file__).name:
                digest.update(path.read_bytes())
    return digest.hexdigest()
