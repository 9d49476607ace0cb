"""The functional workload: the network really trains, and every tensor's zeros are real."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.arrays import Under

from ..numerics.streams import Stream
from ..pruning.interface import PruneEvent, PruningSchedule
from ..tensors import ConvShape, Stage
from . import notes
from .data import Dataset
from .errors import DataError, NetworkError
from .interface import Iteration, LayerInfo, LayerSparsity, RunsOnce
from .network import Network
from .notes import Formats
from .optimizer import build_optimizer
from .recorder import WIDE_BYTES, Recorder
from .schema import FunctionalSpec
from .vector_layers import BatchNormLayer

MakePruning = Callable[[Mapping[str, ConvShape], int], PruningSchedule]
"""Makes a schedule for these layers and so many iterations."""


class TrainingDiverged(RuntimeError):
    """The loss or a gradient left the range of FP32; `args` are (iteration, what happened)."""

    exit_code = 1

    def __init__(self, iteration: int, reason: str) -> None:
        super().__init__(iteration, reason)
        self.iteration = iteration
        self.reason = reason

    def __str__(self) -> str:
        return f"training diverged in iteration {self.iteration} ({self.reason}); a lower learning rate may help"


MAX_ITERATIONS = 1 << 20
"""Of a training: what is kept of each takes memory."""

_PARTS = ("master", "momentum", "second_moment", "mask")
"""Of a parameter, what outlives an iteration."""


def _optional(state: Under, name: str, model: npt.NDArray[Any], *, needed: bool) -> npt.NDArray[Any] | None:
    return state.like(name, model) if needed or name in state else None


class FunctionalWorkload(RunsOnce):
    """Trains `spec.network` on `dataset`. See `Workload` for the contract.

    Batches are full: each epoch goes once through the training images in a new random order, and leaves out what does
    not fill a batch. A pruning event decides on the low-precision weights that FF and BP of its iteration have read,
    and acts before the update of that iteration. Where it rewinds, that comes after the update: its gradient is that of
    the weights that go, and the next iteration begins from the snapshot.
    """

    def __init__(self, spec: FunctionalSpec, dataset: Dataset, make_pruning: MakePruning, *, seed: int) -> None:
        self._spec = spec
        self._data = dataset
        self._order = Stream(seed, "data/order")
        formats = Formats(spec.formats.activation, spec.formats.weight, spec.formats.gradient, spec.formats.accumulate)
        self.network = Network(spec.network, batch=spec.batch, formats=formats, seed=seed)
        if self.network.classes != dataset.classes:
            raise NetworkError(
                f"the network has {self.network.classes} outputs, {dataset.name} {dataset.classes} classes",
                ("network", "layers", len(spec.network.layers) - 1),
            )
        if dataset.train_images.shape[1:] != self.network.input_shape:
            raise NetworkError(
                f"the network reads images {self.network.input_shape}, "
                f"{dataset.name} has {dataset.train_images.shape[1:]}",
                ("network", "input"),
            )
        self._batches = len(dataset.train_images) // spec.batch
        if not self._batches:
            images = len(dataset.train_images)
            raise DataError(f"a batch of {spec.batch} is more than the {images} training images", ("batch",))
        if self.total_iterations > MAX_ITERATIONS:
            what = (
                f"{spec.epochs} epochs of {self._batches} batches; a training has at most {MAX_ITERATIONS} iterations"
            )
            raise DataError(what, ("epochs",))
        shapes = {layer.name: layer.shape for layer in self.network.mac_layers}
        self._pruning = make_pruning(shapes, self.total_iterations)
        self._optimizer = build_optimizer(spec.optimizer, self.total_iterations)
        self._snapshots: dict[str, npt.NDArray[np.float32]] = {}

    @property
    def layers(self) -> tuple[LayerInfo, ...]:
        """All multiply-accumulates, in the order of the network."""
        return self.network.info

    @property
    def total_iterations(self) -> int:
        """Full batches of an epoch times epochs."""
        return self._batches * self._spec.epochs

    def prunes_in(self, iteration: int) -> bool:
        """See `Workload`."""
        return self._pruning.is_due(iteration)

    def _run(self, detailed: Container[int] | None) -> Iterator[Iteration]:
        """Train; see `Workload.iterations`. Raises TrainingDiverged where a value leaves FP32's range."""
        begun, first = divmod(self._done, self._batches)
        self._order.skip(begun * len(self._data.train_images))
        for epoch in range(begun, self._spec.epochs):
            order = self._order.permutation(len(self._data.train_images))
            for batch in range(first if epoch == begun else 0, self._batches):
                index = epoch * self._batches + batch
                recorder = Recorder(detailed is None or index in detailed)
                self._prepare(index)
                chosen = order[batch * self._spec.batch : (batch + 1) * self._spec.batch]
                try:
                    with np.errstate(over="raise", invalid="raise"):
                        loss = self.network.train_step(
                            self._data.train_images[chosen], self._data.train_labels[chosen], recorder
                        )
                        events = self._prune(index, recorder)
                        self._optimizer.update(self.network, index, recorder)
                        self._rewind(events, recorder)
                        self._snapshot(index, recorder)
                except (ValueError, FloatingPointError) as error:
                    raise TrainingDiverged(index, str(error)) from error
                yield Iteration(index, epoch, recorder.on, tuple(recorder.steps), events, loss, self.sparsity())

    def _prepare(self, index: int) -> None:
        """What the schedule changes in FF and WG of this iteration."""
        inputs, every = self._pruning.prunes_inputs(index), self._pruning.needs_gradients(index)
        for layer in self.network.mac_layers:
            layer.input_pruning, layer.all_gradients = inputs, every

    def _prune(self, index: int, recorder: Recorder) -> tuple[PruneEvent, ...]:
        layers = {layer.name: layer for layer in self.network.mac_layers}
        masks = {}
        for name, layer in layers.items():
            mask = layer.weight.mask
            masks[name] = np.ones(layer.shape.w_shape, dtype=bool) if mask is None else mask
        every = self._pruning.needs_gradients(index)
        gradients = {name: layer.weight.gradient for name, layer in layers.items()} if every else {}
        events = self._pruning.events(
            index, {name: layer.low.values for name, layer in layers.items()}, masks, gradients
        )
        for event in events:
            weight = layers[event.layer].weight
            weight.mask = event.mask
            recorder.prune(event)
            if event.gradients_read:
                notes.regrow(recorder, event.layer, weight.name, looked_at=event.gradients_read)
        return events

    def _rewind(self, events: tuple[PruneEvent, ...], recorder: Recorder) -> None:
        """Kept weights from the snapshot, the optimiser's moments of all weights to zero, the copies made anew."""
        layers = {layer.name: layer for layer in self.network.mac_layers}
        for event in events:
            if not event.rewinds:
                continue
            layer = layers[event.layer]
            weight = layer.weight
            weight.master = np.where(event.mask, self._snapshots[event.layer], np.float32(0))
            for moment in self._optimizer.moments:
                setattr(weight, moment, np.zeros_like(weight.master))
            layer.refresh()
            notes.rewind(
                recorder,
                event.layer,
                weight.name,
                size=event.mask.size,
                kept=event.mask.size - event.zeros,
                moments=self._optimizer.moments,
                low=self.network.formats.weight,
            )

    def _snapshot(self, index: int, recorder: Recorder) -> None:
        """Keep the weights that later events rewind to."""
        if index != self._pruning.snapshot_iteration:
            return
        for layer in self.network.mac_layers:
            self._snapshots[layer.name] = layer.weight.master.copy()
            size, name = layer.weight.master.size, layer.weight.name
            recorder.vector(
                "snapshot",
                layer.name,
                Stage.WG,
                elements=(size, size),
                operations_per_element=1,
                reads={f"{name}.master": size * WIDE_BYTES},
                writes={f"{name}.snapshot": size * WIDE_BYTES},
            )

    def sparsity(self) -> Mapping[str, LayerSparsity]:
        """Zeros of the low-precision weights as of now, by layer."""
        result = {}
        for layer in self.network.mac_layers:
            result[layer.name] = LayerSparsity.of(layer.low.values != 0, self._pruning.unit)
        return result

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """See `Workload`. The order of the data follows from the seed and the number of iterations; low-precision
        weights from the master copies; and there is no loss scale, as every tensor finds one of its own."""
        state: dict[str, npt.NDArray[Any]] = {}
        for parameter in self.network.parameters:
            for part in _PARTS:
                value = getattr(parameter, part)
                if value is not None:
                    state[f"{parameter.name}/{part}"] = value
        for layer in self.network.layers:
            if isinstance(layer, BatchNormLayer):
                state[f"{layer.name}/running_mean"] = layer.running_mean
                state[f"{layer.name}/running_variance"] = layer.running_variance
        state |= {f"{name}/snapshot": weights for name, weights in self._snapshots.items()}
        return state | {f"pruning/{name}": value for name, value in self._pruning.state().items()}

    def restore(self, done: int, state: Under) -> None:
        """See `Workload`."""
        for parameter in self.network.parameters:
            for part in _PARTS:
                model = parameter.master if part != "mask" else np.zeros(parameter.master.shape, dtype=bool)
                needed = getattr(parameter, part) is not None
                setattr(parameter, part, _optional(state, f"{parameter.name}/{part}", model, needed=needed))
        for layer in self.network.layers:
            if isinstance(layer, BatchNormLayer):
                layer.running_mean = state.like(f"{layer.name}/running_mean", layer.running_mean)
                layer.running_variance = state.like(f"{layer.name}/running_variance", layer.running_variance)
        for mac in self.network.mac_layers:
            snapshot = _optional(state, f"{mac.name}/snapshot", mac.weight.master, needed=False)
            if snapshot is not None:
                self._snapshots[mac.name] = snapshot
            mac.refresh()
        self._pruning.restore(dict(Under(state, "pruning")))
        self._done = done
        self._prepare(done - 1)

    def evaluate(self) -> float:
        """Accuracy on the test split as of now."""
        images, labels = self._data.test_images, self._data.test_labels
        correct = 0
        for first in range(0, len(images), self._spec.batch):
            part = slice(first, first + self._spec.batch)
            logits = self.network.forward(images[part], Recorder(False), training=False)
            correct += int(np.count_nonzero(np.argmax(logits, axis=1) == labels[part]))
        return correct / len(images)
