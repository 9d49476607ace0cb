"""The base classes of everything that a scenario file describes.

    class Core(Spec):
        kind: Literal["core"] = "core"
        lanes: int = Field(ge=1, description="lanes of one core")
        buffer: Bytes = Field(65536, description="input buffer")

Where a field's type is a Spec, a file may give it inline or as the path of another YAML file; models need not care.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializationInfo,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema, to_json

from ..registry import Registry, registry

__all__ = ["InputFile", "Registered", "ScenarioSpec", "Spec", "misfit", "misfits"]


class Spec(BaseModel):
    """A described thing: immutable, without unknown keys, compared by value."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ScenarioSpec(Spec):
    """The head of every scenario file; a scenario kind's model extends it."""

    schema_version: Literal[1] = Field(description="version of the file format")
    kind: str = Field("training", description="what kind of scenario this is: see `cosim describe`")
    name: str = Field("", description="name of the run; the file's name if left out", max_length=200)
    seed: int = Field(0, ge=0, lt=2**63, description="the one seed that all random streams derive from")
    description: str = Field("", description="free text for the report")


def misfit(message: str, *path: str | int) -> PydanticCustomError:
    """For validators: an error that points at a field below the validated Spec.

    `raise misfit("a tile of 70 KiB cannot fit", "core", "buffer")`.
    """
    return PydanticCustomError("misfit", "{message}", {"message": message, "path": list(path)})


def misfits(found: Iterable[PydanticCustomError]) -> ValidationError:
    """For validators that find several misfits at once: `raise misfits(found)`; `found` must not be empty."""
    return ValidationError.from_exception_data("misfits", [InitErrorDetails(type=error, input=None) for error in found])


class _InputFileAnnotation:
    """See `InputFile`."""

    @staticmethod
    def _validate(value: Any, info: ValidationInfo) -> Path:
        if isinstance(value, Path):
            return value
        if not isinstance(value, str) or not value:
            raise PydanticCustomError(
                "input_file_type", "expected the path of a file, got {value}", {"value": repr(value)}
            )
        if info.context is not None and value not in info.context.get("input_files", ()):
            # The loader answers this by finding the file beside the one that names it, and asks again.
            raise PydanticCustomError("input_file", "{value}: not looked for", {"value": value})
        return Path(value)

    @staticmethod
    def _serialize(value: Path, info: SerializationInfo) -> str:
        """The path, or, where the contents matter and not the place, the hash that the context gives."""
        path = os.fspath(value)
        return str((info.context or {}).get("input_sha256", {}).get(path, path))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self._serialize, info_arg=True, when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "path", "description": "a file, relative to the file that names it"}


InputFile = Annotated[Path, _InputFileAnnotation()]
"""A data file named in a scenario, relative to the file that names it; it must exist; its hash is in the manifest."""


class Registered:
    """Annotation: any component registered under `family`, told apart by its `kind:` key, or another `key`.

    `schedule: Annotated[Spec, Registered("schedule")]`. The choice is looked up when a file is read, so that a plug-in
    that registers later is as good as a built-in.
    """

    _being_described: ClassVar[set[str]] = set()

    def __init__(self, family: str, *, key: str = "kind") -> None:
        self.family = family
        self.key = key

    def models(self, known: Registry) -> list[type[BaseModel]]:
        """The schemas to choose from."""
        return [component.model for component in known.components(self.family).values()]

    def _validate(self, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, BaseModel):
            return value
        known = (info.context or {}).get("registry") or registry()
        components = known.components(self.family)
        if not isinstance(value, dict):
            raise PydanticCustomError("model_type", "expected a mapping")
        name = value.get(self.key)
        if not isinstance(name, str):
            expected = ", ".join(map(repr, components))
            context = {"discriminator": f"'{self.key}'", "expected_tags": expected}
            raise PydanticCustomError("union_tag_not_found", "no kind", context)
        if name not in components:
            expected = ", ".join(map(repr, components))
            context = {"tag": name, "expected_tags": expected, "discriminator": f"'{self.key}'"}
            raise PydanticCustomError("union_tag_invalid", "unknown kind", context)
        # Through JSON: lists become tuples and text becomes enums there, as for every other part of the file.
        return components[name].model.model_validate_json(to_json(value), strict=True, context=info.context)

    @staticmethod
    def _serialize(value: BaseModel, info: SerializationInfo) -> dict[str, Any]:
        return value.model_dump(mode="json", by_alias=True, context=info.context)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self._serialize, info_arg=True, when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        if self.family in self._being_described:
            # A component that contains one of its own family: described once, not for ever.
            return {"type": "object", "x-registered": self.family}
        self._being_described.add(self.family)
        try:
            choices = [
                handler(entry.model.__pydantic_core_schema__) for entry in registry().components(self.family).values()
            ]
        finally:
            self._being_described.remove(self.family)
        return {"oneOf": choices, "x-registered": self.family}
