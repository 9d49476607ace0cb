"""Networks from other tools' files, each format an `Importer` of the entry-point group `cosim.importers`.

    [project.entry-points."cosim.importers"]
    mine = "mypackage:importer"          # an Importer

`read(file)` gives a `NetworkSpec`, or a `StatisticalSpec` where a file has layers but no graph. It raises
ImportProblem, whose text says where in the file the problem is; what it cannot translate is a problem, never left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cosim.registry import entry_points, reject

from ..network_schema import NetworkSpec
from ..schema import StatisticalSpec

__all__ = ["GROUP", "ImportProblem", "Importer", "import_network", "importers"]

GROUP = "cosim.importers"


class ImportProblem(ValueError):
    """A file that cannot be imported; the text names the file and the place in it."""

    exit_code = 2


@dataclass(frozen=True)
class Importer:
    """A file format: the endings of its files' names, and who reads them."""

    suffixes: tuple[str, ...]
    read: Callable[[Path], NetworkSpec | StatisticalSpec]
    doc: str = ""


def importers() -> dict[str, Importer]:
    """All importers by name, the built-ins first. One that does not load is left out with a warning."""
    found: dict[str, Importer] = {}
    for entry, plugin in entry_points(GROUP):
        try:
            importer = entry.load()
            if not isinstance(importer, Importer):
                raise TypeError(f"expected an Importer, got {type(importer).__name__}")
        except Exception as error:
            reject(plugin, error)
        else:
            found.setdefault(plugin.name, importer)
    return found


def import_network(file: Path, form: str | None = None) -> NetworkSpec | StatisticalSpec:
    """Read a file in the format called `form`, or the one that its ending says. Raises ImportProblem."""
    known = importers()
    if form is None:
        fitting = [name for name, importer in known.items() if file.name.lower().endswith(importer.suffixes)]
        if not fitting:
            endings = ", ".join(sorted({suffix for importer in known.values() for suffix in importer.suffixes}))
            raise ImportProblem(f"{file}: no importer for this ending; there are: {endings}")
        form = fitting[0]
    if form not in known:
        raise ImportProblem(f"no importer called {form!r}; there are: {', '.join(known)}")
    if not file.is_file():
        raise ImportProblem(f"{file}: no such file")
    return known[form].read(file)
