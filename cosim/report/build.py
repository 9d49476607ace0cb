"""From a finished run to its report: by what the scenario kind registered, or else the summary as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..registry import Registry, registry
from ..scenario.result import RunResult
from .blocks import Cell, Column, Report, Section, Table

__all__ = ["build_report", "plain_report"]

_HEAD = ("schema_version", "kind", "name", "seed")


def build_report(result: RunResult, known: Registry | None = None) -> Report:
    """The report of a run, with its provenance."""
    known = known or registry()
    report = known.reports.get(result.kind, _summary)(result)
    return _with_provenance(report, result)


def plain_report(result: RunResult) -> Report:
    """The summary as it is, whatever the scenario kind registered."""
    return _with_provenance(_summary(result), result)


def _with_provenance(report: Report, result: RunResult) -> Report:
    return replace(report, provenance={**report.provenance, **_provenance(result)})


def _provenance(result: RunResult) -> dict[str, str]:
    """What it takes to make the same result again; nothing of the clock or the machine, so that the page is, too,
    the same bytes for the same run."""
    manifest = result.manifest
    rows = {"scenario": f"{result.name} ({result.kind})", "seed": str(result.seed)}
    if manifest:
        rows["cosim"] = f"{manifest.get('cosim_version', '?')}, C library {str(manifest.get('kernel_sha256'))[:16]}"
        for name, digest in sorted(manifest.get("inputs", {}).items()):
            rows[name] = f"SHA-256 {str(digest)[:16]}"
    return rows


def _summary(result: RunResult) -> Report:
    """For a scenario kind without a report of its own: every value of the summary under its path."""
    rows = [row for key, value in result.summary.items() if key not in _HEAD for row in _flat(key, value)]
    table = Table([Column("quantity"), Column("value")], rows)
    return Report(result.name, f"{result.kind} scenario, seed {result.seed}", sections=[Section("Summary", [table])])


def _flat(path: str, value: Any) -> Iterator[tuple[str, Cell]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _flat(f"{path}.{key}", child)
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from _flat(f"{path}[{i}]", child)
    else:
        yield path, value
