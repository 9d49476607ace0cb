"""The trace workload: zero masks captured from a real training (`cosim.capture`), replayed step by step."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping
from typing import Any

import numpy.typing as npt

from cosim.arrays import Under
from cosim.capture import Kind, MaskFile, MaskFileError

from ..pruning.interface import CoarseUnit, Mask
from . import notes
from .errors import DataError, NetworkError
from .graph import MAX_ELEMENTS, Graph
from .interface import Iteration, LayerInfo, LayerSparsity, RunsOnce
from .network_schema import AttentionSpec
from .recorder import Recorder
from .schema import TraceSpec
from .walk import Walk, updates


class TraceWorkload(RunsOnce):
    """Delivers one iteration for each recorded step. See `Workload` for the contract.

    The update is by gradient descent with momentum. What is zero in a recorded weight counts as pruned, so its gradient
    is not needed. Where the gradient of a tensor behind a ReLU is needed is where the tensor is not zero.
    """

    def __init__(self, spec: TraceSpec) -> None:
        self._graph = Graph(spec.network)
        self._formats = notes.Formats(spec.formats.activation, spec.formats.weight, spec.formats.gradient)
        try:
            self._file = MaskFile(spec.file)
        except MaskFileError as error:
            raise DataError(str(error), ("file",)) from None
        if not self._file.steps:
            raise DataError(f"{spec.file.name}: no training step was recorded", ("file",))
        for index, node in enumerate(self._graph.nodes):
            if isinstance(node.spec, AttentionSpec):
                text = f"layer {node.name}: the masks of attention are not recorded"
                raise NetworkError(text, ("network", "layers", index))
        first = self._graph.mac_nodes[0].name
        shape = self._file.shape(self._file.steps[0], Kind.INPUT, first)
        self._images = shape[0] if shape else 1
        if not self._images:
            raise DataError(
                f"{spec.file.name}: step {self._file.steps[0]}, layer {first}, input: of no image", ("file",)
            )
        for node in self._graph.nodes:
            elements = self._images * math.prod(node.output_shape)
            if elements > MAX_ELEMENTS:
                text = f"layer {node.name}: of {self._images} images its output would have {elements} elements"
                raise DataError(f"{spec.file.name}: {text}; at most {MAX_ELEMENTS}", ("file",))
        for step in self._file.steps:
            self._check(step, spec.file.name)
        self._readers: dict[str, str] = {}
        for node in self._graph.mac_nodes:
            self._readers.setdefault(node.sources[0], node.name)

    def _check(self, step: int, file: str) -> None:
        """Every layer has its three masks in each step, as many elements as it has."""
        for node in self._graph.mac_nodes:
            z = node.mac_shape(self._images)
            for kind, expected in ((Kind.INPUT, z.x_shape), (Kind.WEIGHT, z.w_shape), (Kind.GRADIENT, z.y_shape)):
                found = self._file.shape(step, kind, node.name)
                what = f"{file}: step {step}, layer {node.name}, {kind.name.lower()}"
                if found is None:
                    raise DataError(f"{what}: not recorded", ("file",))
                if found != expected and not _same_rows(found, expected):
                    raise DataError(f"{what}: {found} was recorded, the network has {expected}", ("file",))

    @property
    def layers(self) -> tuple[LayerInfo, ...]:
        """The layers, in order."""
        return self._graph.layer_info(self._images)

    @property
    def total_iterations(self) -> int:
        """The recorded steps."""
        return len(self._file.steps)

    def evaluate(self) -> None:
        """Nothing is computed, so nothing is accurate."""
        return

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Nothing but the number of the step changes."""
        return {}

    def restore(self, done: int, state: Under) -> None:
        """See `Workload`."""
        self._done = done

    def prunes_in(self, iteration: int) -> bool:
        """Never: whoever trained has pruned."""
        return False

    def _run(self, detailed: Container[int] | None) -> Iterator[Iteration]:
        """Replay the steps; see `Workload.iterations`."""
        for index, step in list(enumerate(self._file.steps))[self._done :]:
            masks = RecordedMasks(self._file, step, self._readers)
            recorder = Recorder(detailed is None or index in detailed)
            weights = {node.name: masks.weight(node.name) for node in self._graph.mac_nodes}
            if recorder.on:
                Walk(self._graph, self._images, self._formats, masks, recorder).run()
                parameters = ((node.name, *item) for node in self._graph.nodes for item in node.parameters())
                updates(parameters, weights, self._formats, recorder)
            yield Iteration(index, 0, recorder.on, tuple(recorder.steps), sparsity=_sparsity(weights))


class RecordedMasks:
    """The masks of one recorded step (`walk.MaskSource`)."""

    def __init__(self, file: MaskFile, step: int, readers: Mapping[str, str]) -> None:
        self._file, self._step, self._readers = file, step, readers
        self._weights: dict[str, Mask] = {}

    def activation(self, tensor: str, shape: tuple[int, ...]) -> Mask:
        """See `MaskSource`."""
        return self._file.read(self._step, Kind.INPUT, self._readers[tensor]).reshape(shape)

    def needed(self, tensor: str, shape: tuple[int, ...]) -> Mask | None:
        """See `MaskSource`."""
        return self.activation(tensor, shape)

    def weight(self, layer: str) -> Mask:
        """See `MaskSource`."""
        if layer not in self._weights:
            self._weights[layer] = self._file.read(self._step, Kind.WEIGHT, layer)
        return self._weights[layer]

    def pruned(self, layer: str) -> Mask | None:
        """See `MaskSource`."""
        mask = self.weight(layer)
        return None if mask.all() else mask

    def gradient(self, tensor: str, shape: tuple[int, ...]) -> Mask:
        """See `MaskSource`."""
        return self._file.read(self._step, Kind.GRADIENT, tensor).reshape(shape)


def _same_rows(found: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """A linear layer over tokens is recorded as (n, tokens, 1, c), and is a 1x1 convolution of whatever shape here."""
    return (
        len(found) == 4
        and (found[0], found[3]) == (expected[0], expected[3])
        and found[1] * found[2] == expected[1] * expected[2]
    )


def _sparsity(weights: Mapping[str, Mask]) -> dict[str, LayerSparsity]:
    return {name: LayerSparsity.of(mask, CoarseUnit()) for name, mask in weights.items()}
