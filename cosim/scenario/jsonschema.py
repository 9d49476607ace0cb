"""The JSON Schema of scenario files and components, with defaults as a file would write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import SchemaSerializer, core_schema

from ..registry import ScenarioKind
from .files import EXTENDS
from .loader import DEFAULT_KIND
from .sweep import SWEEP

__all__ = ["component_schema", "keys_of_files", "scenario_schema"]

_EXTENDS_SCHEMA = {"type": "string", "description": "YAML file to start from; the keys here override its keys"}
_SWEEP_SCHEMA = {
    "type": "object",
    "description": "paths and the values that they take: every combination is run",
    "additionalProperties": {"type": "array", "minItems": 1, "uniqueItems": True},
    "minProperties": 1,
}


def keys_of_files(*, scenario: bool) -> dict[str, dict[str, Any]]:
    """What a file may say beside the fields of the model: of anything that stands in a file, or of a scenario."""
    return {EXTENDS: _EXTENDS_SCHEMA} | ({SWEEP: _SWEEP_SCHEMA} if scenario else {})


class _Generator(GenerateJsonSchema):
    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Quantities are numbers in the program and text with a unit in files; so are their defaults."""
        result = super().default_schema(schema)
        if "default" in result and schema["schema"]["type"] in ("json-or-python", "function-plain"):
            result["default"] = SchemaSerializer(schema["schema"]).to_python(schema["default"], mode="json")
        return result


def component_schema(model: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema of one model, as `cosim describe` reads it."""
    return model.model_json_schema(schema_generator=_Generator)


def scenario_schema(kinds: Sequence[ScenarioKind]) -> dict[str, Any]:
    """JSON Schema 2020-12 of files of these scenario kinds."""
    models, result = models_json_schema([(entry.model, "validation") for entry in kinds], schema_generator=_Generator)
    cases = []
    for entry in kinds:
        condition: dict[str, Any] = {"properties": {"kind": {"const": entry.kind}}}
        if entry.kind != DEFAULT_KIND:
            condition["required"] = ["kind"]
        cases.append({"if": condition, "then": models[entry.model, "validation"]})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cosim scenario",
        "type": "object",
        "properties": {"kind": {"enum": [entry.kind for entry in kinds]}},
        "allOf": cases,
        "$defs": _with_references(result.get("$defs", {}), {models[key]["$ref"] for key in models}),
    }


def _with_references(definitions: dict[str, Any], scenarios: set[str]) -> dict[str, Any]:
    """Every described thing may also be the path of a YAML file, or extend one."""
    result = {}
    for name, definition in definitions.items():
        whole = definition
        if definition.get("type") == "object" and definition.get("additionalProperties") is False:
            more = keys_of_files(scenario=f"#/$defs/{name}" in scenarios)
            whole = {**definition, "properties": {**more, **definition.get("properties", {})}}
            if "required" in definition:  # the file that is extended has it, or each point of a sweep sets it
                del whole["required"]
                whole["anyOf"] = [
                    {"required": required} for required in (definition["required"], *([key] for key in more))
                ]
            if f"#/$defs/{name}" not in scenarios:
                path = {"type": "string", "pattern": r"\.ya?ml$", "description": "path of a YAML file"}
                whole = {"anyOf": [path, whole]}
        result[name] = whole
    return result
