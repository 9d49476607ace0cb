"""`cosim describe`: what can stand in a scenario, from the schema itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from ..registry import registry

__all__ = ["describe", "fields_of"]


def describe(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A scenario kind or component.")] = None,
) -> None:
    """List what is registered, or print the fields of NAME: type, unit, default, meaning."""
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from ..registry import UnknownNameError  # noqa: PLC0415
    from ..scenario.jsonschema import keys_of_files  # noqa: PLC0415

    known = registry()
    named: list[tuple[str, str, str, type[Any]]] = [
        ("scenario", entry.kind, entry.doc, entry.model) for _, entry in sorted(known.scenarios.items())
    ]
    for family, components in known.families().items():
        named += [(family, entry.name, entry.doc, entry.model) for entry in components.values()]
    console = Console()
    if not console.is_terminal:  # a pipe has no width: do not fold what a script reads
        console = Console(width=200)
    if name is None:
        table = Table("what", "name", "meaning", box=None, pad_edge=False, header_style="bold")
        for what, title, doc, _ in named:
            table.add_row(what, title, escape(doc))
        console.print(table)
        return
    # "dram.ddr4" where a name alone would be two things
    chosen = [entry for entry in named if name in (entry[1], f"{entry[0]}.{entry[1]}")]
    if not chosen:
        raise UnknownNameError("name", name, [entry[1] for entry in named])
    elsewhere = {entry[3].__name__: entry[1] for entry in named}
    for what, title, doc, model in chosen:
        console.print(f"[bold]{title}[/bold] ({what}): {escape(doc)}", highlight=False)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("field", "type", "unit", "default", "meaning"):
            table.add_column(heading, overflow="fold")  # a name cut short would be of no use
        fields = _Fields({}, {}).of({"properties": keys_of_files(scenario=what == "scenario")}, "", ())
        for row in (*fields_of(model, elsewhere), *fields):
            table.add_row(*(escape(cell) for cell in row))
        console.print(table)


def fields_of(model: type[Any], named: Mapping[str, str] | None = None) -> Iterator[tuple[str, str, str, str, str]]:
    """(field, type, unit, default, meaning) of every field, nested ones with dotted names, from the JSON Schema.

    Of a field that takes one of several described things, the fields of each follow, with its name in brackets; what
    has a name of its own in `named` (class -> name) is only named there, or the list would never end.
    """
    from ..scenario.jsonschema import component_schema  # noqa: PLC0415

    schema = component_schema(model)
    definitions = schema.get("$defs", {})
    name = str(schema.get("$ref", "")).rpartition("/")[2]  # of a model that contains itself
    yield from _Fields(definitions, named or {}).of(definitions.get(name, schema), "", (name,))


@dataclass(frozen=True)
class _Fields:
    """See `fields_of`. `shown`: described thing within a choice -> the field at which its own were listed."""

    definitions: Mapping[str, Any]
    named: Mapping[str, str]
    shown: dict[str, str] = field(default_factory=dict)

    def of(
        self, schema: Mapping[str, Any], prefix: str, above: tuple[str, ...], *, within_choice: bool = False
    ) -> Iterator[tuple[str, str, str, str, str]]:
        required = schema.get("required", ())
        for name, described in schema.get("properties", {}).items():
            default = "required" if name in required else _default(described)
            whole = "required" if default == "required" else ""  # its fields say the rest
            meaning = described.get("description", "")
            nested, path = _nested(described, self.definitions)
            if within_choice and nested is not None and nested in self.named:
                what = "mapping" if not path else _type(described, self.definitions)
                yield prefix + name, f"{what}: `cosim describe {self.named[nested]}`", "", whole, meaning
            elif within_choice and nested is not None and nested in self.shown:
                what = "mapping" if not path else _type(described, self.definitions)
                yield prefix + name, f"{what}: as {self.shown[nested]}", "", whole, meaning
            elif nested is not None and nested not in above:
                target = self.definitions[nested]
                what = "mapping" if not path else _type(described, self.definitions)
                yield prefix + name, what, "", whole, meaning or _first_line(target.get("description", ""))
                below = f"{prefix}{name}{path}"
                if within_choice:
                    self.shown[nested] = below
                yield from self.of(target, f"{below}.", (*above, nested), within_choice=within_choice)
            elif "discriminator" in described:
                choices = described["discriminator"]["mapping"]
                key = described["discriminator"]["propertyName"]
                yield prefix + name, f"mapping; `{key}`: {' | '.join(choices)}", "", whole, meaning
                for choice, reference in choices.items():
                    member = reference.rpartition("/")[2]
                    target = self.definitions[member]
                    below = f"{prefix}{name}({choice})"
                    whole = f"mapping: `cosim describe {self.named[member]}`" if member in self.named else "mapping"
                    yield below, whole, "", "", _first_line(target.get("description", ""))
                    if member not in above and member not in self.named:
                        yield from self.of(target, f"{below}.", (*above, member), within_choice=True)
            else:
                units = [member.get("x-unit", "") for member in (described, *described.get("anyOf", ()))]
                unit = next(filter(None, units), "")
                yield prefix + name, _type(described, self.definitions), "" if unit == "1" else unit, default, meaning


def _nested(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[str | None, str]:
    """The name of the one described thing in a field, and the path to it: itself, in a list `[]`, in a mapping `.*`."""
    if "$ref" in field:
        target = str(field["$ref"]).rpartition("/")[2]
        return (target if "properties" in definitions.get(target, {}) else None), ""
    members = [member for member in field.get("anyOf", ()) if member.get("type") != "null"]
    if len(members) == 1:
        return _nested(members[0], definitions)
    below, step = (
        (field.get("items"), "[]") if field.get("type") == "array" else (field.get("additionalProperties"), ".*")
    )
    if isinstance(below, Mapping):
        name, path = _nested(below, definitions)
        return name, step + path
    return None, ""


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if isinstance(default, str):
        return default or '""'
    return "" if default is None else json.dumps(default, ensure_ascii=False)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _plural(container: str, what: str) -> str:
    return f"{container} {what}" + ("s" if what in ("mapping", "integer", "number") else "")


def _type(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """A few words for a JSON Schema."""
    if "x-registered" in field:
        family = field["x-registered"]
        return f"any {family}: " + ", ".join(registry().components(family))
    if "const" in field:
        return json.dumps(field["const"])
    if "enum" in field:
        return " | ".join(json.dumps(value) for value in field["enum"])
    if "$ref" in field:
        target = definitions.get(str(field["$ref"]).rpartition("/")[2], {})
        return _type(target, definitions) if "properties" not in target else "mapping"
    if "x-unit" in field:
        example = field.get("examples", [""])[0]
        return f"quantity, like {example!r}" if field["x-unit"] != "1" else "share, like 0.25"
    for key in ("anyOf", "oneOf"):
        if key in field:
            return " | ".join(dict.fromkeys(_type(member, definitions) for member in field[key]))
    kind = field.get("type", "any")
    if "prefixItems" in field:
        return f"[{', '.join(_type(item, definitions) for item in field['prefixItems'])}]"
    if kind == "array":
        return _plural("list of", _type(field.get("items", {}), definitions))
    if kind == "object":
        below = field.get("additionalProperties")
        return _plural("mapping to", _type(below, definitions)) if isinstance(below, dict) and below else "mapping"
    bounds = [
        f"{sign} {field[key]}"
        for key, sign in (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="), ("exclusiveMaximum", "<"))
        if key in field and abs(field[key]) < 2**62
    ]
    words = {"integer": "integer", "number": "number", "string": "text", "boolean": "true | false", "null": "null"}
    return " ".join([words.get(kind, str(kind)), ", ".join(bounds)]).strip()
