"""What is wrong with a scenario, and where: all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Position", "Problem", "ScenarioError", "Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where text came from: a file (with the files that led to it) or a `--set`."""

    shown: str  # as the user would write it
    path: Path | None = None  # absolute; None for `--set`
    parent: Source | None = None

    def chain(self) -> list[Source]:
        """This source and those that led to it, outermost first."""
        return [*(self.parent.chain() if self.parent else []), self]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a source; line and column count from 1."""

    source: Source
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source.shown}:{self.line}:{self.column}" if self.line else self.source.shown


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: printed as `file:line:column: path: message`."""

    position: Position
    path: str
    message: str

    def __str__(self) -> str:
        text = ": ".join(part for part in (str(self.position), self.path, self.message) if part)
        # One line, whatever the file contained.
        return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


class ScenarioError(Exception):
    """The scenario cannot be run as written. `problems` holds every mistake found; str() has one line for each."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = list(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
