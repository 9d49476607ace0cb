from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from cosim.cli.describe import fields_of
from cosim.models.reproduce.schema import ClaimScenario
from cosim.quantity import Bytes, Ratio, TimePs
from cosim.scenario import Spec


class Bank(Spec):
    """A bank."""

    size: Bytes = 4096
    ports: Annotated[int, Field(ge=1)]


class Memory(Spec):
    """A memory.

    With more text.
    """

    delay: TimePs | None = Field(None, description="latency")
    share: Ratio = Field(description="of the traffic")
    order: Literal["row", "bank"] = "row"
    mesh: tuple[int, int] = (2, 3)
    spare: Bank | None = None
    banks: tuple[Bank, ...]
    by_name: dict[str, list[Bank]] = Field({}, description="named banks")
    sizes: list[int] = []  # noqa: RUF012  (pydantic copies defaults)
    below: list["Memory"] = Field([], description="a memory of memories")


def test_every_field_with_type_unit_default_and_meaning():
    assert list(fields_of(Memory)) == [
        ("delay", "quantity, like '14 ns' | null", "ps", "", "latency"),
        ("share", "share, like 0.25", "", "required", "of the traffic"),
        ("order", '"row" | "bank"', "", "row", ""),
        ("mesh", "[integer, integer]", "", "[2, 3]", ""),
        ("spare", "mapping", "", "", "A bank."),
        ("spare.size", "quantity, like '64 KiB'", "B", "4 KiB", ""),
        ("spare.ports", "integer >= 1", "", "required", ""),
        ("banks", "list of mappings", "", "required", "A bank."),
        ("banks[].size", "quantity, like '64 KiB'", "B", "4 KiB", ""),
        ("banks[].ports", "integer >= 1", "", "required", ""),
        ("by_name", "mapping to list of mappings", "", "", "named banks"),
        ("by_name.*[].size", "quantity, like '64 KiB'", "B", "4 KiB", ""),
        ("by_name.*[].ports", "integer >= 1", "", "required", ""),
        ("sizes", "list of integers", "", "[]", ""),
        ("below", "list of mappings", "", "[]", "a memory of memories"),
    ]


class Round(Spec):
    """A round one.

    With more text.
    """

    shape: Literal["round"]
    bank: Bank = Field(description="inside")
    memory: Memory = Field(description="with a name of its own")


class Square(Spec):
    """A square one."""

    shape: Literal["square"]
    banks: tuple[Bank, ...] = Field(description="several")
    spare: Bank | None = Field(None, description="another")


class Colour(StrEnum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


class Box(Spec):
    """A box."""

    colour: Colour = Colour.RED
    content: Round | Square = Field(discriminator="shape", description="what is in it")


def test_one_of_several_things_with_the_fields_of_each():
    assert list(fields_of(Box, {"Memory": "memory"})) == [
        ("colour", '"red" | "blue"', "", "red", ""),
        ("content", "mapping; `shape`: round | square", "", "required", "what is in it"),
        ("content(round)", "mapping", "", "", "A round one."),
        ("content(round).shape", '"round"', "", "required", ""),
        ("content(round).bank", "mapping", "", "required", "inside"),
        ("content(round).bank.size", "quantity, like '64 KiB'", "B", "4 KiB", ""),
        ("content(round).bank.ports", "integer >= 1", "", "required", ""),
        # Listed under its own name, and listed above: not again.
        ("content(round).memory", "mapping: `cosim describe memory`", "", "required", "with a name of its own"),
        ("content(square)", "mapping", "", "", "A square one."),
        ("content(square).shape", '"square"', "", "required", ""),
        ("content(square).banks", "list of mappings: as content(round).bank", "", "required", "several"),
        ("content(square).spare", "mapping: as content(round).bank", "", "", "another"),
    ]
    assert ("content(square)", "mapping: `cosim describe flat`", "", "", "A square one.") in list(
        fields_of(Box, {"Square": "flat"})
    )


def test_every_study_of_a_claim_is_described_with_its_options():
    rows = {field: (kind, default) for field, kind, _, default, _ in fields_of(ClaimScenario, {"ChipSpec": "chip"})}
    assert rows["study"] == ("mapping; `study`: energy_gain | pruning | same_workload | throughput", "required")
    assert rows["study(energy_gain).chip"] == ("mapping: `cosim describe chip`", "required")
    assert rows["study(energy_gain).sparse_point.coarse"] == ("number >= 0.0, <= 1.0", "0.0")
    assert rows["study(throughput).weights"] == ("list of number >= 0.001, <= 1.0", "required")
    assert rows["study(pruning).schedule_of"] == ("text", "required")
    assert rows["study(energy_gain).seeds"] == ("list of integers", "[]")
