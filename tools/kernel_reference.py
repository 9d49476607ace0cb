"""Write docs/kernel-reference.md from the docstrings: `python tools/kernel_reference.py [FILE]` (default: stdout)."""

from __future__ import annotations

import enum
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from cosim import kernel, tlm, trace

HEADER = """# Kernel and TLM reference

Every public name of `cosim.kernel`, `cosim.tlm` and `cosim.trace`, from the docstrings (`make docs`). What they mean
together is in the [timing model](timing-model.md). The commonest names of the kernel are also in `cosim` itself.
"""


class _Default:
    """A default value that is an enumeration's member, written as one would."""

    def __init__(self, value: enum.Enum) -> None:
        self.value = value

    @classmethod
    def of(cls, value: Any) -> Any:
        return cls(value) if isinstance(value, enum.Enum) else value

    def __repr__(self) -> str:
        return str(self.value)


def signature(item: Any, *, bound: bool = False) -> str:
    """Parameters and defaults, without types."""
    try:
        found = inspect.signature(item)
    except (TypeError, ValueError):
        return ""
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty, default=_Default.of(parameter.default))
        for parameter in found.parameters.values()
    ]
    if bound:
        parameters = parameters[1:]
    return str(found.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


def paragraph(item: Any) -> str:
    """The first paragraph of a docstring."""
    return " ".join((inspect.getdoc(item) or "").split("\n\n")[0].split())


def members(kind: type) -> list[str]:
    """A line for each public method and property that the class defines, in order; then the bases that have more."""
    lines = []
    for name, member in vars(kind).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property) and paragraph(member):
            lines.append(f"* `.{name}`: {paragraph(member)}")
        elif isinstance(member, classmethod | staticmethod):
            lines.append(f"* `.{name}{signature(getattr(kind, name))}`: {paragraph(member.__func__)}")
        elif inspect.isfunction(inspect.unwrap(member)) and paragraph(member):
            lines.append(f"* `.{name}{signature(member, bound=True)}`: {paragraph(member)}")
    bases = [f"`{base.__name__}`" for base in kind.__bases__ if base.__module__.startswith(("cosim", "simpy"))]
    return [*lines, f"* all that {' and '.join(bases)} has"] if bases else lines


def entry(name: str, item: Any) -> list[str]:
    """The lines about one public name."""
    if not (inspect.isclass(item) or inspect.isfunction(item)):
        return [f"### {name}", "", f"`{item!r}`", ""]
    if inspect.isclass(item) and issubclass(item, enum.Enum):
        values = ", ".join(f"`{member.name}`" for member in item)
        return [f"### {name}", "", f"{paragraph(item)} {values}", ""]
    is_exception = inspect.isclass(item) and issubclass(item, BaseException)
    lines = [f"### {name}" if is_exception else f"### {name}{signature(item)}", "", paragraph(item), ""]
    if inspect.isclass(item) and not is_exception:
        found = members(item)
        lines += [*found, ""] if found else []
    return lines


def section(module: ModuleType) -> list[str]:
    """The lines about one package."""
    names = sorted(module.__all__, key=str.lower)
    return [f"## {module.__name__}", "", *(line for name in names for line in entry(name, getattr(module, name)))]


def reference() -> str:
    """The whole page."""
    lines = [line for module in (kernel, tlm, trace) for line in section(module)]
    return "\n".join([HEADER, *lines]).rstrip() + "\n"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
    else:
        sys.stdout.write(reference())
