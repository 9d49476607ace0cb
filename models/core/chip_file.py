"""The core of a chip file, by itself: of a whole chip, or of a file that describes no more than a core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from cosim.quantity import PeriodPs
from cosim.registry import registry
from cosim.scenario import Registered, Spec, load_component
from cosim.scenario.files import Files
from cosim.scenario.provenance import Provenance, check_provenance, origin, parameters

from .layer_core import LayerCore


class CoreChipSpec(Spec):
    """A chip of which only the core is described, of any registered kind: for `cosim core replay`."""

    name: str = Field(description="name in tables")
    description: str = Field("", description="one line for the report")
    clock: PeriodPs = Field(description="clock of the core")
    core: Annotated[Any, Registered("core")] = Field(description="the core, told apart by its `kind:`")
    provenance: dict[str, Provenance] = Field(
        description="path of a parameter (or of a group) -> 'source: ...' or 'assumed: ...'"
    )

    @model_validator(mode="after")
    def _sourced(self) -> CoreChipSpec:
        if wrong := check_provenance(self.provenance, self.parameters(), "chip"):
            raise wrong
        return self

    def parameters(self) -> tuple[str, ...]:
        """Paths of all parameters, without names, prose and the kind of core."""
        leaves = parameters(self, ("name", "description", "provenance"))
        return tuple(leaf for leaf in leaves if leaf != "core.kind")


@dataclass(frozen=True)
class CoreChip:
    """A chip's core, ready to run layers. `assumed`: its assumed parameters, by path, with the reason; without those of
    its memories, which have no part in it."""

    name: str
    core: LayerCore
    assumed: dict[str, str]


def load_chip(file: str | Path, overrides: Sequence[str] = ()) -> CoreChip:
    """Read any chip file. Where its core has a `kind:`, it is a CoreChipSpec; else a whole chip (`cosim describe
    chip`), whose component builds its cores. Raises ScenarioError."""
    known = registry()
    core = Files().load_root(Path(file)).child("core")
    spec: Any
    if core is not None and core.child("kind") is not None:
        spec = load_component(file, CoreChipSpec, overrides)
        build = known.components("core")[spec.core.kind].factory
        source = spec.core
    else:
        chip = known.components("chip")["chip"]
        spec = load_component(file, chip.model, overrides)
        build, source = chip.factory, spec
    assert build is not None
    assumed = {
        path: where
        for path in spec.parameters()
        if path.startswith("core.")
        and "_memory." not in path
        and (where := origin(spec.provenance, path) or "").startswith("assumed:")
    }
    return CoreChip(spec.name, build(source), assumed)
