"""Files of layers for `cosim core replay`: shapes, and the zeros of their operands as masks, densities or counts.

A JSON (or YAML) file maps names to layers. A layer is either a general one (`LayerSpec`), or a pointwise one given by
its non-zeros per input channel (`CountsSpec`, the format of the Sparseloop artifact). A CSV file has a layer a line:
`layer,R,S,P,Q,C,K,dW,dI`, with densities; its convolutions have stride 1 and keep the size of their input.

Random masks are drawn element by element, each tensor from a stream of its own, named by layer and tensor.
"""

from __future__ import annotations

import csv
import fnmatch
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from cosim._suggest import suggestion
from cosim.scenario import Problem, ScenarioError, Spec, load_entries, misfit
from cosim.scenario.errors import Position, Source
from cosim.scenario.tree import MAX_BYTES, Node

from ..numerics.streams import Stream
from ..tensors import BitTensor, ConvShape, Stage
from .masks import MAX_ELEMENTS, MAX_SIZE, Amount, MaskSpec, Size, TensorMask
from .operands import Operands

MAX_PAD = 1 << 16

MAX_FILE_ELEMENTS = 1 << 32
"""Of all tensors that are drawn of a file: packed, half a GiB. All of VGG16 at a batch of 64 has 2^31."""

Positive = Annotated[int, Field(ge=1)]

_SHOWN = 40  # characters of a wrong cell


class ShapeSpec(Spec):
    """The shape of a layer: see `ConvShape`. A linear layer has h = w = r = s = 1."""

    n: Size = Field(1, description="images")
    c: Size = Field(description="input channels")
    h: Size = Field(1, description="input rows")
    w: Size = Field(1, description="input columns")
    k: Size = Field(description="output channels")
    r: Size = Field(1, description="filter rows")
    s: Size = Field(1, description="filter columns")
    stride: Size = Field(1, description="of rows and columns")
    pad: Annotated[int, Field(ge=0, le=MAX_PAD)] = Field(0, description="zeros around the input")
    groups: Size = Field(1, description="convolution groups")

    @model_validator(mode="after")
    def _possible(self) -> ShapeSpec:
        try:
            _check_elements(self.conv())
        except ValueError as error:
            raise misfit(str(error)) from None
        return self

    def conv(self) -> ConvShape:
        """As the cores take it."""
        return ConvShape(**self.model_dump())


def _check_elements(shape: ConvShape) -> None:
    for what, sides in (("input", shape.x_shape), ("weights", shape.w_shape), ("output", shape.y_shape)):
        if (elements := math.prod(sides)) > MAX_ELEMENTS:
            raise ValueError(f"its {what} would have {elements} elements; at most {MAX_ELEMENTS}")


class LayerSpec(Spec):
    """A layer; it runs the stages whose operands are given: FF needs x and w, BP dy and w, WG x and dy."""

    shape: ShapeSpec = Field(description="of the convolution")
    x: TensorMask | None = Field(None, description="input (n, h, w, c)")
    w: TensorMask | None = Field(None, description="weights (k, r, s, c / groups)")
    dy: TensorMask | None = Field(None, description="error behind the layer (n, p, q, k)")
    dx_needed: TensorMask | None = Field(
        None, description="where BP needs an output (n, h, w, c); x where left out: the ReLU in front of the layer"
    )

    @model_validator(mode="after")
    def _runs(self) -> LayerSpec:
        if sum(mask is not None for mask in (self.x, self.w, self.dy)) < 2:
            raise misfit("expected at least two of x, w and dy")
        if self.dx_needed is not None and (self.w is None or self.dy is None):
            raise misfit("of no use without w and dy: there is no BP", "dx_needed")
        return self


class CountsSpec(Spec):
    """A pointwise layer by its non-zeros per input channel."""

    C: Size = Field(description="input channels")
    M: Size = Field(description="output channels")
    E: Size = Field(description="output rows")
    F: Size = Field(description="output columns")
    nnz_iact_per_channel: tuple[Amount, ...] = Field(description="non-zero activations")
    nnz_weight_per_channel: tuple[Amount, ...] = Field(description="non-zero weights")
    dense_macs: Positive | None = Field(None, description="C * M * E * F, checked")
    published_cycles: Positive | None = Field(None, description="to compare with")

    @model_validator(mode="after")
    def _counted(self) -> CountsSpec:
        for name, places in (("nnz_iact_per_channel", self.E * self.F), ("nnz_weight_per_channel", self.M)):
            counts = getattr(self, name)
            if len(counts) != self.C:
                raise misfit(f"expected {self.C} counts, one of each input channel, got {len(counts)}", name)
            for at, count in enumerate(counts):
                if count > places:
                    raise misfit(f"at most {places} are possible, got {count}", name, at)
        if self.dense_macs not in (None, self.C * self.M * self.E * self.F):
            raise misfit(f"C * M * E * F is {self.C * self.M * self.E * self.F}, got {self.dense_macs}", "dense_macs")
        try:
            _check_elements(self.conv())
        except ValueError as error:
            raise misfit(str(error)) from None
        return self

    def conv(self) -> ConvShape:
        """As the cores take it."""
        return ConvShape(n=1, c=self.C, h=self.E, w=self.F, k=self.M, r=1, s=1)


@dataclass(frozen=True)
class Layer:
    """A layer ready to run: by stage its operands, and the cycles that somebody published of it, if any."""

    name: str
    place: Position
    shape: ConvShape
    operands: dict[Stage, Operands]
    published_cycles: int | None = None


def read_layers(file: str | Path, *, seed: int = 0, only: str = "*", density: float | None = None) -> list[Layer]:
    """The layers of a file whose names match the shell pattern `only`, in order. With `density`, every tensor is drawn
    at that density, whatever the file says of it, and no cycles count as published. Raises ScenarioError."""
    file = Path(file)
    if file.suffix == ".csv":
        entries: dict[str, tuple[Node, Any]] = dict(_read_csv(file))
    else:
        entries = dict(load_entries(file, _model_of, "layers by their names, each with shape and two of x, w, dy"))
    unnamed = [
        Problem(node.position, name, "expected a name of printable characters")
        for name, (node, _) in entries.items()
        if not name or not name.isprintable()
    ]
    if unnamed:
        raise ScenarioError(unnamed)
    chosen = {name: entry for name, entry in entries.items() if fnmatch.fnmatchcase(name, only)}
    if not chosen:
        raise ScenarioError(
            [Problem(Position(Source(str(file))), "", f"no layer '{only}'; {suggestion(only, entries)}")]
        )
    _check_total(chosen)
    problems: list[Problem] = []
    layers = [_layer(name, node, spec, seed, density, problems) for name, (node, spec) in chosen.items()]
    if problems:
        raise ScenarioError(problems)
    return layers


def _model_of(node: Node) -> type[Spec]:
    if not isinstance(node.value, dict):
        raise ScenarioError([Problem(node.position, "", "expected a layer: a mapping with shape, x, w, dy")])
    counts = sum(key in node.value for key in CountsSpec.model_fields)
    return CountsSpec if counts > sum(key in node.value for key in LayerSpec.model_fields) else LayerSpec


def _check_total(chosen: dict[str, tuple[Node, Any]]) -> None:
    """Raise ScenarioError at the layer with which all tensors together exceed MAX_FILE_ELEMENTS."""
    total = 0
    for name, (node, spec) in chosen.items():
        shape, given = _given(spec)
        total += sum(math.prod(_tensor_shapes(shape)[key]) for key in given)
        if total > MAX_FILE_ELEMENTS:
            message = (
                f"the tensors up to here have {total} elements; a run takes at most {MAX_FILE_ELEMENTS}, so choose "
                "fewer layers"
            )
            raise ScenarioError([Problem(node.position, name, message)])


def _given(spec: LayerSpec | CountsSpec) -> tuple[ConvShape, dict[str, MaskSpec]]:
    """The layer's shape, and the masks that its file gives."""
    if isinstance(spec, CountsSpec):
        return spec.conv(), {
            "x": MaskSpec.model_validate({"per_channel": list(spec.nnz_iact_per_channel)}),
            "w": MaskSpec.model_validate({"per_channel": list(spec.nnz_weight_per_channel)}),
        }
    masks = {key: mask for key in ("x", "w", "dy", "dx_needed") if (mask := getattr(spec, key)) is not None}
    return spec.shape.conv(), masks


def _tensor_shapes(shape: ConvShape) -> dict[str, tuple[int, ...]]:
    return {"x": shape.x_shape, "w": shape.w_shape, "dy": shape.y_shape, "dx_needed": shape.x_shape}


def _layer(
    name: str, node: Node, spec: LayerSpec | CountsSpec, seed: int, density: float | None, problems: list[Problem]
) -> Layer:
    shape, given = _given(spec)
    if density is not None:
        given = {key: MaskSpec.model_validate({"density": density}) for key in given}
    shapes = _tensor_shapes(shape)
    masks: dict[str, BitTensor] = {}
    for key, mask in given.items():
        try:
            masks[key] = BitTensor.from_bool(mask.draw(shapes[key], Stream(seed, f"replay/{name}/{key}")))
        except (ValueError, OSError) as error:
            place = node.child(key) or node
            problems.append(Problem(place.position, f"{name}.{key}", str(error)))
    published = spec.published_cycles if isinstance(spec, CountsSpec) and density is None else None
    return Layer(name, node.position, shape, stage_operands(**masks), published)


def stage_operands(
    x: BitTensor | None = None,
    w: BitTensor | None = None,
    dy: BitTensor | None = None,
    dx_needed: BitTensor | None = None,
) -> dict[Stage, Operands]:
    """What each stage works on, as far as it is given. BP needs dX where x is not zero unless `dx_needed` says
    otherwise (the ReLU in front of the layer); WG needs dW where w is not zero (pruned weights are not trained)."""
    result: dict[Stage, Operands] = {}
    if x is not None and w is not None:
        result[Stage.FF] = Operands(x=x, w=w)
    if dy is not None and w is not None:
        result[Stage.BP] = Operands(dy=dy, w=w, output_needed=x if dx_needed is None else dx_needed)
    if x is not None and dy is not None:
        result[Stage.WG] = Operands(x=x, dy=dy, output_needed=w)
    return result


# ---- CSV ------------------------------------------------------------------------------------------------------


_SIZES = ("R", "S", "P", "Q", "C", "K")
_DENSITIES = ("dW", "dI")


def _read_csv(file: Path) -> dict[str, tuple[Node, LayerSpec]]:
    """Columns beyond the needed ones are left alone."""
    source = Source(str(file), file.absolute())
    # Strict: else a quote that is never closed takes in the rest of the file.
    table = csv.reader(io.StringIO(_text(file, source), newline=""), strict=True)
    problems: list[Problem] = []
    result: dict[str, tuple[Node, LayerSpec]] = {}
    columns: list[str] = []
    try:
        columns = next(table, [])
        _check_columns(columns, source)
        line = table.line_num + 1
        for cells in table:
            place, line = Position(source, line, 1), table.line_num + 1
            if not cells:
                continue
            if len(cells) != len(columns):
                message = f"expected {len(columns)} cells, one of each column, got {len(cells)}"
                problems.append(Problem(place, "", message))
                continue
            row = dict(zip(columns, cells, strict=True))
            name = row["layer"]
            if name in result:
                problems.append(Problem(place, name, f"there is a layer of this name at {result[name][0].position}"))
                continue
            try:
                result[name] = Node(place, None), _of_row(row)
            except ValidationError as error:
                problems.append(Problem(place, name, error.errors()[0]["msg"]))
            except ValueError as error:
                problems.append(Problem(place, name, str(error)))
    except csv.Error as error:
        problems.append(Problem(Position(source, max(table.line_num, 1), 1), "", f"not CSV: {error}"))
    if problems:
        raise ScenarioError(problems)
    return result


def _text(file: Path, source: Source) -> str:
    """What is in a file of UTF-8, with or without a byte order mark."""
    here = Position(source)
    try:
        if file.exists() and not file.is_file():
            raise ScenarioError([Problem(here, "", "is a directory" if file.is_dir() else "is not a regular file")])
        if (size := file.stat().st_size) > MAX_BYTES:
            raise ScenarioError([Problem(here, "", f"{size} bytes; a file of layers has at most {MAX_BYTES}")])
        content = file.read_bytes()
    except OSError as error:
        raise ScenarioError([Problem(here, "", (error.strerror or str(error)).lower())]) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ScenarioError([Problem(Position(source, line, column), "", "not UTF-8")]) from None


def _check_columns(columns: list[str], source: Source) -> None:
    for name in ("layer", *_SIZES, *_DENSITIES):
        if columns.count(name) != 1:
            message = (
                f"column '{name}' twice" if name in columns else f"no column '{name}'; {suggestion(name, columns)}"
            )
            raise ScenarioError([Problem(Position(source, 1, 1), "", message)])


def _of_row(row: dict[str, str]) -> LayerSpec:
    sizes = {name: _size(name, row[name]) for name in _SIZES}
    if sizes["R"] != sizes["S"] or sizes["R"] % 2 == 0:
        raise ValueError(f"R, S: expected a square filter of odd size, got {sizes['R']} x {sizes['S']}")
    densities = {name: _density(name, row[name]) for name in _DENSITIES}
    shape = {"c": sizes["C"], "h": sizes["P"], "w": sizes["Q"], "k": sizes["K"], "r": sizes["R"], "s": sizes["S"]}
    return LayerSpec.model_validate(
        {"shape": shape | {"pad": sizes["R"] // 2}, "x": densities["dI"], "w": densities["dW"]}
    )


def _size(name: str, text: str) -> int:
    digits = text.lstrip("0")
    if not (digits.isascii() and digits.isdecimal()):
        raise ValueError(f"{name}: expected a whole number of at least 1, got '{text[:_SHOWN]}'")
    if len(digits) > len(str(MAX_SIZE)) or int(digits) > MAX_SIZE:
        raise ValueError(f"{name}: must be at most {MAX_SIZE}, got {text[:_SHOWN]}")
    return int(digits)


def _density(name: str, text: str) -> float:
    try:
        density = float(text)
    except ValueError:
        density = math.nan
    if not 0 <= density <= 1:
        raise ValueError(f"{name}: expected a density from 0 to 1, got '{text[:_SHOWN]}'")
    return density
