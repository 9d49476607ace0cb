"""From a folder of claim files to what came out: every claim's points are run together, then each is evaluated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cosim.scenario import Progress, RunContext, load_component
from cosim.scenario.canonical import canonical

from .claim_files import claim_files
from .kinds import KINDS, StudyRun
from .points import Point, Results, program
from .schema import ClaimScenario
from .workers import run_points

__all__ = ["SCHEMA_VERSION", "digest_of", "load_claims", "made_of", "reproduce", "run_claim"]

SCHEMA_VERSION = 1


def load_claims(folder: Path, only: Iterable[str] = ()) -> dict[str, ClaimScenario]:
    """The claims of a folder by name, in order: all of them, or `only` those named; no other file is read.

    Raises ScenarioError for what is wrong with one, ValueError where there is none and for an unknown name.
    """
    return {name: load_component(file, ClaimScenario) for name, file in claim_files(folder, only).items()}


def study_of(claim: ClaimScenario) -> StudyRun:
    """The study of a claim."""
    return KINDS[claim.study.study].run(claim.study, claim.seed, claim.published)


def result_of(claim: ClaimScenario, study: StudyRun, results: Results) -> dict[str, Any]:
    """What is known of a claim when its points have been run: what it is, what is published, and what was found."""
    return {
        "claim": claim.name,
        "position": claim.position,
        "study": claim.study.study,
        "published": [value.model_dump(mode="json") for value in claim.published],
        "found": study.evaluate(results),
    }


def reproduce(
    claims: Mapping[str, ClaimScenario],
    folder: Path | None = None,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run all points of all claims, and evaluate them: plain data, the same for the same files."""
    studies = {name: study_of(claim) for name, claim in claims.items()}
    made = made_of(claims)  # now, not when it has taken minutes
    points: list[Point] = []
    for done, study in enumerate(studies.values()):
        if progress is not None:  # seconds, where a claim has hundreds of points
            progress("listing simulations", done, len(studies))
        points += study.points()
    if progress is not None:
        progress("listing simulations", len(studies), len(studies))
    results = run_points(points, folder, workers=workers, progress=progress)
    found = {name: result_of(claim, studies[name], results) for name, claim in claims.items()}
    plain: dict[str, Any] = canonical(
        {"schema_version": SCHEMA_VERSION, "made_of": made, "points": len(results), "claims": found}
    )
    return plain


def made_of(claims: Mapping[str, ClaimScenario]) -> dict[str, Any]:
    """What results are of: hashes of the program, of what evaluates points, and of each claim with all its files."""
    evaluation = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        evaluation.update(path.read_bytes())
    return {
        "program": program(),
        "evaluation": evaluation.hexdigest(),
        "claims": {name: digest_of(claim) for name, claim in claims.items()},
    }


def digest_of(claim: ClaimScenario) -> str:
    """Of a claim and everything that it names: chips, energies, workloads, the record of assumptions."""
    data = _contents(claim.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _contents(node: Any) -> Any:
    """Plain data with the hash of a file's content for its place, which may be another one."""
    if isinstance(node, dict):
        return {key: _contents(child) for key, child in node.items()}
    if isinstance(node, list):
        return [_contents(child) for child in node]
    if isinstance(node, str) and "/" in node and Path(node).is_file():
        return hashlib.sha256(Path(node).read_bytes()).hexdigest()
    return node


def run_claim(claim: ClaimScenario, context: RunContext) -> dict[str, Any]:
    """One claim as a scenario of its own (`cosim run`)."""
    study = study_of(claim)
    return result_of(claim, study, run_points(study.points(), progress=context.progress))
