"""Files of layers for `cosim core replay`: shapes, and the zeros of their operands as masks, densities or counts.

A JSON (or YAML) file maps names to layers. A layer is either a general one (`LayerSpec`), or a pointwise one given by
its non-zeros per input channel (`CountsSpec`, the format of the Sparseloop artifact). A CSV file has a layer a line:
`layer,R,S,P,Q,C,K,dW,dI`, with densities; its convolutions have stride 1 and keep the size of their input.

Random masks are drawn element by element, each tensor from a stream of its own, named by layer and tensor.
"""

from __future__ import annotations

import base64
import binascii
import csv
import fnmatch
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from cosim._suggest import suggestion
from cosim.arrays import DAMAGES, Arrays, open_archive
from cosim.scenario import InputFile, Problem, ScenarioError, Spec, load_entries, misfit
from cosim.scenario.errors import Position, Source
from cosim.scenario.tree import MAX_BYTES, Node

from ..numerics.streams import Stream
from ..tensors import BitTensor, ConvShape, Stage
from .operands import Operands

Mask = npt.NDArray[np.bool_]
MAX_SIZE = 1 << 24
"""Of a side of a layer, as in workloads."""

MAX_PAD = 1 << 16

MAX_ELEMENTS = 1 << 28
"""Of one tensor, which is drawn element by element; the largest of VGG16 at a batch of 64 has 2^27.6."""

MAX_FILE_ELEMENTS = 1 << 32
"""Of all tensors that are drawn of a file: packed, half a GiB. All of VGG16 at a batch of 64 has 2^31."""

Positive = Annotated[int, Field(ge=1)]
Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Amount = Annotated[int, Field(ge=0, le=MAX_ELEMENTS)]
Share = Annotated[float, Field(ge=0, le=1)]
Tensor = Callable[[tuple[int, ...], str], Mask]

_FULL = 1 << 16
_MAX_ITEM = 16  # bytes of the widest number that counts
_MAX_HEADER = 1 << 16  # of an array in an archive
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


class MaskSpec(Spec):
    """The zeros of one tensor, in one of these ways. A bare number is a density, a bare list is `bits`."""

    density: Share | None = Field(None, description="share of non-zeros, drawn at random")
    coarse: Share = Field(
        0.0, description="with `density`: share of the zeros that lie in whole coarse units (weights)"
    )
    # Lists, not tuples: behind a BeforeValidator the strict schema sees Python's objects, not JSON.
    unit: list[Size] = Field(
        [4, 4], min_length=2, max_length=2, description="with `coarse`: output x input channels of a unit"
    )
    per_channel: list[Amount] | None = Field(
        None, description="non-zeros of each channel (last axis), at random places"
    )
    bits: list[Any] | None = Field(None, description="0 and 1 in the tensor's shape, or flat")
    base64: str | None = Field(None, description="packed bits in the tensor's order, the first in the lowest bit")
    npz: InputFile | None = Field(None, description="a NumPy archive; what is not zero in `array` counts")
    array: str = Field("", description="with `npz`: name of the array")

    @model_validator(mode="after")
    def _one_way(self) -> MaskSpec:
        ways = ("density", "per_channel", "bits", "base64", "npz")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            raise misfit(f"expected one of {', '.join(ways)}, got {' and '.join(given) or 'none'}")
        if self.coarse and self.density is None:
            raise misfit("goes with density only", "coarse")
        if (self.npz is None) != (not self.array):
            raise misfit("npz and array go together")
        return self

    def draw(self, shape: tuple[int, ...], stream: Stream) -> Mask:
        """The mask. Raises ValueError where what is given does not fit `shape`."""
        if self.density is not None:
            return _random(shape, self.density, self.coarse, (self.unit[0], self.unit[1]), stream)
        if self.per_channel is not None:
            return _placed(shape, np.array(self.per_channel, dtype=np.int64), stream)
        size = int(np.prod(shape))
        if self.bits is not None:
            try:
                values = np.array(self.bits)
            except ValueError:
                raise ValueError("bits: rows of different lengths") from None
            if values.dtype.kind not in "ib" or not np.isin(values, (0, 1)).all():
                raise ValueError("bits: expected 0 and 1 only")
            return _shaped(values, shape, "bits")
        if self.base64 is not None:
            try:
                octets = np.frombuffer(base64.b64decode(self.base64, validate=True), dtype=np.uint8)
            except binascii.Error as error:
                raise ValueError(f"base64: {str(error).lower()}") from None
            if octets.size != -(-size // 8):
                raise ValueError(f"base64: expected {-(-size // 8)} bytes for {shape}, got {octets.size}")
            return np.unpackbits(octets, bitorder="little")[:size].astype(bool).reshape(shape)
        assert self.npz is not None
        return _shaped(_from_archive(self.npz, self.array, size) != 0, shape, f"array '{self.array}'")


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return {"bits": value}
    return {"density": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


TensorMask = Annotated[MaskSpec, BeforeValidator(_bare)]


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
        entries = dict(load_entries(file, _model_of))
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


# ---- masks ----------------------------------------------------------------------------------------------------


def _random(shape: tuple[int, ...], density: float, coarse: float, unit: tuple[int, int], stream: Stream) -> Mask:
    """Non-zeros at random. A share `coarse` of the zeros lies in coarse units: each unit is one with that
    probability, and what is not in one is non-zero so much more often."""
    in_units = coarse * (1.0 - density)
    left = density / (1.0 - in_units) if in_units < 1.0 else 0.0
    mask = stream.shorts(int(np.prod(shape))).reshape(shape) < _threshold(left)
    if coarse:
        unit = min(unit[0], shape[0]), min(unit[1], shape[-1])  # what sticks out is cut off
        units = (-(-shape[0] // unit[0]), *shape[1:-1], -(-shape[-1] // unit[1]))
        live = stream.shorts(int(np.prod(units))).reshape(units) >= _threshold(in_units)
        live = np.repeat(np.repeat(live, unit[0], axis=0), unit[1], axis=-1)
        mask &= live[: shape[0], ..., : shape[-1]]
    return np.asarray(mask)


def _threshold(probability: float) -> np.uint32:
    return np.uint32(int(probability * _FULL + 0.5))


def _placed(shape: tuple[int, ...], counts: npt.NDArray[np.int64], stream: Stream) -> Mask:
    """So many non-zeros in each channel, at random places."""
    places, channels = int(np.prod(shape[:-1])), shape[-1]
    if counts.size != channels:
        raise ValueError(f"per_channel: expected {channels} counts, got {counts.size}")
    if counts.max() > places:
        raise ValueError(f"per_channel: at most {places} are possible, got {counts.max()}")
    order = np.argsort(stream.words(places * channels).reshape(places, channels), axis=0, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(places)[:, None], axis=0)
    return np.asarray((ranks < counts).reshape(shape))


def _shaped(values: npt.NDArray[Any], shape: tuple[int, ...], what: str) -> Mask:
    if values.shape != shape and values.shape != (int(np.prod(shape)),):
        raise ValueError(f"{what}: expected the shape {shape}, got {values.shape}")
    return np.asarray(values.reshape(shape).astype(bool))


def _from_archive(file: Path, array: str, size: int) -> npt.NDArray[Any]:
    """An array of about `size` numbers; one that takes much more room is not read."""
    try:
        archive = open_archive(file)
    except DAMAGES:
        raise ValueError(f"{file.name}: not a NumPy archive, or damaged") from None
    with archive:
        arrays = Arrays(archive)
        if array not in list(arrays):
            raise ValueError(f"{file.name}: no array '{array}'; {suggestion(array, arrays)}")
        length = archive.getinfo(f"{array}.npy").file_size
        if length > _MAX_ITEM * size + _MAX_HEADER:
            raise ValueError(f"array '{array}': {length} bytes are too many for {size} elements")
        try:
            values = arrays[array]
        except DAMAGES as error:
            raise ValueError(f"{file.name}: array '{array}' is damaged: {error or type(error).__name__}") from None
    if values.dtype.kind not in "biuf" or (values.dtype.kind == "f" and not np.isfinite(values).all()):
        raise ValueError(f"array '{array}': expected booleans, integers or finite numbers")
    return values


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
