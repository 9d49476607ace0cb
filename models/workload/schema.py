"""The parts of a scenario file that describe a workload (pydantic models); its network is in `network_schema`.

`build_workload` in `build.py` makes workloads of them. Files are named here, not opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.scenario import InputFile, Spec, misfit

from ..numerics import Accumulate, Format
from ..tensors import ConvShape
from .network_schema import Channels, Name, NetworkSpec, Share

Count = Annotated[int, Field(ge=1, strict=True)]
Many = Annotated[int, Field(ge=1, le=1 << 20, strict=True)]
"""Of batches, epochs and iterations."""


# ---- training ------------------------------------------------------------------------------------------------------


class ConstantRate(Spec):
    """The same learning rate throughout."""

    schedule: Literal["constant"] = "constant"
    rate: float = Field(gt=0.0)


class StepRate(Spec):
    """The learning rate times `factor` after each of the given shares of the training."""

    schedule: Literal["step"]
    rate: float = Field(gt=0.0)
    factor: float = Field(default=0.1, gt=0.0)
    at: tuple[Share, ...] = Field(min_length=1)


class PolynomialRate(Spec):
    """rate * (1 - iteration / iterations) ** power, after a linear warm-up."""

    schedule: Literal["polynomial"]
    rate: float = Field(gt=0.0)
    power: Count = 1
    warmup: Share = Field(default=0.0, description="Share of the training in which the rate rises linearly.")


AnyRate = Annotated[ConstantRate | StepRate | PolynomialRate, Field(discriminator="schedule")]


class OptimizerSpec(Spec):
    """Stochastic gradient descent with momentum, or Adam, on FP32 master weights."""

    rule: Literal["momentum", "adam"] = "momentum"
    learning_rate: AnyRate
    momentum: float = Field(default=0.9, ge=0.0, lt=1.0, description="Of the gradient; Adam's beta 1.")
    weight_decay: float = Field(default=0.0, ge=0.0, description="Times the weight, added to its gradient.")
    beta2: float = Field(default=0.999, ge=0.0, lt=1.0, description="Adam: of the squared gradient.")
    epsilon: float = Field(default=1e-8, gt=0.0, description="Adam: added to the root that is divided by.")


class FormatsSpec(Spec):
    """Number formats of what the multipliers see and of their sums; master weights and vector work are FP32."""

    activation: Format = Format.FP8_E4M3
    weight: Format = Format.FP8_E4M3
    gradient: Format = Format.FP8_E5M2
    accumulate: Accumulate = Field(
        default=Accumulate.FP32, description="Sums of products: fp16 takes fp8 and fp16 operands, int32 int8 ones."
    )

    @model_validator(mode="after")
    def _consistent(self) -> FormatsSpec:
        for operand in ("activation", "weight", "gradient"):
            fmt: Format = getattr(self, operand)
            if not self.accumulate.takes(fmt):
                raise misfit(f"sums in {self.accumulate} do not take operands in {fmt}", operand)
        return self


class DataSpec(Spec):
    """A data set: who reads it, and which file."""

    loader: str = Field(
        description="Name of a registered loader: optical_digits, mnist_idx, cifar10_binary, cifar100_binary, npz."
    )
    file: InputFile = Field(description="The file it reads: all of the data, or the images for training.")
    labels: InputFile | None = Field(default=None, description="mnist_idx: labels for training.")
    test: InputFile | None = Field(default=None, description="mnist_idx, cifar: images for testing.")
    test_labels: InputFile | None = Field(default=None, description="mnist_idx: labels for testing.")
    more: tuple[InputFile, ...] = Field(default=(), description="cifar: further files for training.")

    @property
    def others(self) -> dict[str, Path | tuple[Path, ...]]:
        """The files given beside the first, by name."""
        named = {"labels": self.labels, "test": self.test, "test_labels": self.test_labels, "more": self.more}
        return {name: file for name, file in named.items() if file}


class FunctionalSpec(Spec):
    """The network really trains, in the chip's number formats."""

    fidelity: Literal["functional"]
    network: NetworkSpec
    data: DataSpec
    batch: Many
    epochs: Many
    optimizer: OptimizerSpec
    formats: FormatsSpec = FormatsSpec()


# ---- statistics -------------------------------------------------------------------------------------------------


class Densities(Spec):
    """Shares of non-zeros. 1 is dense, exactly."""

    x: Share = Field(default=1.0, description="Input: FF and WG.")
    w: Share = Field(default=1.0, description="Weights before any pruning schedule: FF and BP.")
    dy: Share = Field(default=1.0, description="Gradient of the output: BP and WG.")
    output_needed: Share | None = Field(
        default=None,
        description="BP: share of dX not known to be zero. Without it: x, behind a ReLU the same positions.",
    )
    coarse_share: Share = Field(
        default=0.0, description="Share of the zero weights (see `w`) that lie in coarse units, whole tiles of zeros."
    )


class StatisticalLayer(Spec):
    """The shape of one convolution (or linear layer: all of h, w, r, s are 1) and the densities of its tensors."""

    name: Name
    c: Channels
    h: Channels
    w: Channels
    k: Channels
    r: Channels
    s: Channels
    stride: Channels = 1
    pad: int = Field(default=0, ge=0, le=1 << 24, strict=True)
    groups: Channels = 1
    density: Densities = Densities()
    first: bool = Field(False, description="The network's first layer: it has no BP.")

    @model_validator(mode="after")
    def _has_outputs(self) -> StatisticalLayer:
        self.shape(batch=1)
        return self

    def shape(self, batch: int) -> ConvShape:
        """Its shape for a batch. ValueError where no output is left, or channels do not divide into groups."""
        return ConvShape(batch, self.c, self.h, self.w, self.k, self.r, self.s, self.stride, self.pad, self.groups)


class ChannelsSpec(Spec):
    """How densities differ between channels (Beta-distributed), and how inputs and weights go together.

    The defaults are fitted: the means over eight layers of a sparse MobileNet, whose counts of non-zeros by channel are
    in the Eyeriss v2 example of the Sparseloop artifact (MICRO 2022): moments of beta-binomial counts, and the
    covariance of inputs and weights over that of Beta densities of equal ranks (`studies/channels.py`). What is fitted
    is 0.587, 0.0311 and 0.54; 0.032 is kept as it was, so that recorded results stay.
    """

    inputs: float = Field(default=0.59, ge=0.0, le=0.9, description="Share of the largest variance, d (1 - d), of x.")
    weights: float = Field(default=0.032, ge=0.0, le=0.9, description="The same of w, by input channel.")
    gradients: float = Field(default=0.0, ge=0.0, le=0.9, description="The same of dy; nothing was fitted.")
    correlation: Share = Field(default=0.54, description="Share of channels whose w has the rank that x has.")


class PlanesSpec(Spec):
    """How the non-zeros of activations cluster in their planes (see `planes`); the counts by channel stay.

    The defaults are fitted to the inputs of conv1_2 to conv5_3 of VGG16, with weights trained on ImageNet, for eight
    photographs: the variances of tiles' densities, of single channels and common to them (`studies/planes.py`). Planes
    of a single row or column (tokens, linear layers) are left alone.
    """

    persistence: float = Field(
        default=1.11, ge=0.0, le=4.0, description="Variance of squares twice as large, over that of the smaller ones."
    )
    common: Share = Field(default=0.052, description="Share of the variance that all channels have together.")


class StatisticalSpec(Spec):
    """Nothing is computed: seeded random masks of given densities, for a network or for layers by themselves.

    Around layers by themselves it is assumed that each has a bias and a ReLU behind it.
    """

    fidelity: Literal["statistical"]
    network: NetworkSpec | None = Field(default=None, description="A network, with all its layers' work.")
    density: Densities = Field(
        default=Densities(),
        description="Of the network's layers; x of what comes from a ReLU, everything else that is read is dense.",
    )
    densities: dict[Name, Densities] = Field(default={}, description="By layer of the network, where they differ.")
    layers: tuple[StatisticalLayer, ...] = Field(default=(), description="Or layers by themselves.")
    forward_only: bool = Field(
        default=False, description="Of a network the feed-forward part alone: no loss, no gradients, no update."
    )
    batch: Many = 1
    iterations: Many = 1
    coarse_unit: tuple[Count, Count] = Field(
        default=(4, 4), description="Output x input channels of a coarse unit, for layers with a coarse share."
    )
    channel_spread: Share = Field(
        default=0.0,
        description="How much the densities of channels differ: 0 not at all, 1 as far as the mean density allows.",
    )
    channels: ChannelsSpec | None = Field(
        default=None, description="In place of channel_spread: channels as in measured layers; {} takes what is fitted."
    )
    planes: PlanesSpec | None = Field(
        default=None, description="Activations clustered in the plane as measured; {} takes what is fitted."
    )
    formats: FormatsSpec = FormatsSpec()

    @model_validator(mode="after")
    def _one_of_two(self) -> StatisticalSpec:
        if (self.network is None) == (not self.layers):
            raise ValueError("either a network or layers, one of them")
        if self.network is None and (self.densities or self.density != Densities()):
            raise ValueError("density and densities are a network's; layers have their own")
        if self.network is None and self.forward_only:
            raise ValueError("forward_only is a network's")
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> StatisticalSpec:
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two layers are called {name!r}")
        return self


class TraceSpec(Spec):
    """Zero masks recorded in a real training (`cosim.capture`) are replayed, an iteration for each recorded step."""

    fidelity: Literal["trace"]
    network: NetworkSpec = Field(description="Its convolutions and linear layers have the names of the recorded ones.")
    file: InputFile = Field(description="The recorded masks.")
    formats: FormatsSpec = FormatsSpec()


WorkloadSpec = Annotated[FunctionalSpec | StatisticalSpec | TraceSpec, Field(discriminator="fidelity")]
