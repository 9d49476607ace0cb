"""Points: single simulations that claims are made of. Each is run once, in any of several processes, and kept on disk.

A point is a whole training scenario as plain data. Its name is the hash of that, of the contents of its data files, and
of this program's sources: what is kept is never met by a changed input or a changed model.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cosim
from cosim._install import compiled_source_hash
from cosim.scenario import Progress, RunContext
from cosim.scenario.canonical import canonical, canonical_json

from ..chip.training import TrainingScenario
from ..chip.training import run as run_training

__all__ = ["Point", "Results", "run_points"]

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


def run_points(
    points: Iterable[Point], folder: Path | None = None, *, workers: int = 1, progress: Progress | None = None
) -> dict[Point, dict[str, Any]]:
    """The result of every point; those that `folder` holds are read from there, the others are written to it.

    A point is written as soon as it has ended, so an interruption loses only those under way. KeyboardInterrupt ends
    the worker processes.
    """
    wanted = list(dict.fromkeys(points))
    results: dict[Point, dict[str, Any]] = {}
    missing: list[Point] = []
    for point in wanted:
        kept = _read(folder, point)
        if kept is None:
            missing.append(point)
        else:
            results[point] = kept
    if progress is not None:
        progress("simulating", len(results), len(wanted))
    # Long ones first: a training at the end would keep one worker waiting.
    missing.sort(key=lambda point: '"fidelity": "functional"' not in point.text)
    for point, result in _run(missing, workers):
        results[point] = result
        _write(folder, point, result)
        if progress is not None:
            progress("simulating", len(results), len(wanted))
    return {point: results[point] for point in wanted}


def _run(points: list[Point], workers: int) -> Iterable[tuple[Point, dict[str, Any]]]:
    if workers < 2 or len(points) < 2:
        for point in points:
            yield point, point.simulate()
        return
    context = multiprocessing.get_context("spawn")  # fork would copy locks of other threads
    with context.Pool(min(workers, len(points)), initializer=_ignore_interrupts) as pool:  # leaving it terminates them
        yield from pool.imap_unordered(_simulate, points)


def _simulate(point: Point) -> tuple[Point, dict[str, Any]]:
    return point, point.simulate()


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal: the first one decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _place(folder: Path, point: Point) -> Path:
    return folder / f"{point.identity()}.json"


def _read(folder: Path | None, point: Point) -> dict[str, Any] | None:
    if folder is None:
        return None
    try:
        return dict(json.loads(_place(folder, point).read_bytes()))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def _write(folder: Path | None, point: Point, result: Mapping[str, Any]) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    place = _place(folder, point)
    partial = place.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(canonical_json(result, indent=None))
    os.replace(partial, place)
