"""A scenario file to a validated scenario, or to all that is wrong with it.

Validation and inclusion take turns: where the schema wants a described thing and the file has a path, that file is
read in place, and the whole is validated again. So models know nothing of files, and files nothing of Python.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from .._suggest import suggestion
from ..registry import Component, Registry, ScenarioKind, registry
from .diagnose import diagnose, merged
from .errors import Problem, ScenarioError, Source
from .files import Files
from .locate import dotted, locate
from .overrides import Override, Setting, apply_all
from .partial import partial
from .recognise import component_of, described, family_of, taken_for, with_article
from .spec import ScenarioSpec
from .sweep import SWEEP, Grid, Sweep, SweepPoint
from .tree import Node

__all__ = ["LoadedComponent", "LoadedScenario", "load_component", "load_described", "load_entries", "load_scenario"]

Model = TypeVar("Model", bound=BaseModel)

DEFAULT_KIND = "training"
SCHEMA_VERSION = 1
_WANTS_MAPPING = ("model_type", "model_attributes_type", "dataclass_type", "dict_type")  # dict_type: of a tagged union


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario ready to run: its kind, its validated spec, and the SHA-256 of every file it was read from.

    One with a `sweep` stands for its points: `kind` and `spec` are those of the first, `run_sweep` runs it.
    """

    file: Path
    kind: ScenarioKind
    spec: ScenarioSpec
    inputs: dict[str, str]
    data: dict[str, str]  # SHA-256 of the data files alone, by absolute path
    sweep: Sweep | None = None

    @property
    def name(self) -> str:
        """The name of the run."""
        return self.spec.name or self.file.stem

    def resolved(self) -> dict[str, Any]:
        """The whole scenario in one piece as plain data with units, references replaced by what they name."""
        resolved = self.spec.model_dump(mode="json", by_alias=True)
        if self.sweep is not None:
            resolved[SWEEP] = {parameter.path: list(parameter.values) for parameter in self.sweep.parameters}
        return resolved

    def identity(self) -> str:
        """SHA-256 of what determines the result: the resolved scenario, seed included, and the contents of data files.

        Comments, how the scenario is cut into files, and where the files are make no difference.
        """
        resolved = self.spec.model_dump(mode="json", by_alias=True, context={"input_sha256": self.data})
        text = json.dumps([self.name, resolved], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class LoadedComponent:
    """A chip, a memory ... from a file of its own: what it is, its validated spec, and the SHA-256 of every file it was
    read from."""

    file: Path
    component: Component
    spec: BaseModel
    inputs: dict[str, str]

    @property
    def name(self) -> str:
        """What it calls itself; the file's name if nothing."""
        return str(getattr(self.spec, "name", "") or self.file.stem)

    @property
    def what(self) -> str:
        """What it is, in words."""
        return described(self.component)

    def resolved(self) -> dict[str, Any]:
        """All of it in one piece as plain data with units, references replaced by what they name."""
        return self.spec.model_dump(mode="json", by_alias=True)


def load_scenario(file: str | Path, overrides: Sequence[str] = (), *, known: Registry | None = None) -> LoadedScenario:
    """Read, complete and validate a scenario file; `overrides` are texts PATH=VALUE. Every point of a sweep is
    validated. Raises ScenarioError."""
    loaded = _load(Path(file), overrides, known or registry(), components=False)
    assert isinstance(loaded, LoadedScenario)
    return loaded


def load_described(
    file: str | Path, overrides: Sequence[str] = (), *, known: Registry | None = None
) -> LoadedScenario | LoadedComponent:
    """The same of a file that may as well describe a registered component (a chip, a memory, a schedule ...), which is
    told by its keys. Raises ScenarioError."""
    return _load(Path(file), overrides, known or registry(), components=True)


def _load(
    file: Path, overrides: Sequence[str], known: Registry, *, components: bool
) -> LoadedScenario | LoadedComponent:
    files = Files()
    root = files.load_root(file)
    sets = _overrides(overrides, root.position.source, files)
    apply_all(sets, root)
    component = component_of(root, DEFAULT_KIND, known) if isinstance(root.value, dict) else None
    if component is None:
        if isinstance(root.value, dict) and SWEEP in root.value:
            return _Points(file, overrides, root, files, known).check()
        return _whole(file, root, sets, files, known)
    if not components:
        what = with_article(described(component))
        message = f"describes {what}, no scenario that names one; `cosim check` validates it by itself"
        raise ScenarioError([Problem(root.position, "", message)])
    return LoadedComponent(file, component, _Resolution(root, component.model, files, sets, known).run(), files.sha256)


def _whole(file: Path, root: Node, settings: Sequence[Setting], files: Files, known: Registry) -> LoadedScenario:
    kind = _kind(root, known)
    spec = _Resolution(root, kind.model, files, settings, known).run()
    return LoadedScenario(file, kind, spec, files.sha256, files.data)


class _Points:
    """The points of the scenario whose tree, with the overrides in it, is `root`."""

    def __init__(self, file: Path, overrides: Sequence[str], root: Node, files: Files, known: Registry) -> None:
        self._file, self._overrides, self._source = file, tuple(overrides), root.position.source
        self._files, self._known = files, known
        self._grid = Grid(root.value[SWEEP], root.keys[SWEEP], _overrides(overrides, self._source, files))
        self._picks = list(self._grid.picks())

    def load(self, index: int) -> LoadedScenario:
        """The scenario of one. Raises ScenarioError."""
        files = self._files.again()
        root = files.load_root(self._file)
        settings = self._grid.settings(self._picks[index], _overrides(self._overrides, self._source, files))
        if isinstance(root.value, dict):
            root.value.pop(SWEEP, None)
        apply_all(settings, root)
        return _whole(self._file, root, settings, files, self._known)

    def check(self) -> LoadedScenario:
        """Load all: the first, with the sweep. Raises ScenarioError with all that is wrong with any."""
        inputs: dict[str, str] = {}
        points: list[SweepPoint] = []
        found: list[tuple[tuple[int, ...], list[Problem]]] = []
        first: LoadedScenario | None = None
        parameters = self._grid.parameters
        for index, (pick, name) in enumerate(zip(self._picks, self._grid.names(), strict=True)):
            try:
                scenario = self.load(index)
            except ScenarioError as error:
                found.append((pick, error.problems))
                continue
            first = first or scenario
            inputs |= scenario.inputs
            values = {one.path: one.values[i] for one, i in zip(parameters, pick, strict=True)}
            points.append(SweepPoint(index, values, name, scenario.identity()))
        if found:
            raise ScenarioError(_in_order(self._grid.only_there(found)))
        assert first is not None
        return replace(first, inputs=inputs, sweep=Sweep(parameters, tuple(points), self._overrides, self.load))


def load_point(file: str | Path, overrides: Sequence[str] = ()) -> Callable[[int], LoadedScenario]:
    """What loads one point of a sweep, without a look at the others. Raises ScenarioError."""
    files, known = Files(), registry()
    root = files.load_root(Path(file))
    apply_all(_overrides(overrides, root.position.source, files), root)
    if not isinstance(root.value, dict) or SWEEP not in root.value:
        raise ScenarioError([Problem(root.position, "", "no sweep any more")])
    return _Points(Path(file), overrides, root, files, known).load


def load_component(file: str | Path, model: type[Model], overrides: Sequence[str] = ()) -> Model:
    """Read one component (a chip, a memory) from a file of its own, with the same checks. Raises ScenarioError."""
    files = Files()
    root = files.load_root(Path(file))
    known = registry()
    resolution = _Resolution(root, model, files, _overrides(overrides, root.position.source, files), known)
    try:
        return resolution.run()
    except ScenarioError:
        family, what = family_of(model, known), taken_for(root, known, model)
        if family is None or what is None:
            raise
    raise ScenarioError(
        [Problem(root.position, "", f"seems to be {what}; expected {with_article(family.replace('_', ' '))}")]
    )


def load_entries(
    file: str | Path, model_of: Callable[[Node], type[BaseModel]], expected: str = "what names stand for"
) -> dict[str, tuple[Node, BaseModel]]:
    """Read a file that maps names to things (`expected`, in words), each of the model that `model_of` names for it,
    with the same checks.

    Returns, by name, where each was written and what it is. Raises ScenarioError.
    """
    files = Files()
    root = files.load_root(Path(file))
    if not isinstance(root.value, dict) or not root.value:
        raise ScenarioError([Problem(root.position, "", f"expected a mapping: {expected}")])
    result: dict[str, tuple[Node, BaseModel]] = {}
    problems: list[Problem] = []
    for name, node in root.value.items():
        try:
            result[name] = node, _Resolution(node, model_of(node), files, [], registry()).run()
        except ScenarioError as error:
            problems += [
                Problem(found.position, f"{name}.{found.path}" if found.path else name, found.message)
                for found in error.problems
            ]
    if problems and (what := taken_for(root, registry())) is not None:
        problems = [Problem(root.position, "", f"seems to be {what}; expected {expected}")]
    if problems:
        raise ScenarioError(_in_order(problems))
    return result


def _overrides(texts: Iterable[str], scenario: Source, files: Files) -> list[Override]:
    result, problems = [], []
    for text in texts:
        try:
            override = Override(text, scenario, files.parsed)
            override.node = files.extended(override.node, ".".join(override.steps))
            result.append(override)
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)
    return result


def _kind(root: Node, known: Registry) -> ScenarioKind:
    """The scenario kind of a file, after its version."""
    if not isinstance(root.value, dict):
        raise ScenarioError([Problem(root.position, "", "a scenario file is a mapping of keys to values")])
    version = root.child("schema_version")
    if version is not None and isinstance(version.value, int) and version.value > SCHEMA_VERSION:
        message = f"version {version.value} is newer than this program reads ({SCHEMA_VERSION}); upgrade cosim"
        raise ScenarioError([Problem(version.position, "schema_version", message)])
    node = root.child("kind")
    kind = DEFAULT_KIND if node is None else node.value
    if not isinstance(kind, str) or kind not in known.scenarios:
        position = root.position if node is None else node.position
        message = f"unknown scenario kind '{kind}'; {suggestion(str(kind), known.scenarios)}"
        raise ScenarioError([Problem(position, "kind", message)])
    return known.scenarios[kind]


class _Resolution(Generic[Model]):
    """Validates a tree, reading what it refers to, until it is whole or nothing more can be found wrong with it."""

    def __init__(
        self, root: Node, model: type[Model], files: Files, overrides: Sequence[Setting], known: Registry
    ) -> None:
        self.root, self.model, self.files, self.overrides, self.known = root, model, files, overrides, known
        self.input_files: set[str] = set()
        self.problems: list[Problem] = []
        self.failed: set[int] = set()  # ids of nodes whose file is wrong: reported once, not looked for again

    def run(self) -> Model:
        while True:
            apply_all(self.overrides, self.root)
            errors, result = self._validate()
            followed = [self._follow(error) for error in errors]
            if not any(followed):
                break
        for override in self.overrides:
            if not override.applied and id(override.waits_at) not in self.failed:
                self.problems += override.error().problems
        errors = [error for error in errors if not self._reported(error)]
        parts, errors = partial(errors, self.root, self.model)
        self.problems += [*parts, *(diagnose(error, self.root, self.model, self.known) for error in errors)]
        if self.problems:
            raise ScenarioError(_in_order(self.problems))
        assert result is not None
        return result

    def _validate(self) -> tuple[Sequence[Any], Model | None]:
        text = json.dumps(self.root.plain())
        context = {"input_files": self.input_files, "registry": self.known}
        try:
            return [], self.model.model_validate_json(text, strict=True, context=context)
        except ValidationError as error:
            return error.errors(include_url=False), None

    def _reported(self, error: Any) -> bool:
        _, node, _ = locate(self.root, error["loc"])
        if error["type"] == "too_short" and isinstance(node.value, list):
            # The schema counts sound entries only; the others have errors of their own.
            return len(node.value) >= int(error["ctx"]["min_length"])
        return id(node) in self.failed and isinstance(node.value, str)

    def _follow(self, error: Any) -> bool:
        """Read the file that an error asks for. True if the tree has changed."""
        wants_mapping, wants_file = error["type"] in _WANTS_MAPPING, error["type"] == "input_file"
        if not (wants_mapping or wants_file):
            return False
        steps, node, _ = locate(self.root, error["loc"])
        if not isinstance(node.value, str) or id(node) in self.failed:
            return False
        try:
            if wants_file:
                node.value = str(self.files.find_input(node, dotted(steps)))
                self.input_files.add(node.value)
            elif node.names_file:
                loaded = self.files.load_reference(node, dotted(steps))
                node.position, node.value, node.keys = loaded.position, loaded.value, loaded.keys
            else:
                return False
        except ScenarioError as found:
            self.problems += found.problems
            self.failed.add(id(node))
            return False
        return True


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once; by file in order of first mention, then by line and column."""
    unique = merged(problems)
    mention = {shown: i for i, shown in reversed([*enumerate(problem.position.source.shown for problem in unique)])}
    return sorted(unique, key=lambda p: (mention[p.position.source.shown], p.position.line, p.position.column))
