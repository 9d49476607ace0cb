from typing import Annotated, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from cosim.registry import Registry
from cosim.scenario import InputFile, Registered, Spec, misfit


class Small(Spec):
    kind: Literal["small"] = "small"
    size: int = 1


class Holder(Spec):
    part: Annotated[Spec, Registered("part")]


def test_a_spec_is_immutable_closed_and_compared_by_value():
    assert Small(size=2) == Small(size=2) != Small(size=3)
    with pytest.raises(ValidationError):
        Small(size=2).size = 3
    with pytest.raises(ValidationError, match="Extra inputs"):
        Small(sise=2)


def test_registered_parts_are_looked_up_when_read():
    registry = Registry()
    context = {"registry": registry}
    with pytest.raises(ValidationError, match="unknown kind"):
        Holder.model_validate_json('{"part": {"kind": "small"}}', context=context)
    registry.component("part", "small", Small)
    holder = Holder.model_validate_json('{"part": {"kind": "small", "size": 4}}', context=context)
    assert holder.part == Small(size=4)
    assert holder.model_dump(mode="json") == {"part": {"kind": "small", "size": 4}}
    assert Holder(part=Small()).part == Small()


def test_errors_inside_a_registered_part_keep_their_place():
    registry = Registry()
    registry.component("part", "small", Small)
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate_json('{"part": {"kind": "small", "size": "x"}}', context={"registry": registry})
    assert [error["loc"] for error in caught.value.errors()] == [("part", "size")]


def test_an_input_file_from_python_is_a_path_as_given(tmp_path):
    adapter = TypeAdapter(InputFile)
    assert adapter.validate_python(tmp_path / "x") == tmp_path / "x"
    assert adapter.validate_python(str(tmp_path)) == tmp_path
    assert adapter.dump_python(tmp_path, mode="json") == str(tmp_path)


def test_misfit_is_a_validation_error_with_a_path():
    error = misfit("too big", "core", 3)
    assert (str(error), error.context["path"]) == ("too big", ["core", 3])
