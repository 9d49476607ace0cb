"""Make a network or workload file from another tool's: ONNX, SCALE-Sim topologies, and what plug-ins read."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Annotated

import typer
from ruamel.yaml import YAML

from .importers import import_network

__all__ = ["app"]

app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def import_command(
    file: Annotated[Path, typer.Argument(help="The file to import, such as model.onnx or topology.csv.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where to write; without it, to stdout.")] = None,
    form: Annotated[str | None, typer.Option("--format", help="The importer; by default by the file's ending.")] = None,
) -> None:
    """Write FILE's network as YAML for `network:`, or, of a file of layers without a graph, for `workload:`."""
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
    finally:
        part.unlink(missing_ok=True)
