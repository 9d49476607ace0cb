"""Masks of a real training: a few lines in a PyTorch loop record them, `fidelity: trace` replays them.

    from cosim.capture import Capture

    with Capture(model, "cnn.masks", steps=range(0, 1000, 100)) as capture:
        for images, labels in loader:
            ...                      # forward, backward, update as before
            capture.next_step()

`mask_file` is the file's form; it needs no PyTorch.
"""

from __future__ import annotations

from .mask_file import Kind, MaskFile, MaskFileError, MaskWriter
from .pytorch import Capture

__all__ = ["Capture", "Kind", "MaskFile", "MaskFileError", "MaskWriter"]
