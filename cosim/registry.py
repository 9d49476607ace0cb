"""Names -> what the framework can run. Built-in models and plug-ins register through the same entry-point group.

A distribution declares

    [project.entry-points."cosim.models"]
    mine = "mypackage:register"

and its function fills the registry it is given:

    def register(registry: Registry) -> None:
        registry.scenario("mykind", MyScenario, run)            # what a scenario file can be
        registry.component("memory", "hbm", HbmSpec, doc="...") # what `cosim describe hbm` prints
        registry.report("mykind", build_report)                 # what `cosim run` shows of it

`run(spec, context)` returns the summary: a dictionary of plain values. A plug-in that fails to load is a warning that
names its distribution. `COSIM_PLUGINS=none` loads the built-ins only.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._install import DISTRIBUTION
from ._suggest import suggestion

if TYPE_CHECKING:
    from pydantic import BaseModel

    from .report import Report
    from .scenario import RunContext, RunResult, ScenarioSpec

__all__ = [
    "Component",
    "Plugin",
    "PluginWarning",
    "Registry",
    "RegistryError",
    "ScenarioKind",
    "UnknownNameError",
    "entry_points",
    "registry",
]

MODELS_GROUP = "cosim.models"


class RegistryError(ValueError):
    """A registration that cannot stand: a name taken twice, a model of the wrong type."""


class UnknownNameError(LookupError):
    """Nothing of this name is registered."""

    exit_code = 2

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        super().__init__(what, name, names)
        self.what, self.name, self.known = what, name, names

    def __str__(self) -> str:
        return f"unknown {self.what} '{self.name}'; {suggestion(self.name, self.known)}"


class PluginWarning(UserWarning):
    """A plug-in could not be loaded and is left out."""


@dataclass(frozen=True)
class ScenarioKind:
    """What a scenario file of this kind means. `check` returns warnings that need no run."""

    kind: str
    model: type[ScenarioSpec]
    run: Callable[[Any, RunContext], Mapping[str, Any]]
    doc: str
    check: Callable[[Any], Iterable[str]] | None = None


@dataclass(frozen=True)
class Component:
    """Something that files describe.

    `family` is its role (chip, memory, ...), `model` the schema; `factory` builds it from that.
    """

    family: str
    name: str
    model: type[BaseModel]
    doc: str
    factory: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Plugin:
    """An entry point of a group: who provides it, and what was wrong with it, if anything."""

    name: str
    distribution: str
    target: str
    problem: str = ""


@dataclass
class Registry:
    """The names known to one process; see the module's docstring."""

    scenarios: dict[str, ScenarioKind] = field(default_factory=dict)
    reports: dict[str, Callable[[RunResult], Report]] = field(default_factory=dict)
    plugins: list[Plugin] = field(default_factory=list)
    _components: dict[tuple[str, str], Component] = field(default_factory=dict)

    def scenario(
        self,
        kind: str,
        model: type[ScenarioSpec],
        run: Callable[[Any, RunContext], Mapping[str, Any]],
        *,
        doc: str | None = None,
        check: Callable[[Any], Iterable[str]] | None = None,
    ) -> None:
        """Make `kind: KIND` a scenario file.

        Raises RegistryError if the kind is taken or the model is no ScenarioSpec.
        """
        from .scenario.spec import ScenarioSpec  # noqa: PLC0415  (pydantic, on use)

        if not (isinstance(model, type) and issubclass(model, ScenarioSpec)):
            raise RegistryError(f"scenario kind '{kind}': the model must extend cosim.scenario.ScenarioSpec")
        if "sweep" in model.model_fields:
            raise RegistryError(f"scenario kind '{kind}': no field may be called 'sweep', which any scenario may have")
        if kind in self.scenarios:
            raise RegistryError(f"scenario kind '{kind}' is registered already")
        self.scenarios[kind] = ScenarioKind(kind, model, run, _doc(doc, model), check)

    def component(
        self,
        family: str,
        name: str,
        model: type[BaseModel],
        factory: Callable[..., Any] | None = None,
        *,
        doc: str | None = None,
    ) -> None:
        """Make NAME known as a `family` ("chip", "memory", ...). Raises RegistryError if it is taken in that family."""
        if (family, name) in self._components:
            raise RegistryError(f"{family} '{name}' is registered already")
        self._components[family, name] = Component(family, name, model, _doc(doc, model), factory)

    def report(self, kind: str, build: Callable[[RunResult], Report]) -> None:
        """How a run of scenario kind KIND is shown. Raises RegistryError if it has a report already."""
        if kind in self.reports:
            raise RegistryError(f"scenario kind '{kind}' has a report already")
        self.reports[kind] = build

    def scenario_kind(self, kind: str) -> ScenarioKind:
        """Raises UnknownNameError."""
        if kind not in self.scenarios:
            raise UnknownNameError("scenario kind", kind, self.scenarios)
        return self.scenarios[kind]

    def components(self, family: str) -> dict[str, Component]:
        """The components of one family by name, in name order."""
        return {name: entry for (role, name), entry in sorted(self._components.items()) if role == family}

    def families(self) -> dict[str, dict[str, Component]]:
        """All components, by family and name."""
        return {family: self.components(family) for family in sorted({role for role, _ in self._components})}

    def load(self, plugin: Plugin, register: Callable[[Registry], None]) -> None:
        """Let one entry point register; all it registered counts, or nothing if it raises."""
        trial = Registry(dict(self.scenarios), dict(self.reports), self.plugins, dict(self._components))
        register(trial)
        self.scenarios, self.reports, self._components = trial.scenarios, trial.reports, trial._components
        self.plugins.append(plugin)

    def load_plugins(self) -> None:
        """Load every entry point of `cosim.models`; the built-ins first, then by name."""
        for entry, plugin in entry_points(MODELS_GROUP):
            try:
                self.load(plugin, entry.load())
            except Exception as error:
                if plugin.distribution == DISTRIBUTION:
                    raise
                self.plugins.append(reject(plugin, error))


def reject(plugin: Plugin, error: Exception) -> Plugin:
    """Warn that `plugin` is left out, and return it with its problem."""
    problem = f"{type(error).__name__}: {error}"
    who = f"{plugin.distribution} ('{plugin.name}' = {plugin.target})"
    warnings.warn(f"plug-in left out: {who}: {problem}", PluginWarning, stacklevel=3)
    return Plugin(plugin.name, plugin.distribution, plugin.target, problem)


def entry_points(group: str) -> list[tuple[importlib.metadata.EntryPoint, Plugin]]:
    """The entry points of a group, the built-ins first, then by distribution and name."""
    found = []
    for entry in importlib.metadata.entry_points(group=group):
        distribution = entry.dist.name if entry.dist is not None else "an unknown distribution"
        if distribution == DISTRIBUTION or os.environ.get("COSIM_PLUGINS") != "none":
            found.append((entry, Plugin(entry.name, distribution, entry.value)))
    found.sort(key=lambda pair: (pair[1].distribution != DISTRIBUTION, pair[1].distribution, pair[1].name))
    return found


@functools.cache
def registry() -> Registry:
    """The process's registry, with all plug-ins loaded."""
    result = Registry()
    result.load_plugins()
    return result


def _doc(doc: str | None, model: type[Any]) -> str:
    return " ".join((doc or model.__doc__ or "").split())
