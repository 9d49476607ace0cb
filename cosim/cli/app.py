"""The `cosim` program: its own commands, and those that models and plug-ins bring (`cosim.commands`)."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.metadata
import sys
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from _cosim_start import raising

from . import check, describe, doctor, report, run, schema
from .boundary import EXIT_FAILED, boundary, complain

__all__ = ["app"]

COMMANDS_GROUP = "cosim.commands"

_HELP = """Event-driven co-simulation of sparse DNN-training chips.

Results go to stdout, progress and messages to stderr.

[bold]Exit codes[/bold]: 0 success; 1 a check or comparison failed, or an internal error;
2 a mistake in the scenario or the command line; 3 deadlock or limit reached;
130 interrupted. A sweep has the code of its first point that failed.

[bold]Environment[/bold]: COSIM_PLUGINS=none leaves plug-ins out; NO_COLOR is respected.
"""


class _Listed(typer.core.TyperCommand):
    """A plug-in's command as `cosim --help` lists it, not imported yet."""

    def __init__(self, entry: importlib.metadata.EntryPoint) -> None:
        super().__init__(entry.name, help=_docstring(entry))
        self.entry = entry

    def load(self) -> Any:
        """The command itself."""
        return _mounted(self.entry)


class _Group(typer.core.TyperGroup):
    """Mounts plug-in commands, without importing one before it is used, and ends every command in the boundary."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *_plugin_commands()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        entry = _plugin_commands().get(cmd_name)
        return None if entry is None else _Listed(entry)

    def resolve_command(self, ctx: Any, args: Any) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if isinstance(command, _Listed):
            command = command.load()
            raising()  # who knows what it does; our own commands say it themselves
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        with boundary():
            return super().invoke(ctx)


def _plugin_commands() -> dict[str, importlib.metadata.EntryPoint]:
    """The commands of other packages by name; the first that claims a name has it, the built-ins first of all."""
    from ..registry import entry_points  # noqa: PLC0415

    found: dict[str, importlib.metadata.EntryPoint] = {}
    for entry, _ in entry_points(COMMANDS_GROUP):
        found.setdefault(entry.name, entry)
    return found


def _mounted(entry: importlib.metadata.EntryPoint) -> Any:
    """The command behind an entry point, whose target is a typer.Typer or a command."""
    try:
        target = entry.load()
    except Exception as error:
        distribution = entry.dist.name if entry.dist is not None else "an unknown distribution"
        complain(f"cosim: command '{entry.name}' of {distribution} cannot be loaded: {type(error).__name__}: {error}")
        raise typer.Exit(EXIT_FAILED) from None
    command = typer.main.get_command(target) if isinstance(target, typer.Typer) else target
    command.name = entry.name
    return command


def _docstring(entry: importlib.metadata.EntryPoint) -> str:
    """The first line of the entry's module docstring, read from its source without importing anything."""
    fallback = f"Provided by {entry.dist.name if entry.dist is not None else entry.module}."
    search: Any = None
    name = ""
    spec: importlib.machinery.ModuleSpec | None = None
    try:
        for part in entry.module.split("."):
            name = f"{name}.{part}" if name else part
            finders = (finder.find_spec(name, search) for finder in sys.meta_path)
            spec = next((found for found in finders if found is not None), None)
            if spec is None:
                return fallback
            search = spec.submodule_search_locations
        if spec is None or spec.origin is None:
            return fallback
        with open(spec.origin, encoding="utf-8") as stream:
            text = ast.get_docstring(ast.parse(stream.read())) or fallback
    except (OSError, SyntaxError, ValueError, AttributeError):
        return fallback
    return text.partition("\n")[0]


app = typer.Typer(
    cls=_Group,
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        from .. import __version__  # noqa: PLC0415

        print(f"cosim {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command("run")(run.run)
app.command("check")(check.check)
app.command("describe")(describe.describe)
app.command("schema")(schema.schema)
app.command("report")(report.report)
app.command("doctor")(doctor.doctor)
