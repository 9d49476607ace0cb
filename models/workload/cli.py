"""Make a network or workload file from another tool's: ONNX, SCALE-Sim topologies, and what plug-ins read."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import Annotated

import typer
from ruamel.yaml import YAML

from .importers import ImportProblem, import_network

__all__ = ["app"]

app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def import_command(
    file: Annotated[Path, typer.Argument(help="The file to import, such as model.onnx or topology.csv.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where to write; without it, to stdout.")] = None,
    form: Annotated[str | None, typer.Option("--format", help="The importer; by default by the file's ending.")] = None,
) -> None:
    """Write FILE's network as YAML for `network:`, or, of a file of layers without a graph, for `workload:`."""
    if out is not None:
        _check_place(out)
    described = import_network(file, form).model_dump(mode="json", exclude_defaults=True)
    yaml = YAML()
    yaml.width = 120
    yaml.default_flow_style = None
    text = io.StringIO()
    text.write(f"# Imported from {file.name}.\n")
    yaml.dump(described, text)
    if out is None:
        typer.echo(text.getvalue(), nl=False)
        return
    part = out.with_name(f".{out.name}.part")
    try:
        part.write_text(text.getvalue(), encoding="utf-8")
        os.replace(part, out)
    except OSError as error:
        raise ImportProblem(f"{out}: cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _check_place(out: Path) -> None:
    """ImportProblem, before anything is read, where no file can be."""
    # Not `Path.is_dir`, which raises for a name that is too long.
    if os.path.isdir(out):
        raise ImportProblem(f"{out}: a folder; expected the name of a file")
    if not os.path.isdir(out.parent):
        raise ImportProblem(f"{out}: there is no folder {out.parent}")
