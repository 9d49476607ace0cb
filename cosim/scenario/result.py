"""A finished run, in memory or read back from its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from .context import STATISTICS, TIMELINE
from .folder import MANIFEST, SUMMARY, RunFolderError

__all__ = ["RunResult"]


@dataclass(frozen=True)
class RunResult:
    """What a run produced; `statistics` and `timeline` are None if it wrote none."""

    kind: str
    name: str
    seed: int
    summary: Mapping[str, Any]
    statistics: Any = None
    timeline: Any = None
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a complete run folder. Raises RunFolderError if it is none."""
        folder = Path(folder)
        if not (folder / SUMMARY).is_file():
            raise RunFolderError(f"{folder}: not a complete run (no {SUMMARY})")
        contents = {}
        for name in (SUMMARY, MANIFEST, STATISTICS, TIMELINE):
            try:
                contents[name] = json.loads((folder / name).read_bytes())
            except FileNotFoundError:
                contents[name] = None
            except (OSError, ValueError) as error:
                raise RunFolderError(f"{folder / name}: {error}") from None
        summary = contents[SUMMARY]
        if not isinstance(summary, dict) or not {"kind", "name", "seed"} <= summary.keys():
            raise RunFolderError(f"{folder / SUMMARY}: not the summary of a run")
        manifest = contents[MANIFEST] or {}
        return cls(
            summary["kind"],
            summary["name"],
            summary["seed"],
            summary,
            contents[STATISTICS],
            contents[TIMELINE],
            manifest,
        )
