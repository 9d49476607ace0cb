"""What does not agree with a published number, and what of it is known, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .kinds import KINDS
from .report import in_order, overview_rows
from .verdict import DISAGREES

__all__ = ["disagreements"]


def disagreements(results: Mapping[str, Any]) -> str:
    """A line for each published value that the nominal chips do not reach, with the numbers that say why."""
    lines, said = [], ""
    for _, result in in_order(results):
        for at, row in enumerate(overview_rows(result)):
            if row.verdict.kind not in DISAGREES:
                continue
            cause = KINDS[result["study"]].cause(result, at)
            told = "As above." if cause == said else cause
            lines.append(f"* **{row.claim}, {row.published}**: {row.verdict.text}. {told}")
            said = cause
    return "\n".join(lines) + "\n"
