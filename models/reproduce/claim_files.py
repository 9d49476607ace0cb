"""Which files of a folder are claims: names alone, so that a wrong one is answered before anything is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cosim._suggest import suggestion

__all__ = ["RECORD", "claim_files"]

RECORD = "assumptions.yaml"
"""The record of assumptions lies beside the claims."""


def claim_files(folder: Path, only: Iterable[str] = ()) -> dict[str, Path]:
    """The claim files of a folder by name, in order; of all of them, or `only` of those named.

    Raises ValueError where there is none, and for a name that none has.
    """
    files = {file.stem: file for file in sorted(folder.glob("*.yaml")) if file.name != RECORD}
    if not files:
        raise ValueError(f"{folder}: no claim files (*.yaml)")
    chosen = set(only)
    for name in sorted(chosen - set(files)):
        raise ValueError(f"unknown claim '{name}'; {suggestion(name, files)}")
    return {name: file for name, file in files.items() if name in chosen or not chosen}
