"""The zeros of one tensor in a file of layers: every way to give them, and how they are drawn where only counted.

Random masks are drawn element by element, each tensor from a stream of its own.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, model_validator

from cosim._suggest import suggestion
from cosim.arrays import DAMAGES, Arrays, open_archive
from cosim.scenario import InputFile, Spec, misfit

from ..numerics.streams import Stream

Mask = npt.NDArray[np.bool_]
MAX_SIZE = 1 << 24
"""Of a side of a layer, as in workloads."""

MAX_ELEMENTS = 1 << 28
"""Of one tensor, which is drawn element by element; the largest of VGG16 at a batch of 64 has 2^27.6."""

Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Amount = Annotated[int, Field(ge=0, le=MAX_ELEMENTS)]
Share = Annotated[float, Field(ge=0, le=1)]

_FULL = 1 << 16
_MAX_ITEM = 16  # bytes of the widest number that counts
_MAX_HEADER = 1 << 16  # of an array in an archive


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
