from robustness.demo_kind import Chip, Demo, run

from cosim.registry import ScenarioKind
from cosim.scenario.jsonschema import component_schema, scenario_schema


def test_defaults_of_quantities_carry_their_unit():
    fields = component_schema(Chip)["properties"]
    assert fields["mac"]["default"] == "637 fJ"
    assert fields["clock"]["x-unit"] == "ps"
    assert "default" not in fields["clock"]


def test_a_file_may_refer_or_extend_where_the_schema_wants_a_thing():
    schema = scenario_schema([ScenarioKind("demo", Demo, run, "")])
    path, inline = schema["$defs"]["Chip"]["anyOf"]
    assert path["type"] == "string"
    assert "extends" in inline["properties"]
    assert inline["anyOf"] == [{"required": ["name", "clock", "supply"]}, {"required": ["extends"]}]
    demo = schema["$defs"]["Demo"]  # the scenario itself is no path
    assert demo["type"] == "object"
    assert demo["properties"]["sweep"]["additionalProperties"]["type"] == "array"
    assert {"required": ["sweep"]} in demo["anyOf"]  # its points may set what is required
    assert "sweep" not in inline["properties"]
    assert schema["allOf"] == [
        {"if": {"properties": {"kind": {"const": "demo"}}, "required": ["kind"]}, "then": {"$ref": "#/$defs/Demo"}}
    ]
