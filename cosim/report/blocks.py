"""What a report is made of. Blocks hold data and units; how they look is the renderers' business."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "Assumption",
    "Assumptions",
    "Block",
    "Column",
    "Figure",
    "Gantt",
    "LinePlot",
    "Note",
    "Report",
    "Section",
    "Series",
    "Span",
    "StackedBars",
    "Table",
]

Cell = str | int | float | None
Level = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class Figure:
    """One headline number: 'elapsed', 12.5, 'ms'; `hint` says what it means or compares with."""

    label: str
    value: Cell
    unit: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Column:
    """A table's column. `digits` are significant digits of its numbers; None shows integers whole, others with 4."""

    title: str
    unit: str = ""
    digits: int | None = None


@dataclass(frozen=True)
class Table:
    """Rows under columns; None is an empty cell. `total` marks the last row as the sum of the others.

    Raises ValueError for a row of the wrong length.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    note: str = ""
    total: bool = False

    def __post_init__(self) -> None:
        for i, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"table '{self.title}': row {i} has {len(row)} cells, expected {len(self.columns)}")


@dataclass(frozen=True)
class Series:
    """One line: y over x; `low` and `high`, if given, are drawn as a band (a confidence interval)."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None

    def __post_init__(self) -> None:
        for values in (self.y, self.low, self.high):
            if values is not None and len(values) != len(self.x):
                raise ValueError(f"series '{self.name}': {len(values)} values for {len(self.x)} x")


@dataclass(frozen=True)
class LinePlot:
    """Lines over a common x. `steps` draws values that hold until the next x. `y_from_zero` starts the axis at 0."""

    title: str
    series: Sequence[Series]
    x_label: str
    y_label: str
    x_unit: str = ""
    y_unit: str = ""
    steps: bool = False
    y_from_zero: bool = True
    log_y: bool = False
    note: str = ""


@dataclass(frozen=True)
class StackedBars:
    """One horizontal bar per category, made of named parts in the order of `parts`.

    `parts[name][i]` is that part of `categories[i]`, at least 0. `share` shows each bar as 100 %.
    """

    title: str
    categories: Sequence[str]
    parts: Mapping[str, Sequence[float]]
    label: str
    unit: str = ""
    share: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        for name, values in self.parts.items():
            if len(values) != len(self.categories):
                raise ValueError(f"part '{name}': {len(values)} values for {len(self.categories)} categories")
            if any(value < 0 for value in values):
                raise ValueError(f"part '{name}': a part of a bar cannot be negative")


@dataclass(frozen=True)
class Span:
    """What a lane did from `start_ps` to `end_ps`; spans of one `kind` share a colour."""

    lane: str
    start_ps: int
    end_ps: int
    kind: str


@dataclass(frozen=True)
class Gantt:
    """Who did what when: one row per lane, in the order of `lanes`. Kinds are coloured in the order of `kinds`."""

    title: str
    lanes: Sequence[str]
    spans: Sequence[Span]
    kinds: Sequence[str]
    note: str = ""

    def __post_init__(self) -> None:
        lanes, kinds = set(self.lanes), set(self.kinds)
        for span in self.spans:
            if span.lane not in lanes or span.kind not in kinds:
                raise ValueError(f"timeline '{self.title}': unknown lane or kind in {span}")
            if span.end_ps < span.start_ps:
                raise ValueError(f"timeline '{self.title}': {span} ends before it starts")


@dataclass(frozen=True)
class Note:
    """A paragraph."""

    text: str
    level: Level = "info"


@dataclass(frozen=True)
class Assumption:
    """One input of the result and how it is known: `assumed` with its reason, or published with its source."""

    parameter: str
    value: Cell
    unit: str
    assumed: bool
    reason: str


@dataclass(frozen=True)
class Assumptions:
    """The inputs that a reader must know to trust the result; assumed ones first."""

    items: Sequence[Assumption]
    title: str = "Inputs: assumed and published"


Block = Table | LinePlot | StackedBars | Gantt | Note | Assumptions


@dataclass(frozen=True)
class Section:
    """Blocks under a heading. A `detail` section is in the HTML page only, not on the terminal."""

    title: str
    blocks: Sequence[Block]
    detail: bool = False


@dataclass(frozen=True)
class Report:
    """The whole page: headline figures, then sections."""

    title: str
    subtitle: str = ""
    figures: Sequence[Figure] = ()
    sections: Sequence[Section] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)  # shown small at the end: version, seed, hashes
