from typing import Annotated, Literal

from pydantic import Field

from cosim.cli.describe import fields_of
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
