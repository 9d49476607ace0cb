"""`cosim doctor`: what a bug report needs, and whether this installation is whole."""

from __future__ import annotations

__all__ = ["doctor"]


def doctor() -> None:
    """Print versions, the C library, the processor and the plug-ins; exit 1 if something is missing or broken."""
    import importlib.metadata  # noqa: PLC0415
    import os  # noqa: PLC0415
    import platform  # noqa: PLC0415

    import typer  # noqa: PLC0415

    from .. import __version__, isa  # noqa: PLC0415
    from .._install import compiled_source_hash, expected_source_hash  # noqa: PLC0415
    from ..registry import MODELS_GROUP, entry_points, registry  # noqa: PLC0415
    from .app import COMMANDS_GROUP  # noqa: PLC0415
    from .boundary import EXIT_FAILED  # noqa: PLC0415

    known = registry()
    expected = expected_source_hash()
    sources = "installed package" if expected is None else "matches csrc/"
    lines = [
        ("cosim", __version__),
        ("C library", f"{compiled_source_hash()[:16]} ({sources})"),
        ("instruction set", f"{isa.selected()} (available: {', '.join(isa.available())}; COSIM_ISA chooses)"),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("platform", platform.platform()),
        ("processor", f"{_processor()}, {os.cpu_count()} threads"),
    ]
    for name in ("simpy", "numpy", "cffi", "pydantic", "ruamel.yaml", "typer", "rich", "matplotlib"):
        try:
            lines.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            lines.append((name, "missing (optional: plots in report.html; pip install 'cosim-npu[report]')"))
    problems = False
    for plugin in known.plugins:
        problems |= bool(plugin.problem)
        lines.append((MODELS_GROUP, f"{plugin.name} of {plugin.distribution}: {plugin.problem or 'ok'}"))
    for entry, plugin in entry_points(COMMANDS_GROUP):
        try:
            entry.load()
            state = "ok"
        except Exception as error:
            problems, state = True, f"{type(error).__name__}: {error}"
        lines.append((COMMANDS_GROUP, f"{plugin.name} of {plugin.distribution}: {state}"))
    if os.environ.get("COSIM_PLUGINS") == "none":
        lines.append(("COSIM_PLUGINS", "none: plug-ins are left out"))
    lines.append(("scenarios", ", ".join(sorted(known.scenarios)) or "none registered"))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name:<{width}}  {value}")
    if problems:
        raise typer.Exit(EXIT_FAILED)


def _processor() -> str:
    import platform  # noqa: PLC0415

    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
