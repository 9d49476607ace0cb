"""Chips with one assumed parameter at another plausible value: what sensitivities are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..chip import ChipSpec
from .parameters import UnknownParameterError, with_parameter
from .record import AssumedValue, AssumptionRecord

__all__ = ["Variant", "applicable", "by_influence", "text_of", "variants"]

OF_OTHER_POINTS = "operating_points."
"""Parameters that only a chip at another operating point has: varied there."""


@dataclass(frozen=True)
class Variant:
    """One parameter at another plausible value; `chip` is None where no chip can have it."""

    parameter: str
    value: Any
    chip: ChipSpec | None


def applicable(chip: ChipSpec, record: AssumptionRecord, names: Sequence[str]) -> dict[str, AssumedValue]:
    """The rows of the record's chips `names`, later ones above earlier ones, of which `chip` takes the recorded value.

    A chip that is derived from another shares its assumptions where it does not replace them: what it does replace
    (LNPU's weights without bitmaps) is no assumption of its own unless it is on record as one.
    """
    rows: dict[str, AssumedValue] = {}
    for name in names:
        rows.update(record.chips[name])
    data = chip.model_dump(mode="json")
    found = {}
    for path, row in rows.items():
        try:
            same = with_parameter(chip, path, row.plain).model_dump(mode="json") == data
        except (ValidationError, UnknownParameterError):  # text that is no value of it; another chip's parameter
            continue
        if same:
            found[path] = row
    return found


def variants(
    chip: ChipSpec, record: AssumptionRecord, names: Sequence[str], *, of_points: bool = False
) -> Iterator[Variant]:
    """Every applicable parameter at each of its other plausible values; `of_points`: those of the operating points
    alone, else all others."""
    key = (chip.model_dump_json(), record.model_dump_json(), tuple(names))
    if key not in _VARIANTS:
        _VARIANTS[key] = [
            Variant(path, value, _changed(chip, path, value))
            for path, row in applicable(chip, record, names).items()
            for value in row.others
        ]
    yield from (one for one in _VARIANTS[key] if one.parameter.startswith(OF_OTHER_POINTS) is of_points)


_VARIANTS: dict[tuple[str, str, tuple[str, ...]], list[Variant]] = {}
"""What was worked out for one study is there for the others."""


def _changed(chip: ChipSpec, path: str, value: Any) -> ChipSpec | None:
    try:
        return with_parameter(chip, path, value)
    except ValidationError:
        return None


def by_influence(
    rows: Sequence[tuple[str, Any, float | None]],
    of: str,
    unit: str,
    nominal: float,
    note: str = "",
    without_effect: Sequence[Mapping[str, Any]] = (),
    apart: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A sensitivity as plain data, from (parameter, value, number): what moves the number most comes first.

    `without_effect`: the rules (`effects.named`) by which assumptions have no row; `apart`: parameters whose rows
    are kept apart, since they are in no interval, and why.
    """
    apart = apart or {}
    reach: dict[str, float] = {}
    for parameter, _, number in rows:
        if number is not None:
            reach[parameter] = max(reach.get(parameter, 0.0), abs(number - nominal))
    ordered = sorted(rows, key=lambda row: -reach.get(row[0], 0.0))  # stable: the values of one stay in order

    def told(row: tuple[str, Any, float | None]) -> dict[str, Any]:
        return {"parameter": row[0], "value": text_of(row[0], row[1]), "number": row[2]}

    return {
        "of": of,
        "unit": unit,
        "nominal": nominal,
        "note": note,
        "without_effect": list(without_effect),
        "rows": [told(row) for row in ordered if row[0] not in apart],
        "apart": [{**told(row), "why": apart[row[0]]} for row in ordered if row[0] in apart],
    }


def text_of(parameter: str, value: Any) -> str:
    """In one cell: sizes as a product, nodes one by one, a mapping as what it holds."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in value.items()) or "none"
    if isinstance(value, list | tuple):
        return (" and " if parameter.endswith("nodes") else " x ").join(str(part) for part in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
