"""Random zero masks of given densities, each from a stream of its own.

A stream is named by layer, tensor and iteration, so that which iterations are asked for in detail changes none of them.
The element at channel c of a tensor of density d is non-zero with a probability between d - m and d + m, m = spread *
min(d, 1 - d), drawn once for each channel: real sparsity is correlated along channels, and independent masks make
skipping look better balanced than it is. (Or, with a `ChannelsSpec`, as in `channels`.) With a `PlanesSpec` the
non-zeros of activations are then moved within their planes, as in `planes`; gradients stay, as nothing was measured.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..numerics.streams import Stream
from ..pruning.interface import Mask
from .channels import beta_quantiles, channel_ranks, related_ranks
from .errors import WorkloadError
from .graph import INPUT, Graph
from .network_schema import AttentionSpec, ConvSpec, LinearSpec
from .planes import clustered
from .schema import ChannelsSpec, Densities, PlanesSpec

_FULL = 1 << 16


class Draws:
    """Draws masks from `seed`; `spread` says how much the densities of channels differ (0 to 1)."""

    def __init__(
        self, seed: int, spread: float, channels: ChannelsSpec | None = None, planes: PlanesSpec | None = None
    ) -> None:
        self._seed = seed
        self._spread = spread
        self._channels = channels
        self._planes = planes

    def weights(self, layer: str, source: tuple[str, int], shape: tuple[int, ...], density: float) -> Mask:
        """The mask of a layer's weights. `source`: what it reads, and its channels, with which theirs may go together;
        those of a group are not the input's."""
        ranks = None
        if self._channels is not None and source[1] == shape[-1]:
            of_inputs = channel_ranks(self._seed, f"{source[0]}/x", source[1])
            ranks = related_ranks(self._seed, layer, of_inputs, self._channels.correlation)
        return self._masks(layer, "w", shape, (density,), "", ranks)[0]

    def mask(self, layer: str, tensor: str, shape: tuple[int, ...], density: float, at: str = "") -> Mask:
        """A mask of this shape, channels last."""
        return self.nested(layer, tensor, shape, (density,), at)[0]

    def outside_units(self, layer: str, shape: tuple[int, ...], in_units: float, unit: tuple[int, int]) -> Mask:
        """Weights (k, r, s, c) that lie in no coarse unit, tiles of output x input channels; `in_units`: share of those
        that do."""
        k, r, s, c = shape
        tiles = (-(-k // unit[0]), r, s, -(-c // unit[1]))
        draws = Stream(self._seed, f"units/{layer}/w").shorts(int(np.prod(tiles))).reshape(tiles)
        kept = draws >= np.uint32(round(in_units * _FULL))
        return np.asarray(kept.repeat(unit[0], axis=0).repeat(unit[1], axis=3)[:k, :, :, :c])

    def nested(
        self, layer: str, tensor: str, shape: tuple[int, ...], densities: tuple[float, ...], at: str = ""
    ) -> tuple[Mask, ...]:
        """Masks of several densities from the same draws: where a thinner one is set, the denser ones are."""
        return self._masks(layer, tensor, shape, densities, at, None)

    def _masks(
        self,
        layer: str,
        tensor: str,
        shape: tuple[int, ...],
        densities: tuple[float, ...],
        at: str,
        ranks: npt.NDArray[np.float64] | None,
    ) -> tuple[Mask, ...]:
        if all(density in (0.0, 1.0) for density in densities):  # nothing to draw
            return tuple(np.full(shape, density == 1.0) for density in densities)
        draws = Stream(self._seed, f"masks/{layer}/{tensor}{at}").shorts(int(np.prod(shape))).reshape(shape)
        thresholds = [np.floor(self._probabilities(layer, tensor, shape[-1], d, ranks) + 0.5) for d in densities]
        masks = tuple(np.asarray(draws < t.astype(np.uint32)) for t in thresholds)
        if self._planes is None or tensor != "x" or min(shape[1:3]) < 2:
            return masks
        return clustered(masks, draws / _FULL, self._planes, Stream(self._seed, f"planes/{layer}/{tensor}{at}"))

    def _probabilities(
        self, layer: str, tensor: str, channels: int, density: float, ranks: npt.NDArray[np.float64] | None
    ) -> npt.NDArray[np.float64]:
        """By channel, in units of 1 / 65536, before rounding."""
        if self._channels is not None:
            if ranks is None:
                ranks = channel_ranks(self._seed, f"{layer}/{tensor}", channels)
            spread = {"x": self._channels.inputs, "w": self._channels.weights, "dy": self._channels.gradients}[tensor]
            return beta_quantiles(ranks, density, spread) * _FULL
        reach = self._spread * min(density, 1.0 - density)
        centred = Stream(self._seed, f"spread/{layer}/{tensor}").uniform(channels) * 2.0 - 1.0
        return np.asarray((density + reach * centred) * _FULL)


class NetworkDensities:
    """The densities of a network's tensors: `default`, but `layers` by name where they differ.

    Of activations the default holds for what comes from a ReLU; everything else is dense unless the layer that reads it
    is in `layers`. If several layers read one tensor, the first of them says. Raises WorkloadError for an unknown name.
    """

    def __init__(self, graph: Graph, default: Densities, layers: Mapping[str, Densities]) -> None:
        macs = [node for node in graph.nodes if isinstance(node.spec, ConvSpec | LinearSpec | AttentionSpec)]
        unknown = set(layers) - {node.name for node in macs}
        if unknown:
            name = min(unknown)
            raise WorkloadError(f"no layer {name!r} that multiplies", ("densities", name))
        self.x: dict[str, float] = {}
        self.needed: dict[str, float] = {}
        self.w: dict[str, float] = {}
        self.coarse: dict[str, float] = {}
        self.dy: dict[str, float] = {}
        for node in macs:
            own = layers.get(node.name)
            attends = isinstance(node.spec, AttentionSpec)
            if not attends:
                self.w[node.name] = (own or default).w
                self.coarse[node.name] = (own or default).coarse_share
            self.dy[node.name] = own.dy if own else 1.0 if attends else default.dy
            for source, number in zip(node.sources, node.inputs, strict=True):
                gated = source != INPUT and graph.nodes[number - 1].gated
                x = own.x if own else default.x if gated else 1.0
                needed = (own or default).output_needed
                self.x.setdefault(source, x)
                self.needed.setdefault(source, x if needed is None else needed)


class DrawnMasks:
    """The masks of one iteration of a network (`walk.MaskSource`), but for the weights', which `weights` gives."""

    def __init__(self, draws: Draws, densities: NetworkDensities, weights: Mapping[str, Mask], iteration: int) -> None:
        self._draws, self._densities, self._weights = draws, densities, weights
        self._at = f"/{iteration}"
        self._known: dict[str, tuple[Mask, ...]] = {}

    def activation(self, tensor: str, shape: tuple[int, ...]) -> Mask:
        """See `MaskSource`."""
        return self._nested(tensor, shape)[0]

    def needed(self, tensor: str, shape: tuple[int, ...]) -> Mask | None:
        """See `MaskSource`."""
        return None if self._densities.needed[tensor] >= 1.0 else self._nested(tensor, shape)[1]

    def weight(self, layer: str) -> Mask:
        """See `MaskSource`."""
        return self._weights[layer]

    def pruned(self, layer: str) -> Mask | None:
        """See `MaskSource`."""
        mask = self._weights[layer]
        return None if mask.all() else mask

    def gradient(self, tensor: str, shape: tuple[int, ...]) -> Mask:
        """See `MaskSource`."""
        return self._draws.mask(tensor, "dy", shape, self._densities.dy.get(tensor, 1.0), self._at)

    def _nested(self, tensor: str, shape: tuple[int, ...]) -> tuple[Mask, ...]:
        if tensor not in self._known:
            # What no layer's density speaks of, the softmax inside attention, is dense.
            pair = (self._densities.x.get(tensor, 1.0), self._densities.needed.get(tensor, 1.0))
            self._known[tensor] = self._draws.nested(tensor, "x", shape, pair, self._at)
        return self._known[tensor]
