"""Points: single simulations that claims are made of.

A point is a whole training scenario as plain data. Its name is the hash of that, of the contents of its data files, and
of this program's sources: what is kept is never met by a changed input or a changed model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cosim
from cosim._install import compiled_source_hash
from cosim.scenario import RunContext
from cosim.scenario.canonical import canonical

from ..chip.training import TrainingScenario
from ..chip.training import run as run_training

__all__ = ["Point", "Results"]

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
        """SHA-256 of all that determines the result."""
        digest = hashlib.sha256(f"{_sources()} {self.text}".encode())
        for name in _texts(json.loads(self.text)["workload"].get("data")):
            if Path(name).is_file():
                digest.update(Path(name).read_bytes())
        return digest.hexdigest()

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
def _sources() -> str:
    """A hash of the program: its Python files and its C library."""
    digest = hashlib.sha256(f"{cosim.__version__} {compiled_source_hash()}".encode())
    for root in (Path(cosim.__file__).parent, Path(__file__).parents[1]):
        for path in sorted(root.rglob("*.py")):
            # How claims are evaluated and shown does not change what a point gives.
            if path.parent != Path(__file__).parent or path.name == Path(__file__).name:
                digest.update(path.read_bytes())
    return digest.hexdigest()
