"""What the vector work of each kind of layer reads, computes and writes: its entries in a `Recorder`.

All sizes follow from shapes; so the functional workload, which computes values, and those that only know masks note the
same steps. Tensors are named by the layer that made them: NAME the output (FP32), NAME.low its copy in a number format,
NAME.gradient, NAME.gradient.low, NAME.mask where a ReLU let it pass. Of a parameter P, NAME.w or the like, P.master is
what is read and updated, P.gradient what the update reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..numerics import Accumulate, Format
from ..tensors import Stage
from .recorder import WIDE_BYTES, Recorder, mask_bytes


@dataclass(frozen=True)
class Formats:
    """Number formats of what the multipliers see."""

    activation: Format = Format.FP8_E4M3
    weight: Format = Format.FP8_E4M3
    gradient: Format = Format.FP8_E5M2
    accumulate: Accumulate = Accumulate.FP32


def _wide(elements: int) -> int:
    return elements * WIDE_BYTES


def quantize(recorder: Recorder, layer: str, stage: Stage, tensor: str, size: int, fmt: Format) -> None:
    """Scale and round a tensor into a number format."""
    recorder.vector(
        "quantize",
        layer,
        stage,
        elements=(size, size),
        operations_per_element=2,
        reads={tensor: _wide(size)},
        writes={f"{tensor}.low": size * fmt.bits // 8},
    )


# ---- multiply-accumulates ------------------------------------------------------------------------------------------


def sums_forward(recorder: Recorder, name: str, size: int, channels: int, *, bias: bool) -> None:
    """Take the scales out of the sums, and add the bias."""
    reads = {f"{name}.sums": _wide(size)}
    if bias:
        reads[f"{name}.bias.master"] = _wide(channels)
    recorder.vector(
        "bias" if bias else "scale",
        name,
        Stage.FF,
        elements=(size, size),
        operations_per_element=2 if bias else 1,
        reads=reads,
        writes={name: _wide(size)},
    )


def bias_gradient(recorder: Recorder, name: str, size: int, channels: int) -> None:
    """The sums of the gradient over all positions."""
    recorder.vector(
        "bias_gradient",
        name,
        Stage.WG,
        elements=(size, channels),
        operations_per_element=1,
        reads={f"{name}.gradient": _wide(size)},
        writes={f"{name}.bias.gradient": _wide(channels)},
    )


# ---- activation functions ------------------------------------------------------------------------------------------


def relu_forward(recorder: Recorder, name: str, source: str, size: int, *, limited: bool = False) -> None:
    """A compare, two with a limit; and the mask for BP."""
    recorder.vector(
        "relu",
        name,
        Stage.FF,
        elements=(size, size),
        operations_per_element=2 if limited else 1,
        reads={source: _wide(size)},
        writes={name: _wide(size), f"{name}.mask": mask_bytes(size)},
    )


def relu_backward(recorder: Recorder, name: str, source: str, size: int) -> None:
    """The gradient where the mask lets it pass."""
    recorder.vector(
        "relu",
        name,
        Stage.BP,
        elements=(size, size),
        operations_per_element=1,
        reads={f"{name}.gradient": _wide(size), f"{name}.mask": mask_bytes(size)},
        writes={f"{source}.gradient": _wide(size)},
    )


def gelu_forward(recorder: Recorder, name: str, source: str, size: int) -> None:
    """Two multiplies and an add for the cubic, a multiply, exp, add, divide and multiply behind it."""
    recorder.vector(
        "gelu",
        name,
        Stage.FF,
        elements=(size, size),
        operations_per_element=8,
        reads={source: _wide(size)},
        writes={name: _wide(size)},
    )


def gelu_backward(recorder: Recorder, name: str, source: str, size: int) -> None:
    """The forward again but for its last multiply, then the product rule: five multiplies and three adds."""
    recorder.vector(
        "gelu",
        name,
        Stage.BP,
        elements=(size, size),
        operations_per_element=15,
        reads={f"{name}.gradient": _wide(size), source: _wide(size)},
        writes={f"{source}.gradient": _wide(size)},
    )


# ---- pooling -------------------------------------------------------------------------------------------------------


def pool_forward(
    recorder: Recorder, name: str, source: str, sizes: tuple[int, int], index_bits: int, *, gated: bool
) -> None:
    """One operation for each input; a maximum also writes which it took, in `index_bits` (0: a mean). What comes from a
    ReLU (`gated`) is not negative; where it is zero its gradient is not needed, and that is written as a mask."""
    before, after = sizes
    writes = {name: _wide(after)}
    if gated:
        writes[f"{name}.mask"] = mask_bytes(after)
    if index_bits:
        writes[f"{name}.index"] = mask_bytes(after * index_bits)
    recorder.vector(
        "max_pool" if index_bits else "mean_pool",
        name,
        Stage.FF,
        elements=(before, after),
        operations_per_element=1,
        reads={source: _wide(before)},
        writes=writes,
    )


def pool_backward(recorder: Recorder, name: str, source: str, sizes: tuple[int, int], index_bits: int) -> None:
    """Each gradient to where its maximum came from, or to all of its window."""
    before, after = sizes
    reads = {f"{name}.gradient": _wide(after)}
    if index_bits:
        reads[f"{name}.index"] = mask_bytes(after * index_bits)
    recorder.vector(
        "max_pool" if index_bits else "mean_pool",
        name,
        Stage.BP,
        elements=(after, before),
        operations_per_element=1,
        reads=reads,
        writes={f"{source}.gradient": _wide(before)},
    )


def index_bits(size: int) -> int:
    """Bits that say which element of a window was the maximum."""
    return max(1, (size**2 - 1).bit_length())


# ---- normalisation -------------------------------------------------------------------------------------------------


def norm_forward(
    recorder: Recorder, kind: str, name: str, source: str, size: int, *, rows: int, channels: int, running: bool
) -> None:
    """Statistics: sum and sum of squares; then subtract, two multiplies, add. `rows` means and variances are kept;
    scale, shift and, where there are `running` statistics, those are read beside the tensor, which is read twice."""
    state = {f"{name}.gamma.master": _wide(channels), f"{name}.beta.master": _wide(channels)}
    if running:
        state[f"{name}.running"] = 2 * _wide(channels)
    recorder.vector(
        kind,
        name,
        Stage.FF,
        elements=(size, size),
        operations_per_element=7,
        reads={source: 2 * _wide(size)} | state,
        writes={name: _wide(size), f"{name}.stats": 2 * _wide(rows)},
    )


def norm_backward(
    recorder: Recorder, kind: str, name: str, source: str, size: int, *, rows: int, channels: int
) -> None:
    """Normalise again, two sums, then the centred gradient."""
    recorder.vector(
        kind,
        name,
        Stage.BP,
        elements=(size, size),
        operations_per_element=11,
        reads={
            f"{name}.gradient": 2 * _wide(size),
            source: 2 * _wide(size),
            f"{name}.stats": 2 * _wide(rows),
        },
        writes={
            f"{source}.gradient": _wide(size),
            f"{name}.gamma.gradient": _wide(channels),
            f"{name}.beta.gradient": _wide(channels),
        },
    )


# ---- sums of tensors -----------------------------------------------------------------------------------------------


def add_forward(recorder: Recorder, name: str, sources: Sequence[str], size: int, *, gated: bool) -> None:
    """The sum of two tensors; the mask as in `pool_forward`, if both come from a ReLU."""
    recorder.vector(
        "add",
        name,
        Stage.FF,
        elements=(2 * size, size),
        operations_per_element=1,
        reads={source: _wide(size) for source in sources},
        writes={name: _wide(size)} | ({f"{name}.mask": mask_bytes(size)} if gated else {}),
    )


def add_backward(recorder: Recorder, name: str, sources: Sequence[str], size: int) -> None:
    """The same gradient for both: nothing to compute, but two names."""
    recorder.vector(
        "add",
        name,
        Stage.BP,
        elements=(size, 2 * size),
        operations_per_element=0,
        reads={f"{name}.gradient": _wide(size)},
        writes={f"{source}.gradient": _wide(size) for source in sources},
    )


def add_gradients(recorder: Recorder, name: str, size: int) -> None:
    """Another reader's gradient of tensor `name` on top of those before."""
    recorder.vector(
        "add",
        name,
        Stage.BP,
        elements=(2 * size, size),
        operations_per_element=1,
        reads={f"{name}.gradient": 2 * _wide(size)},
        writes={f"{name}.gradient": _wide(size)},
    )


def position_forward(recorder: Recorder, name: str, source: str, size: int, positions: int) -> None:
    """Add the `positions` trainable values to every image."""
    recorder.vector(
        "position",
        name,
        Stage.FF,
        elements=(size, size),
        operations_per_element=1,
        reads={source: _wide(size), f"{name}.values.master": _wide(positions)},
        writes={name: _wide(size)},
    )


def position_backward(recorder: Recorder, name: str, source: str, size: int, positions: int) -> None:
    """The gradient handed on, and its sums over the images."""
    recorder.vector(
        "position",
        name,
        Stage.BP,
        elements=(size, size),
        operations_per_element=1,
        reads={f"{name}.gradient": _wide(size)},
        writes={f"{source}.gradient": _wide(size), f"{name}.values.gradient": _wide(positions)},
    )


# ---- attention and loss --------------------------------------------------------------------------------------------


def softmax_forward(recorder: Recorder, name: str, size: int) -> None:
    """Of the scores: scale, compare, subtract, exp, add, divide."""
    recorder.vector(
        "softmax",
        name,
        Stage.FF,
        elements=(size, size),
        operations_per_element=6,
        reads={f"{name}.scores.sums": _wide(size)},
        writes={f"{name}.weights": _wide(size)},
    )


def softmax_backward(recorder: Recorder, name: str, size: int) -> None:
    """Multiply and add for the row sums, then subtract, multiply, and scale."""
    recorder.vector(
        "softmax",
        name,
        Stage.BP,
        elements=(size, size),
        operations_per_element=5,
        reads={f"{name}.weights.gradient": _wide(size), f"{name}.weights": _wide(size)},
        writes={f"{name}.scores.gradient": _wide(size)},
    )


def loss(recorder: Recorder, last: str, size: int, images: int) -> None:
    """Subtract, exp, divide, subtract; a compare for the maximum and an add for the sum."""
    recorder.vector(
        "softmax_xent",
        last,
        Stage.FF,
        elements=(size, size),
        operations_per_element=6,
        reads={last: _wide(size), "labels": _wide(images)},
        writes={f"{last}.gradient": _wide(size)},
    )


# ---- update --------------------------------------------------------------------------------------------------------


def update(
    recorder: Recorder,
    layer: str,
    parameter: str,
    *,
    size: int,
    kept: int,
    moments: Sequence[str],
    operations: int,
    low: Format | None,
    masked: bool,
) -> None:
    """An optimiser's step: only the `kept` unpruned values are touched; with `low`, their copy is rounded (two more
    operations); with a mask, it is read to know them, and written with the copy."""
    state = {f"{parameter}.{part}": _wide(kept) for part in ("master", *moments)}
    writes = dict(state)
    if low is not None:
        operations += 2
        writes[f"{parameter}.low"] = kept * low.bits // 8
    mask = {f"{parameter}.mask": mask_bytes(size)} if masked else {}
    recorder.vector(
        "update",
        layer,
        Stage.WG,
        elements=(kept, kept),
        operations_per_element=operations,
        reads={f"{parameter}.gradient": _wide(kept)} | state | mask,
        writes=writes | mask,
    )


def rewind(
    recorder: Recorder, layer: str, parameter: str, *, size: int, kept: int, moments: Sequence[str], low: Format
) -> None:
    """The `kept` weights read back from their snapshot and written, with zeros for their moments; their copy is rounded
    (two operations beside that of moving one) and written where the mask, which is read, keeps it."""
    recorder.vector(
        "rewind",
        layer,
        Stage.WG,
        elements=(kept, kept),
        operations_per_element=3,
        reads={f"{parameter}.snapshot": _wide(kept), f"{parameter}.mask": mask_bytes(size)},
        writes={f"{parameter}.{part}": _wide(kept) for part in ("master", *moments)}
        | {f"{parameter}.low": kept * low.bits // 8},
    )


def regrow(recorder: Recorder, layer: str, parameter: str, *, looked_at: int) -> None:
    """Gradients of pruned weights, each compared once."""
    recorder.vector(
        "regrow",
        layer,
        Stage.WG,
        elements=(looked_at, looked_at),
        operations_per_element=1,
        reads={f"{parameter}.gradient": _wide(looked_at)},
        writes={},
    )
