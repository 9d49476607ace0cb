"""What a sweep has come to: `sweep.json` and `sweep.csv` in its folder, the points one after the other."""

from __future__ import annotations

import csv
import io
import json
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from .canonical import canonical_json
from .folder import RunFolderError
from .loader import SCHEMA_VERSION
from .sweep import Parameter, value_text

__all__ = ["SWEEP_CSV", "SWEEP_JSON", "PointFailure", "PointResult", "SweepResult", "numbers_of"]

SWEEP_JSON, SWEEP_CSV = "sweep.json", "sweep.csv"
_HEAD = ("schema_version", "kind", "name", "seed")


@dataclass(frozen=True)
class PointFailure:
    """Why a point has no result: what a single run would have said, and its exit code. `details` is the traceback of
    an error that is not the user's."""

    message: str
    exit_code: int
    details: str = ""

    @classmethod
    def of(cls, error: Exception) -> Self:
        """Of what the run raised."""
        code = getattr(error, "exit_code", None)
        if isinstance(code, int):
            return cls(str(error), code)
        if isinstance(error, OSError) and error.filename is not None:
            return cls(f"{error.filename}: {error.strerror}", 1)
        return cls(f"{type(error).__name__}: {error}", 1, "".join(traceback.format_exception(error)))


@dataclass(frozen=True)
class PointResult:
    """One point: its values by path, its folder's name, and its summary, or why it has none."""

    values: Mapping[str, Any]
    folder: str
    summary: Mapping[str, Any] | None
    failure: PointFailure | None = None


@dataclass(frozen=True)
class SweepResult:
    """A sweep that has ended; some of its points may have failed. `folder` is where it is."""

    folder: Path
    kind: str
    name: str
    parameters: tuple[Parameter, ...]
    points: tuple[PointResult, ...]

    @property
    def exit_code(self) -> int:
        """0, or that of the first point that failed."""
        return next((point.failure.exit_code for point in self.points if point.failure is not None), 0)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read the folder of a sweep that has ended. Raises RunFolderError if it is none."""
        folder = Path(folder)
        path = folder / SWEEP_JSON
        try:
            data = json.loads(path.read_bytes())
            return cls(
                folder,
                data["kind"],
                data["name"],
                tuple(Parameter(one["path"], tuple(one["values"])) for one in data["parameters"]),
                tuple(
                    PointResult(
                        one["values"],
                        one["folder"],
                        one["summary"],
                        None if one["failure"] is None else PointFailure(**one["failure"]),
                    )
                    for one in data["points"]
                ),
            )
        except FileNotFoundError:
            raise RunFolderError(f"{folder}: not a sweep that has ended (no {SWEEP_JSON})") from None
        except OSError as error:
            raise RunFolderError(f"{path}: {error.strerror}") from None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise RunFolderError(f"{path}: damaged, or not the result of a sweep") from None

    def to_json(self) -> bytes:
        """What `load` reads: nothing of the clock or the machine, so that equal sweeps are equal bytes."""
        points = [
            {
                "values": point.values,
                "folder": point.folder,
                "summary": point.summary,
                "failure": None
                if point.failure is None
                else {"message": point.failure.message, "exit_code": point.failure.exit_code},
            }
            for point in self.points
        ]
        return canonical_json(
            {
                "schema_version": SCHEMA_VERSION,
                "kind": self.kind,
                "name": self.name,
                "parameters": [{"path": one.path, "values": one.values} for one in self.parameters],
                "points": points,
            }
        )

    def differing(self) -> dict[str, list[int | float | None]]:
        """The numbers of the summaries that are not the same in all complete points, by dotted path: one value a
        point, None where the point has none."""
        rows = [None if point.summary is None else dict(numbers_of(point.summary)) for point in self.points]
        complete = [row for row in rows if row is not None]
        paths = dict.fromkeys(path for row in complete for path in row)
        return {
            path: [None if row is None else row.get(path) for row in rows]
            for path in paths
            if any(row.get(path) != complete[0].get(path) for row in complete)
        }

    def to_csv(self) -> bytes:
        """One line a point: its folder, the parameters, and the numbers that differ."""
        differing = self.differing()
        taken = {"point", *(one.path for one in self.parameters)}
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        names = [f"summary.{path}" if path in taken else path for path in differing]
        writer.writerow(["point", *(one.path for one in self.parameters), *names])
        for i, point in enumerate(self.points):
            values = [value_text(point.values[one.path]) for one in self.parameters]
            numbers = ["" if column[i] is None else json.dumps(column[i]) for column in differing.values()]
            writer.writerow([point.folder, *values, *numbers])
        return stream.getvalue().encode()


def numbers_of(value: Any, path: str = "") -> Iterator[tuple[str, int | float]]:
    """The numbers of a summary below its head, each with its dotted path: `chips[0].cycles`."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            if path or key not in _HEAD:
                yield from numbers_of(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from numbers_of(child, f"{path}[{i}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value
