"""Recording the masks of a PyTorch model's convolutions and linear layers. PyTorch is an extra, imported on use."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from .mask_file import Kind, Mask, MaskWriter


class Capture:
    """Records, at the training steps in `steps`, what is not zero of each layer: input, weights, output gradient.

    Layers are the `Conv2d` and `Linear` modules in `model`, by their names in it with `.` as `_`, or as `names` (module
    name -> layer name) says. A step is everything between two calls of `next_step`, and one forward and backward pass;
    a second one in the same step raises RuntimeError. A pass in which a layer's output needs no gradient is none of a
    training (`no_grad`), or not of this layer (frozen, with nothing to learn before it), and is not recorded. Values
    are compared with zero as PyTorch has them. Hooks and file are made when the block begins; the file appears when it
    ends, and not at all if it ends in an error.
    """

    def __init__(
        self, model: Any, file: str | Path, *, steps: Container[int], names: Mapping[str, str] | None = None
    ) -> None:
        import torch  # noqa: PLC0415  (an extra, on use)

        self._conv, self._linear = torch.nn.Conv2d, torch.nn.Linear
        self._model, self._file, self._names = model, file, names or {}
        self._steps, self._step = steps, 0
        self._seen: set[tuple[Kind, str]] = set()
        self._hooks: list[Any] = []

    def next_step(self) -> None:
        """The training step is over."""
        self._step += 1
        self._seen.clear()

    def __enter__(self) -> Capture:
        self._writer = MaskWriter(self._file)
        for path, module in self._model.named_modules():
            if isinstance(module, (self._conv, self._linear)):
                name = self._names.get(path, path.replace(".", "_"))
                self._hooks.append(module.register_forward_hook(self._hook(name)))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for hook in self._hooks:
            hook.remove()
        self._writer.discard() if kind else self._writer.close()

    def _hook(self, name: str) -> Any:
        def hook(module: Any, inputs: Any, output: Any) -> None:
            if module.training and output.requires_grad and self._step in self._steps:
                self._write(Kind.INPUT, name, self._channels_last(module, inputs[0]))
                weight = _nonzero(module.weight)
                is_conv = isinstance(module, self._conv)
                shaped = weight.transpose(0, 2, 3, 1) if is_conv else weight[:, np.newaxis, np.newaxis]
                self._write(Kind.WEIGHT, name, shaped)
                # On the tensor, not on the module: a module's hook does not go with operations in place behind it.
                output.register_hook(
                    lambda gradient: self._write(Kind.GRADIENT, name, self._channels_last(module, gradient))
                )

        return hook

    def _channels_last(self, module: Any, tensor: Any) -> Mask:
        mask = _nonzero(tensor)
        if isinstance(module, self._conv):
            return mask.transpose(0, 2, 3, 1)
        return mask.reshape(len(mask), -1, 1, mask.shape[-1])  # one row a token; one token if there are none

    def _write(self, kind: Kind, name: str, mask: Mask) -> None:
        if (kind, name) in self._seen:
            raise RuntimeError(f"layer {name}: a second pass in step {self._step}; call next_step() after each")
        self._seen.add((kind, name))
        self._writer.write(self._step, kind, name, np.ascontiguousarray(mask))


def _nonzero(tensor: Any) -> Mask:
    return np.asarray((tensor.detach() != 0).cpu().numpy())
