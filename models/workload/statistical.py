"""The statistical workload: no values, but seeded random masks of given densities.

Each mask comes from a random stream of its own, named by layer, tensor and iteration, so that which iterations are
asked for in detail changes none of them. The element at channel c of a tensor of density d is non-zero with a
probability between d - m and d + m, m = `channel_spread` * min(d, 1 - d), drawn once for each channel: real sparsity is
correlated along channels, and independent masks make skipping look better balanced than it is.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from ..numerics import Format, round_to
from ..numerics.streams import Stream
from ..pruning.interface import Mask
from ..tensors import BitTensor, Stage
from .functional import MakePruning
from .interface import Iteration, LayerInfo, LayerSparsity, Operation, Step
from .recorder import WIDE_BYTES, Recorder, mask_bytes
from .schema import StatisticalSpec

_FULL = 1 << 16
_LOW_BYTES = 1


class StatisticalWorkload:
    """Delivers `spec.iterations` iterations of masks. See `Workload` for the contract.

    Without values there is no network around the layers: it is assumed that each has a bias, a ReLU behind it, its
    output rounded to 8 bits, and an update by gradient descent with momentum. A pruning schedule works on random
    weights, uniform and rounded to FP8, that do not change but for what is pruned.
    """

    def __init__(self, spec: StatisticalSpec, make_pruning: MakePruning, *, seed: int) -> None:
        self._spec = spec
        self._seed = seed
        self._layers = {layer.name: layer for layer in spec.layers}
        self._shapes = {layer.name: layer.shape(spec.batch) for layer in spec.layers}
        self._pruning = make_pruning(self._shapes, spec.iterations)
        self._masks: dict[str, Mask] = {}
        self._weights: dict[str, npt.NDArray[np.float32]] = {}
        for name, shape in self._shapes.items():
            self._masks[name] = self._draw(name, "w", shape.w_shape, self._layers[name].density.w)
            uniform = Stream(seed, f"weights/{name}").uniform(self._masks[name].size).astype(np.float32)
            values = round_to(uniform.reshape(shape.w_shape) * np.float32(2) - np.float32(1), Format.FP8_E4M3)
            self._weights[name] = np.where(self._masks[name], values, np.float32(0))
        self._started = False

    @property
    def layers(self) -> tuple[LayerInfo, ...]:
        """The layers, in order."""
        return tuple(LayerInfo(name, self._shapes[name], not layer.first) for name, layer in self._layers.items())

    @property
    def total_iterations(self) -> int:
        """As described."""
        return self._spec.iterations

    def evaluate(self) -> None:
        """Nothing is computed, so nothing is accurate."""
        return

    def prunes_in(self, iteration: int) -> bool:
        """See `Workload`."""
        return self._pruning.is_due(iteration)

    def iterations(self, detailed: Container[int] | None = None) -> Iterator[Iteration]:
        """Draw the masks; see `Workload.iterations`."""
        if self._started:
            raise RuntimeError("a workload runs once; build another one")
        self._started = True
        return self._run(detailed)

    def _run(self, detailed: Container[int] | None) -> Iterator[Iteration]:
        for index in range(self._spec.iterations):
            wanted = detailed is None or index in detailed
            steps = self._training_steps(index) if wanted else []
            events = self._pruning.events(index, self._weights, self._masks)
            for event in events:
                self._masks[event.layer] = event.mask
                self._weights[event.layer] = np.where(event.mask, self._weights[event.layer], np.float32(0))
            if wanted:
                steps += [*events, *self._updates()]
            yield Iteration(index, 0, wanted, tuple(steps), events, None, self._sparsity())

    def _sparsity(self) -> Mapping[str, LayerSparsity]:
        return {name: LayerSparsity.of(mask, self._pruning.unit) for name, mask in self._masks.items()}

    def _probabilities(self, layer: str, tensor: str, channels: int, density: float) -> npt.NDArray[np.float64]:
        """By channel, in units of 1 / 65536, before rounding."""
        reach = self._spec.channel_spread * min(density, 1.0 - density)
        centred = Stream(self._seed, f"spread/{layer}/{tensor}").uniform(channels) * 2.0 - 1.0
        return np.asarray((density + reach * centred) * _FULL)

    def _draw(self, layer: str, tensor: str, shape: tuple[int, ...], density: float, at: str = "") -> Mask:
        return self._draw_nested(layer, tensor, shape, (density,), at)[0]

    def _draw_nested(
        self, layer: str, tensor: str, shape: tuple[int, ...], densities: tuple[float, ...], at: str = ""
    ) -> tuple[Mask, ...]:
        """Masks of several densities from the same draws: where a thinner one is set, the denser ones are."""
        draws = Stream(self._seed, f"masks/{layer}/{tensor}{at}").shorts(int(np.prod(shape))).reshape(shape)
        thresholds = [np.floor(self._probabilities(layer, tensor, shape[-1], d) + 0.5) for d in densities]
        return tuple(np.asarray(draws < t.astype(np.uint32)) for t in thresholds)

    def _training_steps(self, index: int) -> list[Step]:
        """FF of all layers, then BP and WG from the last to the first."""
        recorder = Recorder(True)
        backward: list[tuple[str, str, Mask, Mask | None]] = []
        source = "input"
        size = int(np.prod(next(iter(self._shapes.values())).x_shape))
        _quantize(recorder, source, Stage.FF, size, source)
        for name, layer in self._layers.items():
            z, density, at = self._shapes[name], layer.density, f"/{index}"
            live = density.x if density.output_needed is None else density.output_needed
            x, needed = self._draw_nested(name, "x", z.x_shape, (density.x, live), at)
            backward.append((name, source, x, needed if live < 1.0 else None))
            reads = (f"{source}.low", f"{name}.w.low")
            recorder.steps.append(
                Operation(name, Stage.FF, z, reads, f"{name}.sums", x=_bits(x), w=_bits(self._masks[name]))
            )
            source = f"{name}.relu"
            _forward_vectors(recorder, name, int(np.prod(z.y_shape)), z.k)
        for name, source, x, live_mask in reversed(backward):
            z, mask = self._shapes[name], self._masks[name]
            dy = _bits(self._draw(name, "dy", z.y_shape, self._layers[name].density.dy, f"/{index}"))
            _backward_vectors(recorder, name, int(np.prod(z.y_shape)), z.k)
            if not self._layers[name].first:
                recorder.steps.append(
                    Operation(
                        name,
                        Stage.BP,
                        z,
                        (f"{name}.gradient.low", f"{name}.w.low", f"{source}.mask"),
                        f"{source}.gradient",
                        w=_bits(mask),
                        dy=dy,
                        output_needed=None if live_mask is None else _bits(live_mask),
                    )
                )
            pruned = None if mask.all() else _bits(mask)
            of_wg = (f"{source}.low", f"{name}.gradient.low", f"{name}.w.mask")
            recorder.steps.append(
                Operation(name, Stage.WG, z, of_wg, f"{name}.w.gradient", x=_bits(x), dy=dy, output_needed=pruned)
            )
        return recorder.steps

    def _updates(self) -> list[Step]:
        recorder = Recorder(True)
        for name, mask in self._masks.items():
            size, kept = mask.size, int(np.count_nonzero(mask))
            wide, bits = kept * WIDE_BYTES, mask_bytes(size) if kept < size else 0
            recorder.vector(
                "update",
                name,
                Stage.WG,
                elements=(kept, kept),
                operations_per_element=8,
                reads={f"{name}.w.gradient": wide, f"{name}.w.master": wide, f"{name}.w.momentum": wide}
                | ({f"{name}.w.mask": bits} if bits else {}),
                writes={f"{name}.w.master": wide, f"{name}.w.momentum": wide, f"{name}.w.low": kept * _LOW_BYTES}
                | ({f"{name}.w.mask": bits} if bits else {}),
            )
        return recorder.steps


def _bits(mask: Mask) -> BitTensor:
    return BitTensor.from_bool(mask)


def _quantize(recorder: Recorder, layer: str, stage: Stage, size: int, tensor: str) -> None:
    recorder.vector(
        "quantize",
        layer,
        stage,
        elements=(size, size),
        operations_per_element=2,
        reads={tensor: size * WIDE_BYTES},
        writes={f"{tensor}.low": size * _LOW_BYTES},
    )


def _forward_vectors(recorder: Recorder, name: str, size: int, channels: int) -> None:
    wide = size * WIDE_BYTES
    recorder.vector(
        "bias",
        name,
        Stage.FF,
        elements=(size, size),
        operations_per_element=2,
        reads={f"{name}.sums": wide, f"{name}.bias": channels * WIDE_BYTES},
        writes={name: wide},
    )
    recorder.vector(
        "relu",
        name,
        Stage.FF,
        elements=(size, size),
        operations_per_element=1,
        reads={name: wide},
        writes={f"{name}.relu": wide, f"{name}.relu.mask": mask_bytes(size)},
    )
    _quantize(recorder, name, Stage.FF, size, f"{name}.relu")


def _backward_vectors(recorder: Recorder, name: str, size: int, channels: int) -> None:
    wide, gradient = size * WIDE_BYTES, f"{name}.gradient"
    recorder.vector(
        "relu",
        name,
        Stage.BP,
        elements=(size, size),
        operations_per_element=1,
        reads={f"{name}.relu.gradient": wide, f"{name}.relu.mask": mask_bytes(size)},
        writes={gradient: wide},
    )
    _quantize(recorder, name, Stage.BP, size, gradient)
    recorder.vector(
        "bias_gradient",
        name,
        Stage.WG,
        elements=(size, channels),
        operations_per_element=1,
        reads={gradient: wide},
        writes={f"{name}.bias.gradient": channels * WIDE_BYTES},
    )
