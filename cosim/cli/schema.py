"""`cosim schema`: the JSON Schema of scenario files, for editors."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["schema"]


def schema(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="One scenario kind; all if left out.")] = None,
) -> None:
    """Print the JSON Schema of scenario files, built from all that is registered.

    `cosim schema > schema.json`, and a first line `# yaml-language-server: $schema=schema.json` in a scenario, give
    completion in editors.
    """
    import json  # noqa: PLC0415

    from ..registry import registry  # noqa: PLC0415
    from ..scenario.jsonschema import scenario_schema  # noqa: PLC0415

    known = registry()
    names = sorted(known.scenarios) if kind is None else [kind]
    print(json.dumps(scenario_schema([known.scenario_kind(name) for name in names]), indent=2, ensure_ascii=False))
