"""The statistical workload: no values, but seeded random masks of given densities (`masks`)."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.arrays import Under

from ..numerics import Format, round_to
from ..numerics.streams import Stream
from ..pruning.interface import Mask, PruneEvent
from ..tensors import BitTensor, Stage
from . import notes
from .errors import NetworkError
from .functional import MakePruning
from .graph import MAX_ELEMENTS, Graph
from .interface import Iteration, LayerInfo, LayerSparsity, Operation, RunsOnce, Step
from .masks import DrawnMasks, Draws, NetworkDensities
from .recorder import Recorder
from .schema import StatisticalSpec
from .walk import Walk, updates


class StatisticalWorkload(RunsOnce):
    """Delivers `spec.iterations` iterations of masks. See `Workload` for the contract.

    Layers without a network around them are assumed to have a bias, and a ReLU behind them. The update is by gradient
    descent with momentum. A pruning schedule works on random weights, uniform and rounded to FP8, that do not change
    but for what is pruned.
    """

    def __init__(self, spec: StatisticalSpec, make_pruning: MakePruning, *, seed: int) -> None:
        self._spec = spec
        self._seed = seed
        self._draws = Draws(seed, spec.channel_spread, spec.channels, spec.planes)
        self._formats = notes.Formats(spec.formats.activation, spec.formats.weight, spec.formats.gradient)
        self._layers = {layer.name: layer for layer in spec.layers}
        self._info = statistical_layers(spec)
        self._shapes = {layer.name: layer.shape for layer in self._info if layer.has_weights}
        if spec.network is None:
            densities = {name: layer.density.w for name, layer in self._layers.items()}
            coarse = {name: layer.density.coarse_share for name, layer in self._layers.items()}
            sources = {name: (name, layer.c) for name, layer in self._layers.items()}
        else:
            self._graph = Graph(spec.network)
            self._densities = NetworkDensities(self._graph, spec.density, spec.densities)
            densities, coarse = self._densities.w, self._densities.coarse
            sources = {node.name: (node.sources[0], node.input_shapes[0][2]) for node in self._graph.mac_nodes}
        self._pruning = make_pruning(self._shapes, spec.iterations)
        self._masks: dict[str, Mask] = {}
        for name, shape in self._shapes.items():
            # Whole tiles of zeros first, then single zeros in what is left: together they make the density.
            in_units = coarse[name] * (1.0 - densities[name])
            rest = densities[name] / (1.0 - in_units) if in_units < 1.0 else 0.0
            mask = self._draws.weights(name, sources[name], shape.w_shape, rest)
            if in_units:
                mask &= self._draws.outside_units(name, shape.w_shape, in_units, spec.coarse_unit)
            self._masks[name] = mask
        self._weights: dict[str, npt.NDArray[np.float32]] = {}
        self._counted: dict[str, tuple[Mask, LayerSparsity]] = {}

    @property
    def layers(self) -> tuple[LayerInfo, ...]:
        """The layers, in order."""
        return self._info

    @property
    def total_iterations(self) -> int:
        """As described."""
        return self._spec.iterations

    def evaluate(self) -> None:
        """Nothing is computed, so nothing is accurate."""
        return

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """See `Workload`: what pruning has made of the weights; every mask drawn has a stream of its own."""
        state: dict[str, npt.NDArray[Any]] = {}
        if self._weights:
            state |= {f"{name}.w/mask": mask for name, mask in self._masks.items()}
            state |= {f"{name}.w/values": values for name, values in self._weights.items()}
        return state | {f"pruning/{name}": value for name, value in self._pruning.state().items()}

    def restore(self, done: int, state: Under) -> None:
        """See `Workload`."""
        if any(not name.startswith("pruning/") for name in state):
            for name, mask in self._masks.items():
                self._masks[name] = state.like(f"{name}.w/mask", mask)
                self._weights[name] = state.like(f"{name}.w/values", np.zeros(mask.shape, dtype=np.float32))
        self._pruning.restore(dict(Under(state, "pruning")))
        self._done = done

    def prunes_in(self, iteration: int) -> bool:
        """See `Workload`."""
        return self._pruning.is_due(iteration)

    def _run(self, detailed: Container[int] | None) -> Iterator[Iteration]:
        """Draw the masks; see `Workload.iterations`."""
        for index in range(self._done, self._spec.iterations):
            wanted = detailed is None or index in detailed
            steps = self._training_steps(index) if wanted else []
            events = self._prune(index)
            if wanted:
                steps += [*events, *(() if self._spec.forward_only else self._updates())]
            yield Iteration(index, 0, wanted, tuple(steps), events, None, self._sparsity())

    def _prune(self, index: int) -> tuple[PruneEvent, ...]:
        if not self._pruning.is_due(index):
            return ()
        if not self._weights:  # a network that is not pruned needs none
            for name, mask in self._masks.items():
                uniform = Stream(self._seed, f"weights/{name}").uniform(mask.size).astype(np.float32)
                values = round_to(uniform.reshape(mask.shape) * np.float32(2) - np.float32(1), Format.FP8_E4M3)
                self._weights[name] = np.where(mask, values, np.float32(0))
        events = self._pruning.events(index, self._weights, self._masks)
        for event in events:
            self._masks[event.layer] = event.mask
            self._weights[event.layer] = np.where(event.mask, self._weights[event.layer], np.float32(0))
        return events

    def _sparsity(self) -> Mapping[str, LayerSparsity]:
        for name, mask in self._masks.items():
            if name not in self._counted or self._counted[name][0] is not mask:
                self._counted[name] = (mask, LayerSparsity.of(mask, self._pruning.unit))
        return {name: counted for name, (_, counted) in self._counted.items()}

    def _training_steps(self, index: int) -> list[Step]:
        if self._spec.network is None:
            return self._layers_by_themselves(index)
        recorder = Recorder(True)
        masks = DrawnMasks(self._draws, self._densities, self._masks, index)
        walk = Walk(self._graph, self._spec.batch, self._formats, masks, recorder)
        if self._spec.forward_only:
            walk.forward()
        else:
            walk.run()
        return recorder.steps

    def _layers_by_themselves(self, index: int) -> list[Step]:
        """FF of all layers, then BP and WG from the last to the first."""
        recorder = Recorder(True)
        backward: list[tuple[str, str, Mask, Mask | None]] = []
        source = "input"
        size = int(np.prod(next(iter(self._shapes.values())).x_shape))
        notes.quantize(recorder, source, Stage.FF, source, size, self._formats.activation)
        for name, layer in self._layers.items():
            z, density, at = self._shapes[name], layer.density, f"/{index}"
            live = density.x if density.output_needed is None else density.output_needed
            x, needed = self._draws.nested(name, "x", z.x_shape, (density.x, live), at)
            backward.append((name, source, x, needed if live < 1.0 else None))
            reads = (f"{source}.low", f"{name}.w.low")
            recorder.steps.append(
                Operation(name, Stage.FF, z, reads, f"{name}.sums", x=_bits(x), w=_bits(self._masks[name]))
            )
            source = f"{name}.relu"
            self._behind(recorder, name, int(np.prod(z.y_shape)), z.k)
        for name, source, x, live_mask in reversed(backward):
            z, mask = self._shapes[name], self._masks[name]
            dy = _bits(self._draws.mask(name, "dy", z.y_shape, self._layers[name].density.dy, f"/{index}"))
            self._before(recorder, name, int(np.prod(z.y_shape)), z.k)
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

    def _behind(self, recorder: Recorder, name: str, size: int, channels: int) -> None:
        notes.sums_forward(recorder, name, size, channels, bias=True)
        notes.relu_forward(recorder, f"{name}.relu", name, size)
        notes.quantize(recorder, f"{name}.relu", Stage.FF, f"{name}.relu", size, self._formats.activation)

    def _before(self, recorder: Recorder, name: str, size: int, channels: int) -> None:
        notes.relu_backward(recorder, f"{name}.relu", name, size)
        notes.quantize(recorder, name, Stage.BP, f"{name}.gradient", size, self._formats.gradient)
        notes.bias_gradient(recorder, name, size, channels)

    def _updates(self) -> list[Step]:
        recorder = Recorder(True)
        updates(self._parameters(), self._masks, self._formats, recorder)
        return recorder.steps

    def _parameters(self) -> Iterator[tuple[str, str, int, bool]]:
        """Layer, parameter, size, and whether it decays; of layers by themselves the weights alone."""
        if self._spec.network is None:
            for name, mask in self._masks.items():
                yield name, f"{name}.w", mask.size, True
            return
        for node in self._graph.nodes:
            for parameter in node.parameters():
                yield node.name, *parameter


def statistical_layers(spec: StatisticalSpec) -> tuple[LayerInfo, ...]:
    """The multiply-accumulates that a description leads to; NetworkError for a network that does not fit together."""
    if spec.network is None:
        layers = tuple(LayerInfo(layer.name, layer.shape(spec.batch), not layer.first) for layer in spec.layers)
    else:
        layers = Graph(spec.network).layer_info(spec.batch)
    for index, layer in enumerate(layers):
        z = layer.shape
        for what, shape in (("input", z.x_shape), ("weights", z.w_shape), ("output", z.y_shape)):
            elements = math.prod(shape)
            if elements > MAX_ELEMENTS:
                text = f"layer {layer.name}: its {what} would have {elements} elements; at most {MAX_ELEMENTS}"
                by_batch = what != "weights" and elements // spec.batch <= MAX_ELEMENTS
                alone = ("network",) if spec.network is not None else ("layers", index)
                raise NetworkError(text, ("batch",) if by_batch else alone)
    return layers


def _bits(mask: Mask) -> BitTensor:
    return BitTensor.from_bool(mask)
