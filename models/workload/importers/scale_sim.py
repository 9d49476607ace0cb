"""SCALE-Sim's topology files: CSV with a convolution or a matrix product (M, N, K) in each row.

The columns are those of SCALE-Sim v2 (Samajdar et al., ISPASS 2020), found by their names: layer, ifmap height and
width, filter height and width, channels, number of filters, stride; or layer, M, N, K for (M x K) times (K x N).
Padding is part of the ifmap sizes, as there. A file has no graph, so the result is a statistical workload of layers by
themselves, dense until densities are filled in.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..schema import StatisticalLayer, StatisticalSpec
from . import Importer, ImportProblem

MAX_BYTES = 1 << 20
MAX_LAYERS = 10_000
_LIMIT = 1 << 24  # of one size: a mask of one row of more would be no layer

_CONVOLUTION = {
    "ifmapheight": "h",
    "ifmapwidth": "w",
    "filterheight": "r",
    "filterwidth": "s",
    "channels": "c",
    "numfilter": "k",
    "strides": "stride",
}
_PRODUCT = {"m": "h", "n": "k", "k": "c"}
_SPELLINGS = {"numfilters": "numfilter", "stride": "strides", "inputchannels": "channels"}


def read_scale_sim(file: Path) -> StatisticalSpec:
    """See the module. Raises ImportProblem with line and column."""
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise ImportProblem(f"{file}: {size} bytes; a topology file has at most {MAX_BYTES}")
    try:
        # Lines as editors count them: `splitlines` would also end one at a form feed.
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ImportProblem(f"{file}: not UTF-8 at byte {error.start}") from None
    rows = [(number, _cells(line)) for number, line in enumerate(lines, 1) if line.strip(" ,\t")]
    if not rows:
        raise ImportProblem(f"{file}: no header")
    columns = _columns(file, *rows[0])
    if len(rows) - 1 > MAX_LAYERS:
        raise ImportProblem(f"{file}: {len(rows) - 1} layers; at most {MAX_LAYERS} are read")
    layers: list[StatisticalLayer] = []
    names: set[str] = set()
    for number, cells in rows[1:]:
        layers.append(_layer(f"{file}:{number}", cells, columns, names, first=not layers))
    if not layers:
        raise ImportProblem(f"{file}: no layers")
    return StatisticalSpec(fidelity="statistical", layers=tuple(layers))


def _cells(line: str) -> list[tuple[int, str]]:
    """(column, text) of each cell."""
    cells, start = [], 0
    for cell in line.split(","):
        cells.append((start + len(cell) - len(cell.lstrip()) + 1, cell.strip()))
        start += len(cell) + 1
    while cells and not cells[-1][1]:  # rows may end in a comma
        cells.pop()
    return cells


def _columns(file: Path, number: int, cells: list[tuple[int, str]]) -> list[str]:
    names = [re.sub(r"[^a-z]", "", text.lower()) for _, text in cells[1:]]
    names = [_SPELLINGS.get(name, name) for name in names]
    for form in (_CONVOLUTION, _PRODUCT):
        if sorted(names) == sorted(form):
            return [form[name] for name in names]
    known = [*_CONVOLUTION, *_PRODUCT]
    for (column, text), name in zip(cells[1:], names, strict=True):
        if name not in known:
            raise ImportProblem(f"{file}:{number}:{column}: unknown column {text!r}")
    raise ImportProblem(
        f"{file}:{number}:1: expected the columns of convolutions (layer, ifmap height, ifmap width, filter height, "
        f"filter width, channels, num filter, strides) or of matrix products (layer, M, N, K)"
    )


def _layer(
    where: str, cells: list[tuple[int, str]], columns: list[str], names: set[str], *, first: bool
) -> StatisticalLayer:
    if len(cells) != len(columns) + 1:
        raise ImportProblem(f"{where}:1: {len(cells)} cells under {len(columns) + 1} columns")
    sizes: dict[str, Any] = {"w": 1, "r": 1, "s": 1}
    for (column, text), name in zip(cells[1:], columns, strict=True):
        if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= _LIMIT:
            raise ImportProblem(f"{where}:{column}: expected a whole number from 1 to {_LIMIT}, got {text!r}")
        sizes[name] = int(text)
    name = unique(cells[0][1], names)
    try:
        return StatisticalLayer(name=name, first=first, **sizes)
    except ValidationError as error:
        raise ImportProblem(f"{where}:1: layer {name}: {error.errors()[0]['ctx']['error']}") from None


def unique(text: str, names: set[str]) -> str:
    """A layer's name from any text: other signs become _, and a repeated one gets a number. Adds it to `names`."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)[:56].strip("_") or "layer"
    name = name if name[0].isalpha() else f"layer_{name}"
    number, result = 1, name
    while result in names:
        number += 1
        result = f"{name}_{number}"
    names.add(result)
    return result


importer = Importer((".csv",), read_scale_sim, "SCALE-Sim topology: convolutions, or matrix products M, N, K.")
