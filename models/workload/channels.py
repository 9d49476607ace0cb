"""How the densities of a layer's channels differ, and how those of its inputs and weights go together.

The density of a channel follows a Beta distribution with the tensor's density as its mean and the share `spread` of
the largest possible variance, d (1 - d): 0 where all channels are alike, towards 1 where each is all zero or full. With
the probability `correlation` the weights of an input channel have the rank among their channels that the inputs have
among theirs, else one of their own. (Beta-binomial counts; the copula is the mixture of independence and the upper
Frechet bound, Nelsen, "An Introduction to Copulas", section 2.5.)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..numerics import vecmath as vm
from ..numerics.streams import Stream

Float64Array = npt.NDArray[np.float64]

_GRID = 4097
_REACH = 60.0  # of the logit: beyond it less than e^-60 of the odds is left


def beta_quantiles(ranks: Float64Array, mean: float, spread: float) -> Float64Array:
    """The densities at these ranks in [0, 1): quantiles of the Beta distribution of this mean and share of variance.

    The same bytes everywhere: exp and log of our own, and sums in one order. In the logit z the density is
    t^a (1 - t)^b, which has no poles to integrate over.
    """
    if spread <= 0.0 or mean in (0.0, 1.0):
        return np.full(ranks.shape, mean)
    scale = 1.0 / spread - 1.0
    a, b = mean * scale, (1.0 - mean) * scale
    reach = min(_REACH / min(a, b, 1.0), 600.0)
    z: Float64Array = (np.arange(_GRID, dtype=np.float64) - (_GRID - 1) / 2) * (2.0 * reach / (_GRID - 1))
    # log t = -log(1 + e^-z), log(1 - t) = -log(1 + e^z)
    log_t, log_rest = -vm.log(1.0 + vm.exp(-z)), -vm.log(1.0 + vm.exp(z))
    exponent = a * log_t + b * log_rest
    mass = np.cumsum(vm.exp(exponent - exponent.max()))
    at = np.interp(ranks, mass / mass[-1], z)
    return np.asarray(1.0 / (1.0 + vm.exp(-at)))


def channel_ranks(seed: int, tensor: str, channels: int) -> Float64Array:
    """The rank of each channel of a tensor, in a stream of its own."""
    return Stream(seed, f"channels/{tensor}").uniform(channels)


def related_ranks(seed: int, layer: str, of_inputs: Float64Array, correlation: float) -> Float64Array:
    """The ranks of the weights' channels: with the probability `correlation` that of the inputs'."""
    stream = Stream(seed, f"channels/{layer}/w")
    own, choice = stream.uniform(of_inputs.size), stream.uniform(of_inputs.size)
    return np.where(choice < correlation, of_inputs, own)
